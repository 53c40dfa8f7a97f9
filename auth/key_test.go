package auth

import (
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
)

func TestMintedKeysParse(t *testing.T) {
	id, plain := MintKey()
	got, err := ParseKey(plain.Reveal())
	if err != nil || got != id {
		t.Errorf("got %q, %v; want %q", got, err, id)
	}
	if !protocol.DeviceID(id).Valid() {
		t.Errorf("key id %q is not safe in a URL", id)
	}
	hash := Hash(plain.Reveal())
	if !Matches(hash, plain.Reveal()) || Matches(hash, plain.Reveal()+" ") || Matches(nil, plain.Reveal()) {
		t.Error("Matches does not tell the key from others")
	}
}

func TestKeysWithATypingErrorAreRefused(t *testing.T) {
	_, secret := MintKey()
	plain := secret.Reveal()
	for i := range plain {
		other := byte('x')
		if plain[i] == other {
			other = 'y'
		}
		_, err := ParseKey(plain[:i] + string(other) + plain[i+1:])
		wantCode(t, err, protocol.CodeBadToken)
	}
	for _, text := range []string{"", "sl_live_", plain[1:], plain[:len(plain)-1], plain + "0", strings.ToUpper(plain), strings.Repeat("sl_live_", 1000)} {
		_, err := ParseKey(text)
		wantCode(t, err, protocol.CodeBadToken)
	}
}

func TestRandomTextUsesItsWholeAlphabet(t *testing.T) {
	counts := map[rune]int{}
	const n = 62 * 200
	for _, letter := range randomText(base62, n) {
		counts[letter]++
	}
	// Each letter comes 200 times on average, with a deviation of 14: half or double is out of any chance.
	for _, letter := range base62 {
		if counts[letter] < 100 || counts[letter] > 400 {
			t.Errorf("letter %c: got %d of %d", letter, counts[letter], n)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	_, plain := MintKey()
	f.Add(plain.Reveal())
	f.Add("sl_live_0123456789_")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ParseKey(text)
		if err == nil && !strings.HasPrefix(text, keyPrefix+string(id)+"_") {
			t.Errorf("got id %q of %q", id, text)
		}
	})
}
