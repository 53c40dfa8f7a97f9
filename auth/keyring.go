package auth

import (
	"crypto/ed25519"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// clockSkew is how far a partner's clock may be ahead of the server's.
const clockSkew = time.Minute

// Keyring mints and verifies viewer tokens with the server's signing keys, and verifies those that partners signed. It is
// safe for concurrent use.
type Keyring struct {
	own      atomic.Pointer[[]record.SigningKey]
	partners atomic.Pointer[map[string]record.PartnerKey] // by ID
}

// NewKeyring makes a keyring. The newest key signs, all of them verify.
func NewKeyring(keys []record.SigningKey) *Keyring {
	k := &Keyring{}
	k.Replace(keys)
	k.ReplacePartners(nil)
	return k
}

// Replace gives the keyring another set of keys of the server.
func (k *Keyring) Replace(keys []record.SigningKey) {
	sorted := slices.Clone(keys)
	slices.SortStableFunc(sorted, func(a, b record.SigningKey) int { return b.Created.Compare(a.Created) })
	k.own.Store(&sorted)
}

// ReplacePartners gives the keyring another set of keys of partners. Those that were revoked verify nothing: they are for
// telling the holders of their tokens.
func (k *Keyring) ReplacePartners(keys []record.PartnerKey) {
	byID := make(map[string]record.PartnerKey, len(keys))
	for _, key := range keys {
		byID[string(key.ID)] = key
	}
	k.partners.Store(&byID)
}

// newest returns the key that signs.
func (k *Keyring) newest() (key record.SigningKey, ok bool) {
	keys := *k.own.Load()
	if len(keys) == 0 {
		return record.SigningKey{}, false
	}
	return keys[0], true
}

// verifying finds the key that a token's header names. partner is nil for one of the server's own.
func (k *Keyring) verifying(header map[string]any) (public ed25519.PublicKey, partner *record.PartnerKey, err error) {
	if _, critical := header["crit"]; critical { // RFC 7515 section 4.1.11: none of its extensions is known here
		return nil, nil, errors.New("the header has critical extensions")
	}
	id, ok := header["kid"].(string)
	if !ok {
		return nil, nil, errors.New("no kid")
	}
	for _, key := range *k.own.Load() {
		if key.ID == id {
			public, ok = key.Private.Public().(ed25519.PublicKey)
			if !ok {
				return nil, nil, errors.New("the key is damaged")
			}
			return public, nil, nil
		}
	}
	key, ok := (*k.partners.Load())[id]
	if !ok || len(key.Public) != ed25519.PublicKeySize {
		return nil, nil, errors.New("unknown kid")
	}
	return key.Public, &key, nil
}

// Verify checks a token's signature, form and time, without any look-up; a zero time leaves out what it bounds. It fails with
// CodeExpired when only the time has passed, with CodeRevoked for a token of a partner's revoked key, else with CodeBadToken.
// Whether the API key behind it was revoked is for the caller to ask, and so is whether its project may open its device.
func (k *Keyring) Verify(token string, now time.Time) (Viewer, error) {
	var claims viewerClaims
	var partner *record.PartnerKey
	err := parse(token, &claims, func(t *jwt.Token) (any, error) {
		public, of, err := k.verifying(t.Header)
		partner = of
		return public, err
	})
	if err != nil {
		return Viewer{}, protocol.Errorf(protocol.CodeBadToken, "the viewer token is not one of this server").Because(err)
	}
	if claims.ExpiresAt == nil {
		return Viewer{}, protocol.Errorf(protocol.CodeBadToken, "the viewer token has no expiry")
	}
	v := Viewer{
		Project: claims.Project,
		Subject: claims.Subject,
		Key:     claims.Key,
		Device:  claims.Device,
		Rights:  claims.Rights,
		Terms:   claims.Terms(),
		Expires: claims.ExpiresAt.UTC(),
		ID:      claims.ID,
	}
	if partner != nil {
		if err := claims.checkPartner(partner, now); err != nil {
			return Viewer{}, err
		}
		v.Key = partner.ID
	}
	if err := v.check(); err != nil {
		return Viewer{}, protocol.Errorf(protocol.CodeBadToken, "the viewer token makes no sense: %s", err)
	}
	if claims.Issuer != string(v.Project) || !slices.Equal(claims.Audience, jwt.ClaimStrings{viewerAudience}) {
		return Viewer{}, protocol.Errorf(protocol.CodeBadToken, "the token was not made for viewing")
	}
	if !now.Before(v.Expires) {
		return Viewer{}, protocol.Errorf(protocol.CodeExpired, "the viewer token expired at %s", v.Expires.Format(time.RFC3339))
	}
	return v, nil
}
