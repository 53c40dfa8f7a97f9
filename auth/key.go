package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"hash/crc32"
	"io"
	"strings"

	"github.com/sightline-rtc/sightline/protocol"
)

// An API key is sl_live_<id>_<secret><checksum>. The prefix lets secret scanners find it, the checksum lets them (and
// us) tell a key from a look-alike without asking the store.
const (
	keyPrefix     = "sl_live_"
	keyIDChars    = 10 // 51 bits of 36 letters: names a key, guards nothing
	keyChars      = 32 // 190 bits of 62 letters
	checksumChars = 6  // 62^6 > 2^32: a CRC-32 fits
	keyTotalChars = len(keyPrefix) + keyIDChars + 1 + keyChars + checksumChars

	base36 = "0123456789abcdefghijklmnopqrstuvwxyz"
	base62 = base36 + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// MintKey makes an API key and its public identifier. Only Hash of the key should be stored.
func MintKey() (protocol.KeyID, Secret) { return MintKeyFrom(rand.Reader) }

// MintKeyFrom makes the key that some random bytes are, a few hundred of them.
func MintKeyFrom(random io.Reader) (protocol.KeyID, Secret) {
	id := textFrom(random, base36, keyIDChars)
	body := keyPrefix + id + "_" + textFrom(random, base62, keyChars)
	return protocol.KeyID(id), NewSecret(body + checksum(body))
}

// ParseKey checks the form and the checksum of an API key and returns its identifier; it fails with CodeBadToken.
// That says nothing of whether the key exists: compare the stored hash with Matches.
func ParseKey(text string) (protocol.KeyID, error) {
	if !strings.HasPrefix(text, keyPrefix) {
		return "", protocol.Errorf(protocol.CodeBadToken, "this is not a Sightline API key: it does not begin with %s", keyPrefix)
	}
	if len(text) != keyTotalChars {
		return "", protocol.Errorf(protocol.CodeBadToken, "the API key is not complete: it has %d characters, not %d", len(text), keyTotalChars)
	}
	body, sum := text[:len(text)-checksumChars], text[len(text)-checksumChars:]
	id, secret, ok := strings.Cut(body[len(keyPrefix):], "_")
	if !ok || len(id) != keyIDChars || strings.Trim(id, base36) != "" || strings.Trim(secret, base62) != "" {
		return "", protocol.Errorf(protocol.CodeBadToken, "the API key has characters that no key has")
	}
	if checksum(body) != sum {
		return "", protocol.Errorf(protocol.CodeBadToken, "the API key has a typing error: its checksum is wrong")
	}
	return protocol.KeyID(id), nil
}

// Hash returns the SHA-256 of an API key or of a normalised enrolment code. Both are random and long enough that a
// slow hash would add nothing.
func Hash(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// Matches reports, in a time that does not depend on the answer, whether the text has this hash.
func Matches(hash []byte, text string) bool {
	return subtle.ConstantTimeCompare(hash, Hash(text)) == 1
}

func checksum(body string) string {
	sum := crc32.ChecksumIEEE([]byte(body))
	var digits [checksumChars]byte
	for i := range digits {
		digits[checksumChars-1-i] = base62[sum%62]
		sum /= 62
	}
	return string(digits[:])
}

// randomText returns n letters of the alphabet, which has at most 256, each as likely as the others.
func randomText(alphabet string, n int) string { return textFrom(rand.Reader, alphabet, n) }

// textFrom is randomText of given random bytes.
func textFrom(source io.Reader, alphabet string, n int) string {
	fair := 256 - 256%len(alphabet) // bytes from here on would favour the first letters
	text := make([]byte, 0, n)
	var random [64]byte
	for {
		if _, err := io.ReadFull(source, random[:]); err != nil {
			panic(err) // crypto/rand ends the program rather than return an error; others have enough
		}
		for _, b := range random {
			if int(b) >= fair {
				continue
			}
			if text = append(text, alphabet[int(b)%len(alphabet)]); len(text) == n {
				return string(text)
			}
		}
	}
}
