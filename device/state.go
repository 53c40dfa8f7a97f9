package device

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	keyFile      = "device.key"
	identityFile = "device.json"
)

// identity is what the device knows of itself after it has enrolled.
type identity struct {
	Device  protocol.DeviceID  `json:"device"`
	Project protocol.ProjectID `json:"project"`
}

// state is the directory that makes a device the same device after a restart. Files are replaced whole and synced,
// so that a power cut leaves the old or the new one.
type state struct{ dir string }

// passes reports whether a disk may take later what it did not take now: it is full, or mounted for reading only.
func passes(err error) bool {
	return slices.ContainsFunc([]error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS}, func(fault error) bool { return errors.Is(err, fault) })
}

// key returns the device's key. An enrolled device without one cannot be that device any more.
func (s state) key() (ed25519.PrivateKey, error) {
	path := filepath.Join(s.dir, keyFile)
	b, err := os.ReadFile(path) //nolint:gosec // the operator's own directory
	if err != nil {
		return nil, fmt.Errorf("read device key: %w", err)
	}
	key, err := decodeKey(b)
	if err != nil {
		return nil, fmt.Errorf("read device key: %s %w; remove the state directory and enrol again", path, err)
	}
	return key, nil
}

// decodeKey reads an Ed25519 key in PEM (RFC 8410 section 7).
func decodeKey(text []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("is not a PEM file")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("is damaged")
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("is not an Ed25519 key")
	}
	return key, nil
}

// keyOrNew returns the device's key and makes it at the first start.
func (s state) keyOrNew() (ed25519.PrivateKey, error) {
	key, err := s.key()
	if errors.Is(err, fs.ErrNotExist) {
		return s.makeKey(filepath.Join(s.dir, keyFile))
	}
	return key, err
}

func (s state) makeKey(path string) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make device key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode device key: %w", err)
	}
	if err := makeDir(filepath.Clean(s.dir)); err != nil {
		return nil, fmt.Errorf("make state directory: %w", err)
	}
	if err := replace(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})); err != nil {
		return nil, fmt.Errorf("save device key: %w", err)
	}
	return key, nil
}

// identity returns what the device is enrolled as, or false if it is not.
func (s state) identity() (identity, bool, error) {
	path := filepath.Join(s.dir, identityFile)
	b, err := os.ReadFile(path) //nolint:gosec // the operator's own directory
	if errors.Is(err, fs.ErrNotExist) {
		return identity{}, false, nil
	}
	if err != nil {
		return identity{}, false, fmt.Errorf("read device identity: %w", err)
	}
	id, ok := decodeIdentity(b)
	if !ok {
		return identity{}, false, fmt.Errorf("read device identity: %s is damaged; remove it and enrol again", path)
	}
	return id, true, nil
}

// decodeIdentity reads an identity from the state or from the hub's answer to an enrolment.
func decodeIdentity(text []byte) (identity, bool) {
	var id identity
	err := json.Unmarshal(text, &id)
	return id, err == nil && id.Device.Valid() && id.Project.Valid()
}

func (s state) saveIdentity(id identity) error {
	b, err := json.MarshalIndent(id, "", "  ")
	if err != nil {
		return fmt.Errorf("encode device identity: %w", err)
	}
	if err := replace(filepath.Join(s.dir, identityFile), append(b, '\n')); err != nil {
		return fmt.Errorf("save device identity: %w", err)
	}
	return nil
}

// replace writes a file so that it is there whole or not at all: write, sync, rename, sync the directory. What an
// interrupted call left is overwritten by the next.
func replace(path string, content []byte) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write(content); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// makeDir makes a directory with those above it, each of which a power cut leaves where it is.
func makeDir(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if parent := filepath.Dir(dir); parent != dir {
		if err := makeDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the operator's own directory
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
