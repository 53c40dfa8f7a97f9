package auth

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretPrintsNowhere(t *testing.T) {
	const plain = "hush-hush"
	secret := NewSecret(plain)
	type outer struct {
		Exported Secret
		hidden   Secret
	}
	value := outer{secret, secret}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		fmt.Fprintf(&out, verb+verb+verb+"\n", secret, &secret, value)
	}
	encoded, err := json.Marshal(map[string]any{"secret": secret, "outer": value})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(encoded)
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("secret", "secret", secret, "outer", value)
	}
	if strings.Contains(out.String(), plain) || strings.Contains(out.String(), fmt.Sprintf("%x", plain)) {
		t.Errorf("the secret was printed:\n%s", out.String())
	}
	if secret.Reveal() != plain || (Secret{}).Reveal() != "" {
		t.Error("Reveal does not give the text back")
	}
}
