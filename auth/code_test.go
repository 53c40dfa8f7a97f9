package auth

import (
	"regexp"
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
)

func TestCodesAreForgivingToTypists(t *testing.T) {
	const code = "10AB-CDEF-GHJK-MNPQ"
	for _, typed := range []string{code, "10abcdefghjkmnpq", " 10AB CDEF GHJK MNPQ\n", "iOab-cdef-ghjk-mnpq", "LoAB-CDEF-GHJK-MNPQ"} {
		got, err := ParseCode(typed)
		if err != nil || got != code {
			t.Errorf("%q: got %q, %v; want %q", typed, got, err, code)
		}
	}
}

func TestMintedCodesParse(t *testing.T) {
	form := regexp.MustCompile(`^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$`)
	for range 100 {
		code := MintCode().Reveal()
		got, err := ParseCode(code)
		if err != nil || got != code || !form.MatchString(code) {
			t.Fatalf("got %q, %v; want %q", got, err, code)
		}
	}
}

func TestTextsThatAreNoCode(t *testing.T) {
	for _, text := range []string{"", "10AB-CDEF-GHJK-MNP", "10AB-CDEF-GHJK-MNPQR", "10AB-CDEF-GHJK-MNPU", "10AB-CDEF-GHJK-MNPé", strings.Repeat("-", 1000)} {
		_, err := ParseCode(text)
		wantCode(t, err, protocol.CodeInvalid)
	}
}

func FuzzParseCode(f *testing.F) {
	f.Add("10AB-CDEF-GHJK-MNPQ")
	f.Add("ioab cdef ghjk mnpq")
	f.Add("\xff")
	f.Fuzz(func(t *testing.T, text string) {
		code, err := ParseCode(text)
		if err != nil {
			return
		}
		if again, err := ParseCode(code); err != nil || again != code {
			t.Errorf("%q: got %q, then %q, %v", text, code, again, err)
		}
	})
}
