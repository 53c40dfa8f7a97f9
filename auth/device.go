package auth

import (
	"crypto/ed25519"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sightline-rtc/sightline/protocol"
)

// clockLeeway is how far ahead of the server a device's clock may be. Behind, the token's own life is its leeway.
const clockLeeway = 30 * time.Second

// DeviceToken is what a device's token says once it is verified.
type DeviceToken struct {
	Device   protocol.DeviceID
	Audience string
	// ID is unique per token: give it to a ReplayGuard.
	ID      string
	Issued  time.Time
	Expires time.Time
}

// SignDevice makes the token with which a device says hello to the hub at the audience's URL. It lives
// protocol.DeviceTokenLife and is good for one hello.
func SignDevice(key ed25519.PrivateKey, device protocol.DeviceID, audience string, now time.Time) (string, error) {
	text, err := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.RegisteredClaims{
		Issuer:    string(device),
		Audience:  jwt.ClaimStrings{audience},
		IssuedAt:  jwt.NewNumericDate(now),
		ExpiresAt: jwt.NewNumericDate(now.Add(protocol.DeviceTokenLife)),
		ID:        randomText(base36, tokenIDChars),
	}).SignedString(key)
	if err != nil {
		return "", fmt.Errorf("sign device token: %w", err)
	}
	return text, nil
}

// DeviceOf returns whose token this claims to be, unproven: only to find the public key that VerifyDevice needs.
// It fails with CodeBadToken.
func DeviceOf(token string) (protocol.DeviceID, error) {
	var claims jwt.RegisteredClaims
	if err := parseUnverified(token, &claims); err != nil {
		return "", protocol.Errorf(protocol.CodeBadToken, "this is not a device token").Because(err)
	}
	device := protocol.DeviceID(claims.Issuer)
	if !device.Valid() {
		return "", protocol.Errorf(protocol.CodeBadToken, "the device token names no device")
	}
	return device, nil
}

// VerifyDevice checks that the device signed the token for a hub URL that accepts says yes to, and when. It fails
// with CodeClockSkew, and Now set, when only the time is wrong; else with CodeBadToken.
func VerifyDevice(token string, device protocol.DeviceID, key ed25519.PublicKey, accepts func(audience string) bool, now time.Time) (DeviceToken, error) {
	var claims jwt.RegisteredClaims
	err := parse(token, &claims, func(*jwt.Token) (any, error) { return key, nil })
	if err != nil {
		return DeviceToken{}, protocol.Errorf(protocol.CodeBadToken, "the token was not signed by this device's key").Because(err)
	}
	switch {
	case claims.Issuer != string(device):
		return DeviceToken{}, protocol.Errorf(protocol.CodeBadToken, "the token is another device's")
	case claims.ExpiresAt == nil || claims.IssuedAt == nil:
		return DeviceToken{}, protocol.Errorf(protocol.CodeBadToken, "the device token has no time")
	case claims.ID == "" || len(claims.ID) > protocol.MaxNameBytes:
		return DeviceToken{}, protocol.Errorf(protocol.CodeBadToken, "the device token has no id")
	case len(claims.Audience) != 1 || !accepts(claims.Audience[0]):
		return DeviceToken{}, protocol.Errorf(protocol.CodeBadToken, "the device token was made for another hub")
	}
	t := DeviceToken{
		Device:   device,
		Audience: claims.Audience[0],
		ID:       claims.ID,
		Issued:   claims.IssuedAt.UTC(),
		Expires:  claims.ExpiresAt.UTC(),
	}
	if life := t.Expires.Sub(t.Issued); life <= 0 || life > protocol.DeviceTokenLife {
		return DeviceToken{}, protocol.Errorf(protocol.CodeBadToken, "a device token lives at most %s", protocol.DeviceTokenLife)
	}
	if now.Before(t.Issued.Add(-clockLeeway)) || !now.Before(t.Expires) {
		refusal := protocol.Errorf(protocol.CodeClockSkew, "the device's clock says %s, the hub's %s",
			t.Issued.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
		refusal.Now = now.UTC()
		return DeviceToken{}, refusal
	}
	return t, nil
}
