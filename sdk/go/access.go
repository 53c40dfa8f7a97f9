package sightline

import (
	"context"
	"iter"
)

const (
	keysPath        = "/v1/keys"
	signingKeysPath = "/v1/signing-keys"
)

// CreateToken makes a token with which a viewer may look at one device.
func (c *Client) CreateToken(ctx context.Context, in CreateTokenInput) (CreateTokenOutput, error) {
	return post[CreateTokenOutput](ctx, c, "/v1/tokens", in)
}

// CreateKey makes an API key of the project, which may do no more than the client's own. It is shown this once.
func (c *Client) CreateKey(ctx context.Context, in KeyInput) (CreateKeyOutput, error) {
	return post[CreateKeyOutput](ctx, c, keysPath, in)
}

// RotateKey makes a successor of an API key, beside which the old one lives for a time. It is shown this once.
func (c *Client) RotateKey(ctx context.Context, id string, in RotateKeyInput) (CreateKeyOutput, error) {
	return post[CreateKeyOutput](ctx, c, at(keysPath, id)+"/rotate", in)
}

// Keys goes through the API keys, revoked ones too, the newest first.
func (c *Client) Keys(ctx context.Context) iter.Seq2[Key, error] {
	return list[Key](ctx, c, keysPath, "keys", nil)
}

// RevokeKey revokes an API key: the viewers whose tokens it made are shut out at once.
func (c *Client) RevokeKey(ctx context.Context, id string) error {
	return c.remove(ctx, at(keysPath, id))
}

// CreateSigningKey registers the public half of a key that signs viewer tokens: a Signer has the other.
func (c *Client) CreateSigningKey(ctx context.Context, in CreateSigningKeyInput) (SigningKey, error) {
	return post[SigningKey](ctx, c, signingKeysPath, in)
}

// SigningKeys goes through the signing keys, revoked ones too, the newest first.
func (c *Client) SigningKeys(ctx context.Context) iter.Seq2[SigningKey, error] {
	return list[SigningKey](ctx, c, signingKeysPath, "signing_keys", nil)
}

// RevokeSigningKey revokes a signing key: the viewers whose tokens it signed are shut out at once.
func (c *Client) RevokeSigningKey(ctx context.Context, id string) error {
	return c.remove(ctx, at(signingKeysPath, id))
}
