package auth

import (
	"fmt"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	tokenIDChars = 22 // 113 bits of 36 letters: no two tokens share an id
	maxRights    = 8  // twice the rights there are
)

// parse reads a token into claims and checks its signature, which must be EdDSA whatever the token itself claims
// (RFC 8725 section 3.1). Times and audience are left to the caller, who tells apart the ways to be wrong.
func parse(token string, claims jwt.Claims, key jwt.Keyfunc) error {
	if err := checkTokenSize(token); err != nil {
		return err
	}
	_, err := strictParser().ParseWithClaims(token, claims, key)
	return err
}

// parseUnverified reads a token into claims without any proof.
func parseUnverified(token string, claims jwt.Claims) error {
	if err := checkTokenSize(token); err != nil {
		return err
	}
	_, _, err := strictParser().ParseUnverified(token, claims)
	return err
}

func strictParser() *jwt.Parser {
	return jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}),
		jwt.WithStrictDecoding(),
		jwt.WithoutClaimsValidation(),
	)
}

func checkTokenSize(token string) error {
	if len(token) > protocol.MaxTokenBytes {
		return fmt.Errorf("a token of %d bytes is over the limit of %d", len(token), protocol.MaxTokenBytes)
	}
	return nil
}
