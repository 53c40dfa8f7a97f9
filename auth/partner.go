package auth

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"slices"
	"strings"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// PartnerKeyPrefix begins the IDs of the keys with which partners sign.
const PartnerKeyPrefix = "sl_sk_"

// maxPublicKeyText is more than any form of an Ed25519 public key has.
const maxPublicKeyText = 1 << 10

// checkPartner is what a partner's token is checked for beyond one of the server's own: it is of the key's project, says when
// it was made, and lives no longer than MaxViewerLife.
func (c *viewerClaims) checkPartner(key *record.PartnerKey, now time.Time) error {
	bad := func(format string, args ...any) error { return protocol.Errorf(protocol.CodeBadToken, format, args...) }
	switch {
	case c.Project != key.Project:
		return bad("the token is of another project than its signing key")
	case c.Key != "":
		return bad("a token that you sign has no key")
	case c.IssuedAt == nil:
		return bad("the token does not say when it was made (iat)")
	case !c.ExpiresAt.After(c.IssuedAt.Time) || c.ExpiresAt.Sub(c.IssuedAt.Time) > MaxViewerLife:
		return bad("a viewer token lives at most %d hours from iat to exp", MaxViewerLife/time.Hour)
	case !key.Revoked.IsZero():
		return protocol.Errorf(protocol.CodeRevoked, "access was withdrawn")
	case now.IsZero():
		return nil
	case c.IssuedAt.After(now.Add(clockSkew)):
		return bad("the token was made in the future: look at your clock, it is %s here", now.UTC().Format(time.RFC3339))
	case c.NotBefore != nil && c.NotBefore.After(now.Add(clockSkew)):
		return bad("the token is not good yet (nbf)")
	}
	return nil
}

// ParsePublicKey reads an Ed25519 public key: its 32 bytes in base64, a PEM block of a SubjectPublicKeyInfo (RFC 8410), or a
// JWK (RFC 8037). It fails with CodeInvalid, also for what CheckPublicKey refuses.
func ParsePublicKey(text string) (ed25519.PublicKey, error) {
	text = strings.TrimSpace(text)
	if len(text) > maxPublicKeyText {
		return nil, errNotPublicKey()
	}
	var public ed25519.PublicKey
	switch {
	case strings.HasPrefix(text, "-----BEGIN"):
		public = ofPEM(text)
	case strings.HasPrefix(text, "{"):
		public = ofJWK(text)
	default:
		public = ofBase64(text)
	}
	if public == nil {
		return nil, errNotPublicKey()
	}
	return public, CheckPublicKey(public)
}

func ofPEM(text string) ed25519.PublicKey {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "PUBLIC KEY" || strings.TrimSpace(string(rest)) != "" {
		return nil
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil
	}
	public, _ := parsed.(ed25519.PublicKey)
	return public
}

func ofJWK(text string) ed25519.PublicKey {
	var key struct{ Kty, Crv, X, D string }
	if json.Unmarshal([]byte(text), &key) != nil || key.Kty != "OKP" || key.Crv != "Ed25519" || key.D != "" {
		return nil
	}
	return ofBase64(key.X)
}

func ofBase64(text string) ed25519.PublicKey {
	text = strings.TrimRight(text, "=")
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if b, err := encoding.Strict().DecodeString(text); err == nil && len(b) == ed25519.PublicKeySize {
			return b
		}
	}
	return nil
}

func errNotPublicKey() error {
	return protocol.Errorf(protocol.CodeInvalid, "this is not an Ed25519 public key: send its 32 bytes in base64, PEM or a JWK without the private part")
}

// weakTrials leaves a key of small order a chance of (7/8)^256 to pass.
const weakTrials = 256

// CheckPublicKey fails with CodeInvalid for a public key of the wrong size, and for one of small order: with such a point
// anybody can make signatures, without any private key.
func CheckPublicKey(public ed25519.PublicKey) error {
	if len(public) != ed25519.PublicKeySize {
		return errNotPublicKey()
	}
	// R = the neutral element, S = 0: that verifies where k·A is neutral, which only a point of small order (it divides 8) makes
	// happen by chance, once in eight messages.
	forged := make([]byte, ed25519.SignatureSize)
	forged[0] = 1
	trial := func(i int) bool { return ed25519.Verify(public, []byte{byte(i)}, forged) }
	trials := make([]int, weakTrials)
	for i := range trials {
		trials[i] = i
	}
	if slices.ContainsFunc(trials, trial) {
		return protocol.Errorf(protocol.CodeInvalid, "this public key is weak: anybody could sign with it")
	}
	return nil
}
