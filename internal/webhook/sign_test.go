package webhook

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/record"
)

func signedWebhook() *record.Webhook {
	return &record.Webhook{
		Secret: []byte("the newer secret of 32 bytes ..."), OldSecret: []byte("the older secret of 32 bytes ..."), OldUntil: time.Now().Add(time.Hour),
		Private: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)),
	}
}

func TestDeliveriesAreSignedWithBothSecretsAndTheKey(t *testing.T) {
	w, body, now := signedWebhook(), []byte(`{"type":"device.online"}`), time.Now()
	h := http.Header{}
	sign(h, w, "msg_1", body, now)
	got := strings.Fields(h.Get("webhook-signature"))
	if len(got) != 3 || !strings.HasPrefix(got[0], "v1,") || !strings.HasPrefix(got[1], "v1,") || got[0] == got[1] {
		t.Fatalf("got %v", got)
	}
	signature, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(got[2], "v1a,"))
	if err != nil {
		t.Fatal(err)
	}
	content := "msg_1." + h.Get("webhook-timestamp") + "." + string(body)
	if !ed25519.Verify(w.Private.Public().(ed25519.PublicKey), []byte(content), signature) {
		t.Error("the v1a signature does not verify")
	}
	sign(h, w, "msg_1", body, w.OldUntil)
	if got := strings.Fields(h.Get("webhook-signature")); len(got) != 2 {
		t.Errorf("after the overlap: got %v", got)
	}
}

// verifier reads a delivery as JSON and verifies it with the library that partners use, by each of the secrets.
const verifier = `
import { Webhook } from 'standardwebhooks';
let text = '';
for await (const chunk of process.stdin) text += chunk;
const { headers, body, secrets, wrong } = JSON.parse(text);
for (const secret of secrets) {
  const event = new Webhook(secret).verify(body, headers);
  if (event.type !== 'device.online') throw new Error('got ' + JSON.stringify(event));
}
for (const attempt of [
  () => new Webhook(wrong).verify(body, headers),
  () => new Webhook(secrets[0]).verify(body + ' ', headers),
  () => new Webhook(secrets[0]).verify(body, { ...headers, 'webhook-id': 'other' }),
]) {
  let refused = false;
  try { attempt(); } catch { refused = true; }
  if (!refused) throw new Error('a forgery was taken');
}
console.log('verified');
`

func TestThePartnersLibraryVerifiesWhatIsSent(t *testing.T) {
	modules, err := filepath.Abs("../../test/browser")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, "node_modules", "standardwebhooks")); err != nil {
		t.Fatalf("the library is not installed (npm ci in test/browser): %v", err)
	}
	w, h := signedWebhook(), http.Header{}
	body := bodyOf(&record.Event{ID: "e1", Seq: 7, Kind: record.EventDeviceOnline, At: time.Now(), Project: testProject, Device: "cam", Data: []byte(`{"a":"ü"}`)})
	sign(h, w, "e1", body, time.Now())
	headers := map[string]string{}
	for name := range h {
		headers[strings.ToLower(name)] = h.Get(name)
	}
	secret := func(b []byte) string { return "whsec_" + base64.StdEncoding.EncodeToString(b) }
	input, err := json.Marshal(map[string]any{
		"headers": headers, "body": string(body), "secrets": []string{secret(w.Secret), secret(w.OldSecret)}, "wrong": secret([]byte("some other secret, which nobody has")),
	})
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "node", "--input-type=module", "-e", verifier)
	command.Dir, command.Stdin = modules, strings.NewReader(string(input))
	out, err := command.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "verified" {
		t.Errorf("got %v:\n%s", err, out)
	}
}

func TestABodyIsBelowTheBoundOrHasALink(t *testing.T) {
	e := record.Event{ID: "e1", Seq: 42, Kind: record.EventSessionEnded, At: time.Now(), Project: testProject, Device: "cam", Session: "s", Data: []byte(`{"reason":"left"}`)}
	var p payload
	if err := json.Unmarshal(bodyOf(&e), &p); err != nil || string(p.Data) != `{"reason":"left"}` || p.Link != "" || p.Type != e.Kind || p.ID != "e1" {
		t.Errorf("got %+v, %v", p, err)
	}
	for _, data := range []string{`{"long":"` + strings.Repeat("x", maxBodyBytes) + `"}`, `{broken`} {
		e.Data = []byte(data)
		body := bodyOf(&e)
		if err := json.Unmarshal(body, &p); err != nil || len(body) >= maxBodyBytes || string(p.Data) != `{}` || p.Link != "/v1/events?after=41&limit=1" {
			t.Errorf("got %d bytes, %+v, %v", len(body), p, err)
		}
	}
}
