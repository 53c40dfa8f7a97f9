package auth

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"strings"

	"github.com/sightline-rtc/sightline/protocol"
)

// A camera that cannot sign, because its program speaks another protocol than ours, shows a bearer token instead:
// sl_dev_<device>_<secret><checksum>. The SHA-256 of the whole token is the seed of an Ed25519 key (RFC 8032 section 5.1.5),
// and what the server keeps of it is that key's public half, in the place where other devices have theirs: a hash that
// nobody can turn back, and one way for all to replace a key or to shut it out.
const (
	bearerPrefix    = "sl_dev_"
	bearerTailChars = keyChars + checksumChars
)

// MintBearer makes a device's bearer token and the public key to keep of it.
func MintBearer(device protocol.DeviceID) (ed25519.PublicKey, Secret) {
	body := bearerPrefix + string(device) + "_" + randomText(base62, keyChars)
	token := body + checksum(body)
	return bearerKey(token), NewSecret(token)
}

// IsBearer reports whether a text looks like a bearer token, so that it can be told from a viewer's.
func IsBearer(text string) bool { return strings.HasPrefix(text, bearerPrefix) }

// ParseBearer checks the form and the checksum of a bearer token and returns the device that it names; it fails with
// CodeBadToken. That proves nothing: see VerifyBearer.
func ParseBearer(text string) (protocol.DeviceID, error) {
	rest, ok := strings.CutPrefix(text, bearerPrefix)
	end := len(rest) - bearerTailChars - 1
	if !ok || end < 1 || len(text) > protocol.MaxTokenBytes || rest[end] != '_' {
		return "", protocol.Errorf(protocol.CodeBadToken, "this is not a device's bearer token")
	}
	device := protocol.DeviceID(rest[:end])
	if !device.Valid() || strings.Trim(rest[end+1:], base62) != "" {
		return "", protocol.Errorf(protocol.CodeBadToken, "the bearer token has characters that no token has")
	}
	if body := text[:len(text)-checksumChars]; checksum(body) != text[len(body):] {
		return "", protocol.Errorf(protocol.CodeBadToken, "the bearer token has a typing error: its checksum is wrong")
	}
	return device, nil
}

// VerifyBearer checks a bearer token against the public key that is kept of the device that it names. It fails with
// CodeBadToken.
func VerifyBearer(token string, key ed25519.PublicKey) error {
	if !bytes.Equal(bearerKey(token), key) { // both are public
		return protocol.Errorf(protocol.CodeBadToken, "the bearer token is not, or no longer, this device's")
	}
	return nil
}

func bearerKey(token string) ed25519.PublicKey {
	seed := sha256.Sum256([]byte(token))
	key, _ := ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey) // which it always is
	return key
}
