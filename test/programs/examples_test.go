package programs

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/record"
	sightline "github.com/sightline-rtc/sightline/sdk/go"
)

// example is one of the Go SDK's, running on a site of its own.
type example struct {
	*process
	url string
}

func (s *server) example(name, key string, more []string, flags ...string) example {
	s.t.Helper()
	settings := append([]string{"SIGHTLINE_HUB=" + s.URL, "SIGHTLINE_KEY=" + key}, more...)
	p := startsIn(s.t, settings, name, append([]string{"--listen", "127.0.0.1:0"}, flags...)...)
	return example{p, strings.TrimSpace(p.line)}
}

// answers asks the site and returns what it says.
func (e example) answers(method, path, body string) (status int, text string) {
	e.t.Helper()
	request, err := http.NewRequestWithContext(e.t.Context(), method, e.url+path, strings.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		e.t.Fatal(err)
	}
	defer answer.Body.Close()
	all, err := io.ReadAll(answer.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	return answer.StatusCode, string(all)
}

// token asks for a token, which must be one that opens the device.
func (e example) token(path, device string) {
	e.t.Helper()
	status, token := e.answers(http.MethodPost, path, "")
	if status != http.StatusOK || strings.Count(token, ".") != 2 {
		e.t.Fatalf("%s: got %d %s, want a token", path, status, token)
	}
	claims, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil || !strings.Contains(string(claims), `"dev":"`+device+`"`) {
		e.t.Errorf("%s: the token says %s, %v", path, claims, err)
	}
}

func TestTheExamplesOfTheSDKDoWhatTheySay(t *testing.T) {
	s := serves(t, t.TempDir())
	_, device := s.enrols(t.TempDir())
	key := s.key()

	one := s.example("one", key, nil, "--device", device)
	if status, page := one.answers(http.MethodGet, "/", ""); status != http.StatusOK || !strings.Contains(page, `device="`+device+`"`) {
		t.Errorf("one: got %d %s", status, page)
	}
	one.token("/token", device)

	wall := s.example("wall", key, nil)
	if _, page := wall.answers(http.MethodGet, "/", ""); strings.Count(page, "<sightline-camera ") != 1 || !strings.Contains(page, "garden") {
		t.Errorf("wall: got %s", page)
	}
	wall.token("/token/"+device, device)

	id, file := s.signingKey(key)
	backend := s.example("backend", key, []string{"SIGHTLINE_WEBHOOK_SECRET=whsec_c2VjcmV0"}, "--signing-key", id, "--private-key", file)
	backend.token("/tokens/"+device, device)
	backend.token("/tokens/"+device+"?by=key", device)
	if status, text := backend.answers(http.MethodPost, "/webhooks", `{"type":"device.online"}`); status != http.StatusUnauthorized {
		t.Errorf("a webhook that nobody signed: got %d %s", status, text)
	}
	backend.tells("event 1 device.enrolled " + device)
}

// signingKey registers a key and returns its ID and the file of its private half.
func (s *server) signingKey(key string) (id, file string) {
	s.t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	client, err := sightline.New(s.URL, key)
	if err != nil {
		s.t.Fatal(err)
	}
	made, err := client.CreateSigningKey(s.t.Context(), sightline.CreateSigningKeyInput{PublicKey: base64.StdEncoding.EncodeToString(public)})
	if err != nil {
		s.t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		s.t.Fatal(err)
	}
	file = filepath.Join(s.t.TempDir(), "key.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return made.ID, file
}

// tells waits until the program has printed a text.
func (p *process) tells(text string) {
	p.t.Helper()
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		p.mu.Lock()
		said := p.rest.String()
		p.mu.Unlock()
		if strings.Contains(said, text) {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	p.t.Errorf("it does not say %q", text)
}

// The SDK signs tokens by itself: what it writes is what the server reads.
func TestTheServerTakesTokensThatTheSDKSigns(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer := sightline.Signer{ID: "sl_sk_0123456789abcdef", Project: "acme", Private: private}
	yes := true
	token, err := signer.Token(sightline.Claims{
		Device: "cam", Subject: "anna", Life: time.Hour,
		Terms: sightline.Terms{Path: "direct_only", MaxKbps: 500, RelayHD: &yes},
	})
	if err != nil {
		t.Fatal(err)
	}
	keyring := auth.NewKeyring(nil)
	keyring.ReplacePartners([]record.PartnerKey{{ID: "sl_sk_0123456789abcdef", Project: "acme", Public: public}})
	got, err := keyring.Verify(token, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if got.Device != "cam" || got.Subject != "anna" || got.Project != "acme" || len(got.Rights) != 2 || got.Terms.MaxKbps != 500 || got.Terms.RelayHD != record.Yes {
		t.Errorf("the server reads %+v", got)
	}
}
