package auth

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// How long a viewer token lives: DefaultViewerLife unless its maker says otherwise, MaxViewerLife at most. Both are
// part of the API's contract.
const (
	DefaultViewerLife = time.Hour
	MaxViewerLife     = 24 * time.Hour
)

// viewerAudience is the aud of every viewer token: it keeps tokens that the same keys may sign for something else
// from opening a camera.
const viewerAudience = "sightline"

// Viewer is what a viewer token says.
type Viewer struct {
	Project protocol.ProjectID
	// Subject is who looks, in the words of the partner who asked for the token.
	Subject string
	// Key is the API key that made the token, or the partner key that signed it: revoking it revokes the token.
	Key    protocol.KeyID
	Device protocol.DeviceID
	Rights []protocol.Right
	// Terms are how the token's sessions may go, within those of their project.
	Terms record.Terms
	// Expires has whole seconds, as JWTs do.
	Expires time.Time
	// ID is the token's own, unique.
	ID string
}

// Allows reports whether the token carries a right.
func (v Viewer) Allows(r protocol.Right) bool { return slices.Contains(v.Rights, r) }

// viewerClaims are the claims of a viewer token (RFC 7519 section 4). One that a partner signed has no key.
type viewerClaims struct {
	jwt.RegisteredClaims
	Project protocol.ProjectID `json:"prj"`
	Key     protocol.KeyID     `json:"key,omitempty"`
	Device  protocol.DeviceID  `json:"dev"`
	Rights  []protocol.Right   `json:"grants"`
	record.PlainTerms
}

// Mint signs a token. A zero Expires means DefaultViewerLife from now, no Rights mean view and audio, an empty ID a
// fresh one. It fails with CodeInvalid when the life is over MaxViewerLife or a value makes no sense.
func (k *Keyring) Mint(v Viewer, now time.Time) (string, error) {
	if v.Expires.IsZero() {
		v.Expires = now.Add(DefaultViewerLife)
	}
	if v.Rights == nil {
		v.Rights = []protocol.Right{protocol.RightView, protocol.RightAudio}
	}
	if v.ID == "" {
		v.ID = randomText(base36, tokenIDChars)
	}
	switch life := v.Expires.Sub(now); {
	case life <= 0:
		return "", protocol.Errorf(protocol.CodeInvalid, "a viewer token cannot expire in the past")
	case life > MaxViewerLife:
		return "", protocol.Errorf(protocol.CodeInvalid, "a viewer token lives at most %d hours", MaxViewerLife/time.Hour)
	}
	if err := v.check(); err != nil {
		return "", protocol.Errorf(protocol.CodeInvalid, "%s", err)
	}
	key, ok := k.newest()
	if !ok {
		return "", errors.New("mint viewer token: the keyring is empty")
	}
	claims := viewerClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    string(v.Project),
			Audience:  jwt.ClaimStrings{viewerAudience},
			Subject:   v.Subject,
			ExpiresAt: jwt.NewNumericDate(v.Expires),
			ID:        v.ID,
		},
		Project: v.Project, Key: v.Key, Device: v.Device, Rights: v.Rights, PlainTerms: v.Terms.Plain(),
	}
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
	token.Header["kid"] = key.ID
	text, err := token.SignedString(key.Private)
	if err != nil {
		return "", fmt.Errorf("sign viewer token: %w", err)
	}
	return text, nil
}

func (v Viewer) check() error {
	switch {
	case !v.Project.Valid():
		return errors.New("bad project")
	case !v.Device.Valid():
		return errors.New("bad device")
	case v.Key == "" || len(v.Key) > protocol.MaxNameBytes:
		return errors.New("bad key")
	case len(v.Subject) > protocol.MaxNameBytes:
		return fmt.Errorf("the subject is over %d bytes", protocol.MaxNameBytes)
	case v.ID == "" || len(v.ID) > protocol.MaxNameBytes:
		return errors.New("bad token id")
	case len(v.Rights) == 0 || len(v.Rights) > maxRights:
		return errors.New("no grants, or too many")
	}
	for _, r := range v.Rights {
		if !r.Valid() {
			return errors.New("unknown grant")
		}
	}
	return v.Terms.Check()
}
