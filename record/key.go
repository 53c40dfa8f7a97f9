package record

import (
	"crypto/ed25519"
	"slices"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// Key is an API key as the store keeps it: never the key itself.
type Key struct {
	ID      protocol.KeyID
	Project protocol.ProjectID
	Name    string
	// Scopes are what the key may do; none is everything of its project, and nothing beyond that.
	Scopes []Scope
	// Hash is the SHA-256 of the whole key.
	Hash    []byte
	Created time.Time
	// Expires is when the key ends by itself; zero is never. The tokens that it has made live on to their own end.
	Expires time.Time
	// Used is when the key was used last, up to KeyUseInterval ago; zero before the first time.
	Used    time.Time
	Revoked time.Time
	// Successor is the key that took this one's place in a rotation; empty if there was none.
	Successor protocol.KeyID
}

// KeyUseInterval is how coarsely it is kept when a key was last used, so that requests do not write.
const KeyUseInterval = 10 * time.Minute

// May reports whether the key has a scope. A key without scopes has all but ScopeOperator.
func (k *Key) May(s Scope) bool {
	if len(k.Scopes) == 0 {
		return s != ScopeOperator
	}
	return slices.Contains(k.Scopes, s)
}

// MayMake reports whether the key has everything that another would have: its scopes, and its time.
func (k *Key) MayMake(other Key) bool {
	if !k.Outlives(other) {
		return false
	}
	if len(other.Scopes) == 0 {
		return len(k.Scopes) == 0
	}
	return !slices.ContainsFunc(other.Scopes, func(s Scope) bool { return !k.May(s) })
}

// Outlives reports whether the key does not end before another.
func (k *Key) Outlives(other Key) bool {
	return k.Expires.IsZero() || !other.Expires.IsZero() && !other.Expires.After(k.Expires)
}

// Ended reports whether the key was revoked or has expired.
func (k *Key) Ended(now time.Time) bool {
	return !k.Revoked.IsZero() || !k.Expires.IsZero() && !now.Before(k.Expires)
}

// PartnerKey verifies the viewer tokens that a partner signs himself. Its ID is the kid of their headers, and stands in
// sessions where that of an API key would.
type PartnerKey struct {
	ID      protocol.KeyID
	Project protocol.ProjectID
	Name    string
	Public  ed25519.PublicKey
	Created time.Time
	Revoked time.Time
}
