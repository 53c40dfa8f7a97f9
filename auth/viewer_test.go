package auth

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

var testTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newSigningKey(t testing.TB, id string, created time.Time) record.SigningKey {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return record.SigningKey{ID: id, Private: private, Created: created}
}

func testViewer() Viewer {
	return Viewer{
		Project: "acme", Subject: "anna", Key: "k1", Device: "cam", Rights: []protocol.Right{protocol.RightView, protocol.RightControl},
		Expires: testTime.Add(time.Hour), ID: "t1",
		Terms: record.Terms{Path: protocol.PathRelayOnly, RelayDelay: record.DelayOf(0), MaxRelay: time.Minute, MaxKbps: 500, RelayHD: record.No},
	}
}

func TestViewerTokenSaysWhatItWasMadeOf(t *testing.T) {
	keyring := NewKeyring([]record.SigningKey{newSigningKey(t, "a", testTime)})
	token, err := keyring.Mint(testViewer(), testTime)
	if err != nil {
		t.Fatal(err)
	}
	got, err := keyring.Verify(token, testTime)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(testViewer(), got); diff != "" {
		t.Errorf("viewer differs:\n%s", diff)
	}
	if !got.Allows(protocol.RightView) || got.Allows(protocol.RightTalk) {
		t.Error("Allows does not tell the rights")
	}
}

func TestViewerTokenDefaults(t *testing.T) {
	keyring := NewKeyring([]record.SigningKey{newSigningKey(t, "a", testTime)})
	token, err := keyring.Mint(Viewer{Project: "acme", Key: "k1", Device: "cam"}, testTime)
	if err != nil {
		t.Fatal(err)
	}
	got, err := keyring.Verify(token, testTime)
	want := Viewer{
		Project: "acme", Key: "k1", Device: "cam", Rights: []protocol.Right{protocol.RightView, protocol.RightAudio},
		Expires: testTime.Add(DefaultViewerLife), ID: got.ID,
	}
	if diff := cmp.Diff(want, got); err != nil || got.ID == "" || diff != "" {
		t.Errorf("got error %v, id %q and differences:\n%s", err, got.ID, diff)
	}
}

func TestViewersThatMakeNoSenseGetNoToken(t *testing.T) {
	keyring := NewKeyring([]record.SigningKey{newSigningKey(t, "a", testTime)})
	for name, spoil := range map[string]func(*Viewer){
		"over a day":     func(v *Viewer) { v.Expires = testTime.Add(MaxViewerLife + time.Second) },
		"expired":        func(v *Viewer) { v.Expires = testTime },
		"bad project":    func(v *Viewer) { v.Project = "No Slug" },
		"bad device":     func(v *Viewer) { v.Device = "" },
		"no key":         func(v *Viewer) { v.Key = "" },
		"no right":       func(v *Viewer) { v.Rights = []protocol.Right{} },
		"unknown right":  func(v *Viewer) { v.Rights = []protocol.Right{"fly"} },
		"too many":       func(v *Viewer) { v.Rights = make([]protocol.Right, 100) },
		"no path":        func(v *Viewer) { v.Terms.Path = "relay" },
		"half a second":  func(v *Viewer) { v.Terms.MaxRelay = time.Second / 2 },
		"endless viewer": func(v *Viewer) { v.Subject = strings.Repeat("x", protocol.MaxNameBytes+1) },
	} {
		t.Run(name, func(t *testing.T) {
			v := testViewer()
			spoil(&v)
			_, err := keyring.Mint(v, testTime)
			wantCode(t, err, protocol.CodeInvalid)
		})
	}
	if _, err := NewKeyring(nil).Mint(testViewer(), testTime); err == nil {
		t.Error("an empty keyring minted a token")
	}
}

func TestExpiredViewerTokenIsToldFromABadOne(t *testing.T) {
	keyring := NewKeyring([]record.SigningKey{newSigningKey(t, "a", testTime)})
	token, err := keyring.Mint(testViewer(), testTime)
	if err != nil {
		t.Fatal(err)
	}
	_, err = keyring.Verify(token, testTime.Add(time.Hour))
	wantCode(t, err, protocol.CodeExpired)
	stranger := NewKeyring([]record.SigningKey{newSigningKey(t, "a", testTime)})
	_, err = stranger.Verify(token, testTime.Add(time.Hour))
	wantCode(t, err, protocol.CodeBadToken)
}

func TestNewestKeySignsAndAllVerify(t *testing.T) {
	old, fresh := newSigningKey(t, "old", testTime), newSigningKey(t, "fresh", testTime.Add(time.Hour))
	keyring := NewKeyring([]record.SigningKey{old})
	before, err := keyring.Mint(testViewer(), testTime)
	if err != nil {
		t.Fatal(err)
	}
	keyring.Replace([]record.SigningKey{old, fresh})
	after, err := keyring.Mint(testViewer(), testTime)
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{before, after} {
		if _, err := keyring.Verify(token, testTime); err != nil {
			t.Errorf("with both keys: %v", err)
		}
	}
	keyring.Replace([]record.SigningKey{fresh})
	if _, err := keyring.Verify(after, testTime); err != nil {
		t.Errorf("the fresh key's token: %v", err)
	}
	_, err = keyring.Verify(before, testTime)
	wantCode(t, err, protocol.CodeBadToken)
}

func TestKeyringServesManyAtOnce(t *testing.T) {
	key := newSigningKey(t, "a", testTime)
	keyring := NewKeyring([]record.SigningKey{key})
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 20 {
				keyring.Replace([]record.SigningKey{key})
				token, err := keyring.Mint(testViewer(), testTime)
				if err != nil {
					t.Error(err)
				}
				if _, err := keyring.Verify(token, testTime); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

// forge makes a token with any header and claims; sign may be nil.
func forge(t testing.TB, header, claims map[string]any, sign func(text string) []byte) string {
	t.Helper()
	var parts []string
	for _, part := range []map[string]any{header, claims} {
		b, err := json.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, base64.RawURLEncoding.EncodeToString(b))
	}
	text := strings.Join(parts, ".")
	var signature []byte
	if sign != nil {
		signature = sign(text)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func viewerClaimsMap() map[string]any {
	return map[string]any{
		"iss": "acme", "aud": "sightline", "sub": "anna", "prj": "acme", "key": "k1", "dev": "cam",
		"grants": []string{"view"}, "exp": testTime.Add(time.Hour).Unix(), "jti": "t1",
	}
}

func TestForgedViewerTokensAreRefused(t *testing.T) {
	key := newSigningKey(t, "a", testTime)
	keyring := NewKeyring([]record.SigningKey{key})
	good := func(text string) []byte { return ed25519.Sign(key.Private, []byte(text)) }
	hmacWithPublicKey := func(text string) []byte {
		mac := hmac.New(sha256.New, key.Private.Public().(ed25519.PublicKey))
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
	header := func(alg, kid string) map[string]any { return map[string]any{"alg": alg, "typ": "JWT", "kid": kid} }
	with := func(name string, value any) map[string]any {
		claims := viewerClaimsMap()
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
		return claims
	}
	if _, err := keyring.Verify(forge(t, header("EdDSA", "a"), viewerClaimsMap(), good), testTime); err != nil {
		t.Fatalf("the honest token: %v", err)
	}
	for name, token := range map[string]string{
		"no algorithm":     forge(t, header("none", "a"), viewerClaimsMap(), nil),
		"hmac":             forge(t, header("HS256", "a"), viewerClaimsMap(), hmacWithPublicKey),
		"no signature":     forge(t, header("EdDSA", "a"), viewerClaimsMap(), nil),
		"unknown kid":      forge(t, header("EdDSA", "b"), viewerClaimsMap(), good),
		"kid not a text":   forge(t, map[string]any{"alg": "EdDSA", "kid": 1}, viewerClaimsMap(), good),
		"no kid":           forge(t, map[string]any{"alg": "EdDSA"}, viewerClaimsMap(), good),
		"no expiry":        forge(t, header("EdDSA", "a"), with("exp", nil), good),
		"no audience":      forge(t, header("EdDSA", "a"), with("aud", nil), good),
		"other audience":   forge(t, header("EdDSA", "a"), with("aud", "elsewhere"), good),
		"two audiences":    forge(t, header("EdDSA", "a"), with("aud", []string{"sightline", "elsewhere"}), good),
		"other issuer":     forge(t, header("EdDSA", "a"), with("iss", "other"), good),
		"no device":        forge(t, header("EdDSA", "a"), with("dev", nil), good),
		"no token id":      forge(t, header("EdDSA", "a"), with("jti", nil), good),
		"unknown right":    forge(t, header("EdDSA", "a"), with("grants", []string{"fly"}), good),
		"wrong type":       forge(t, header("EdDSA", "a"), with("prj", 5), good),
		"over the limit":   forge(t, header("EdDSA", "a"), with("pad", strings.Repeat("x", protocol.MaxTokenBytes)), good),
		"four parts":       forge(t, header("EdDSA", "a"), viewerClaimsMap(), good) + ".x",
		"padded":           forge(t, header("EdDSA", "a"), viewerClaimsMap(), good) + "=",
		"empty":            "",
		"claims are null":  "eyJhbGciOiJFZERTQSIsImtpZCI6ImEifQ.bnVsbA.",
		"header is a list": "W10.e30.",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := keyring.Verify(token, testTime)
			wantCode(t, err, protocol.CodeBadToken)
		})
	}
}

func FuzzVerifyViewer(f *testing.F) {
	key := newSigningKey(f, "a", testTime)
	keyring := NewKeyring([]record.SigningKey{key})
	token, err := keyring.Mint(testViewer(), testTime)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(token)
	f.Add("..")
	f.Add(forge(f, map[string]any{"alg": "none"}, viewerClaimsMap(), nil))
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := keyring.Verify(text, testTime); err == nil && text != token {
			t.Errorf("accepted %q", text)
		}
	})
}

// FuzzViewerClaims gives claims of any form a good signature: only what makes sense may pass.
func FuzzViewerClaims(f *testing.F) {
	key := newSigningKey(f, "a", testTime)
	keyring := NewKeyring([]record.SigningKey{key})
	honest, err := json.Marshal(viewerClaimsMap())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(honest)
	f.Add([]byte(`{"exp":1e300}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, claims []byte) {
		header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"EdDSA","kid":"a"}`))
		text := header + "." + base64.RawURLEncoding.EncodeToString(claims)
		signature, err := jwt.SigningMethodEdDSA.Sign(text, key.Private)
		if err != nil {
			t.Fatal(err)
		}
		v, err := keyring.Verify(text+"."+base64.RawURLEncoding.EncodeToString(signature), testTime)
		if err == nil && (!v.Device.Valid() || !v.Project.Valid() || !v.Expires.After(testTime) || len(v.Rights) == 0) {
			t.Errorf("accepted %+v", v)
		}
	})
}
