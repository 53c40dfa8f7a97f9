package api

import (
	"context"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// SigningKey is the public key of a partner that signs viewer tokens himself.
type SigningKey struct {
	ID        protocol.KeyID `json:"id" doc:"The kid of the tokens that it signs"`
	Name      string         `json:"name"`
	PublicKey string         `json:"public_key" doc:"Its 32 bytes in base64"`
	Created   time.Time      `json:"created"`
	Revoked   time.Time      `json:"revoked,omitzero"`
}

type (
	signingKeyInput struct {
		ID protocol.KeyID `path:"key" maxLength:"64"`
	}
	createSigningKeyInput struct {
		Body struct {
			Name      string `json:"name,omitempty" maxLength:"128" doc:"What the key is for"`
			PublicKey string `json:"public_key" minLength:"43" maxLength:"1024" doc:"An Ed25519 public key: its 32 bytes in base64, PEM, or a JWK as text"`
		}
	}
	signingKeyOutput struct {
		Body SigningKey
	}
	signingKeysInput struct {
		Page
	}
	signingKeysOutput struct {
		Body struct {
			SigningKeys []SigningKey `json:"signing_keys" nullable:"false"`
			NextCursor  string       `json:"next_cursor,omitempty"`
		}
	}
)

func (a *API) addPartnerKeys() {
	add(a, huma.Operation{
		OperationID: "create-signing-key", Method: http.MethodPost, Path: "/v1/signing-keys", Tags: []string{"signing-keys"},
		Summary: "Register a public key with which you sign viewer tokens yourself", DefaultStatus: http.StatusCreated,
		Description: "Its tokens open the project's devices, and those that are shared with it, without a request to this API.",
	}, a.createSigningKey)
	add(a, huma.Operation{
		OperationID: "list-signing-keys", Method: http.MethodGet, Path: "/v1/signing-keys", Tags: []string{"signing-keys"},
		Summary: "List the signing keys, revoked ones too, the newest first",
	}, a.listSigningKeys)
	add(a, huma.Operation{
		OperationID: "revoke-signing-key", Method: http.MethodDelete, Path: "/v1/signing-keys/{key}", Tags: []string{"signing-keys"},
		Summary: "Revoke a signing key: the viewers whose tokens it signed are shut out at once",
	}, a.revokeSigningKey)
}

func (a *API) createSigningKey(ctx context.Context, in *createSigningKeyInput) (*signingKeyOutput, error) {
	public, err := auth.ParsePublicKey(in.Body.PublicKey)
	if err != nil {
		return nil, err
	}
	k, err := a.config.PartnerKeys.CreatePartnerKey(ctx, keyOf(ctx).Project, in.Body.Name, public)
	if err != nil {
		return nil, err
	}
	if err := a.config.Access.Refresh(context.WithoutCancel(ctx)); err != nil {
		return nil, err
	}
	return &signingKeyOutput{Body: signingKey(k)}, nil
}

func (a *API) listSigningKeys(ctx context.Context, in *signingKeysInput) (*signingKeysOutput, error) {
	list, next, err := a.config.PartnerKeys.PartnerKeys(ctx, keyOf(ctx).Project, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &signingKeysOutput{}
	out.Body.SigningKeys, out.Body.NextCursor = each(list, signingKey), next
	return out, nil
}

func (a *API) revokeSigningKey(ctx context.Context, in *signingKeyInput) (*struct{}, error) {
	if err := a.config.PartnerKeys.RevokePartnerKey(ctx, keyOf(ctx).Project, in.ID); err != nil {
		return nil, err
	}
	// The hub first: it needs nothing of the store to shut them out.
	a.config.Hub.RevokeKey(context.WithoutCancel(ctx), in.ID)
	return nil, a.config.Access.Refresh(context.WithoutCancel(ctx))
}

func signingKey(k record.PartnerKey) SigningKey {
	return SigningKey{
		ID: k.ID, Name: k.Name, PublicKey: base64.StdEncoding.EncodeToString(k.Public), Created: k.Created, Revoked: k.Revoked,
	}
}
