package auth

import (
	"crypto/rand"
	"io"
	"strings"

	"github.com/sightline-rtc/sightline/protocol"
)

// Enrolment codes are typed by people from a screen or a sticker: 16 letters of Crockford's base 32, which has no I,
// L, O or U, in four groups. 80 bits are out of reach of guessing against a rate-limited server for a day.
const (
	codeAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	codeChars    = 16
	codeGroup    = 4
	// maxCodeBytes bounds what ParseCode looks at; the dashes and some stray spaces fit.
	maxCodeBytes = 64
)

// MintCode makes an enrolment code, as XXXX-XXXX-XXXX-XXXX. Only Hash of it should be stored.
func MintCode() Secret { return MintCodeFrom(rand.Reader) }

// MintCodeFrom makes the code that some random bytes are, a few hundred of them.
func MintCodeFrom(random io.Reader) Secret {
	return NewSecret(group(textFrom(random, codeAlphabet, codeChars)))
}

// ParseCode returns the code as MintCode wrote it, whatever case, spaces, dashes and look-alike letters (I, L and O)
// it was typed with. It fails with CodeInvalid when the text cannot be a code.
func ParseCode(text string) (string, error) {
	if len(text) > maxCodeBytes {
		return "", errNotCode()
	}
	code := strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '\t', '\r', '\n':
			return -1
		case 'i', 'I', 'l', 'L':
			return '1'
		case 'o', 'O':
			return '0'
		}
		if r >= 'a' && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, text)
	if len(code) != codeChars || strings.Trim(code, codeAlphabet) != "" {
		return "", errNotCode()
	}
	return group(code), nil
}

func errNotCode() error {
	return protocol.Errorf(protocol.CodeInvalid, "this is not an enrolment code: one looks like XXXX-XXXX-XXXX-XXXX")
}

func group(code string) string {
	groups := make([]string, 0, codeChars/codeGroup)
	for ; code != ""; code = code[codeGroup:] {
		groups = append(groups, code[:codeGroup])
	}
	return strings.Join(groups, "-")
}
