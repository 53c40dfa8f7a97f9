package device

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestReplacedFileIsAlwaysWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	versions := [][]byte{bytes.Repeat([]byte("old"), 4000), bytes.Repeat([]byte("new"), 3000)}
	if err := replace(path, versions[0]); err != nil {
		t.Fatal(err)
	}
	var writer sync.WaitGroup
	done := make(chan struct{})
	writer.Go(func() {
		defer close(done)
		for n := range 100 {
			if err := replace(path, versions[n%2]); err != nil {
				t.Errorf("replace: %v", err)
			}
		}
	})
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
		}
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, versions[0]) && !bytes.Equal(got, versions[1]) {
			t.Fatalf("read %d bytes and %v, want one of both versions", len(got), err)
		}
	}
	writer.Wait()
}

func TestInterruptedReplaceLeavesTheOldFileAndNoObstacle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := replace(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	// The power went while the new one was written.
	if err := os.WriteFile(path+".new", []byte("a longer text that was cut sh"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "old" {
		t.Errorf("got %q and %v, want the old file", got, err)
	}
	if err := replace(path, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "new" {
		t.Errorf("got %q and %v, want the new file", got, err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("the directory holds %v, %v, want one file", left, err)
	}
}

func TestFailedReplaceLeavesTheOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := replace(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path+".new", 0o700); err != nil { // root can write wherever there is room
		t.Fatal(err)
	}
	if err := replace(path, []byte("new")); err == nil {
		t.Error("got no error")
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "old" {
		t.Errorf("got %q and %v, want the old file", got, err)
	}
}

func TestKeyIsMadeOnceAndKept(t *testing.T) {
	s := state{filepath.Join(t.TempDir(), "a", "b")}
	first, err := s.keyOrNew()
	if err != nil {
		t.Fatal(err)
	}
	for _, read := range []func() (any, error){
		func() (any, error) { return s.key() },
		func() (any, error) { return s.keyOrNew() },
	} {
		if got, err := read(); err != nil || !first.Equal(got) {
			t.Errorf("got another key, or %v", err)
		}
	}
}

func TestDamagedStateIsSaidInWords(t *testing.T) {
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(curve)
	if err != nil {
		t.Fatal(err)
	}
	good := `{"device":"cam-1","project":"default"}`
	tests := []struct {
		name, key, identity, want string
	}{
		{"empty key", "", good, "is not a PEM file; remove the state directory and enrol again"},
		{"cut key", "-----BEGIN PRIVATE KEY-----\nMC4C", good, "is not a PEM file"},
		{"garbled key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", good, "is damaged"},
		{"another kind of key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), good, "is not an Ed25519 key"},
		{"empty identity", "", "", "device.json is damaged; remove it and enrol again"},
		{"cut identity", "", `{"device":"cam`, "device.json is damaged"},
		{"identity that is none", "", `{"device":"../..","project":"default"}`, "device.json is damaged"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHub(t)
			c := settings(t, h)
			for name, text := range map[string]string{keyFile: tt.key, identityFile: tt.identity} {
				if err := os.WriteFile(filepath.Join(c.State, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			err := run(t, c).ended()
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), c.State) {
				t.Errorf("got %v, want the path and %q", err, tt.want)
			}
		})
	}
}

func TestEnrolledDeviceDoesNotMakeANewKey(t *testing.T) {
	h := newHub(t)
	c := settings(t, h)
	if err := os.WriteFile(filepath.Join(c.State, identityFile), []byte(`{"device":"cam-1","project":"default"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(t, c).ended(); err == nil || !strings.Contains(err.Error(), "read device key: ") {
		t.Errorf("got %v, want that its key is missing", err)
	}
	if _, err := os.Stat(filepath.Join(c.State, keyFile)); err == nil {
		t.Error("a key was made that the hub cannot know")
	}
}

func FuzzDeviceKey(f *testing.F) {
	s := state{f.TempDir()}
	if _, err := s.keyOrNew(); err != nil {
		f.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(s.dir, keyFile))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(text[:len(text)/2])
	f.Fuzz(func(t *testing.T, text []byte) {
		if key, err := decodeKey(text); err == nil && len(key) != 64 {
			t.Errorf("got a key of %d bytes", len(key))
		}
	})
}

func FuzzIdentity(f *testing.F) {
	f.Add([]byte(`{"device":"cam-1","project":"default"}`))
	f.Add([]byte(`{"device":"cam-1"`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if id, ok := decodeIdentity(text); ok && (!id.Device.Valid() || !id.Project.Valid()) {
			t.Errorf("took %+v for an identity", id)
		}
	})
}
