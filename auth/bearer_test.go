package auth

import (
	"errors"
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
)

func TestABearerTokenProvesItsDevice(t *testing.T) {
	for _, device := range []protocol.DeviceID{"d1", "front_door-2", "0197e0a2-7b1c-7d3e-8f00-000000000001"} {
		key, token := MintBearer(device)
		got, err := ParseBearer(token.Reveal())
		if err != nil || got != device {
			t.Errorf("got %q, %v, want %q", got, err, device)
		}
		if err := VerifyBearer(token.Reveal(), key); err != nil {
			t.Error(err)
		}
		if !IsBearer(token.Reveal()) || IsBearer("eyJhbGciOiJFZERTQSJ9.e30.x") {
			t.Error("bearer tokens are not told from others")
		}
	}
}

func TestABearerTokenOfAnotherTimeOrDeviceIsRefused(t *testing.T) {
	key, _ := MintBearer("d1")
	_, renewed := MintBearer("d1")
	_, other := MintBearer("d2")
	for _, token := range []Secret{renewed, other} {
		if err := VerifyBearer(token.Reveal(), key); !errors.Is(err, &protocol.Error{Code: protocol.CodeBadToken}) {
			t.Errorf("got %v", err)
		}
	}
}

func TestWhatIsNoBearerTokenIsRefusedBeforeAnyLookUp(t *testing.T) {
	_, token := MintBearer("d1")
	good := token.Reveal()
	for name, text := range map[string]string{
		"nothing":          "",
		"the prefix alone": bearerPrefix,
		"an API key":       strings.Replace(good, bearerPrefix, keyPrefix, 1),
		"no device":        strings.Replace(good, "d1_", "_", 1),
		"capitals":         strings.Replace(good, "d1_", "D1_", 1),
		"a typing error":   good[:len(good)-1] + map[bool]string{true: "b", false: "a"}[good[len(good)-1] == 'a'],
		"too short":        good[:len(good)-1],
		"too long":         bearerPrefix + strings.Repeat("d", protocol.MaxTokenBytes),
		"other letters":    strings.Replace(good, "d1_", "d1_ü", 1),
	} {
		if device, err := ParseBearer(text); !errors.Is(err, &protocol.Error{Code: protocol.CodeBadToken}) {
			t.Errorf("%s: got %q, %v", name, device, err)
		}
	}
}

func FuzzParseBearer(f *testing.F) {
	_, token := MintBearer("d1")
	f.Add(token.Reveal())
	f.Add("sl_dev__")
	f.Fuzz(func(t *testing.T, text string) {
		if device, err := ParseBearer(text); err == nil && (!device.Valid() || !strings.HasPrefix(text, bearerPrefix+string(device)+"_")) {
			t.Fatalf("%q names the device %q", text, device)
		}
	})
}
