package sightline

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

func signer(t *testing.T) Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return Signer{ID: "sk", Project: "acme", Private: private}
}

func TestASigningKeyRefusesWhatTheServerWould(t *testing.T) {
	key := signer(t)
	for what, claims := range map[string]Claims{
		"no device":       {},
		"a strange name":  {Device: "no such/device"},
		"too long a life": {Device: "cam", Life: MaxTokenLife + time.Second},
		"a past life":     {Device: "cam", Life: -1},
		"a strange right": {Device: "cam", Rights: []protocol.Right{"fly"}},
		"a long subject":  {Device: "cam", Subject: strings.Repeat("x", protocol.MaxNameBytes+1)},
	} {
		if token, err := key.Token(claims); err == nil {
			t.Errorf("%s: got the token %s", what, token)
		}
	}
	if token, err := (Signer{ID: "sk"}).Token(Claims{Device: "cam"}); err == nil {
		t.Errorf("half a key made the token %s", token)
	}
}

func TestPrivateKeysAreReadFromPEM(t *testing.T) {
	key := signer(t)
	der, err := x509.MarshalPKCS8PrivateKey(key.Private)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParsePrivateKey(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err != nil || !got.Equal(key.Private) {
		t.Errorf("got another key, %v", err)
	}
	for _, text := range []string{"", "no PEM", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if _, err := ParsePrivateKey([]byte(text)); err == nil {
			t.Errorf("%q was taken for a key", text)
		}
	}
}
