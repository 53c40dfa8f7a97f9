package turn

import (
	"cmp"
	"crypto/sha1" // Its output's size; see password.
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const (
	// minSecretBytes is the least that signs credentials: the size of HMAC-SHA1's output (RFC 2104 section 3).
	minSecretBytes = sha1.Size
	// secretSettles is how old a secret is before it signs: by then every process has read it from the store, which they do
	// every housekeeping.
	secretSettles = 3 * housekeeping
)

// Keyring mints and verifies credentials in the TURN REST format, so that coturn could stand in: the password is
// base64(HMAC-SHA1(secret, username)). It is safe for concurrent use.
type Keyring struct {
	// mu guards the fields below.
	mu sync.RWMutex
	// secrets are sorted, the newest first.
	secrets []record.RelaySecret
	// retired have been taken off the ring while allocations were about that they had signed for.
	retired []retiredSecret
}

type retiredSecret struct {
	record.RelaySecret
	since time.Time
}

// NewKeyring makes a keyring of one or more secrets: the newest that is half a minute old signs, all verify. An ID is 1
// to 64 letters, digits, '-' and '_', a secret 20 bytes or more.
func NewKeyring(secrets []record.RelaySecret) (*Keyring, error) {
	sorted, err := sortSecrets(secrets)
	if err != nil {
		return nil, err
	}
	return &Keyring{secrets: sorted}, nil
}

func sortSecrets(secrets []record.RelaySecret) ([]record.RelaySecret, error) {
	if len(secrets) == 0 {
		return nil, errors.New("use a keyring of relay secrets: it is empty")
	}
	sorted := make([]record.RelaySecret, 0, len(secrets))
	for _, s := range secrets {
		switch {
		case !validKeyID(s.ID):
			return nil, fmt.Errorf("use relay secret %q: its ID is not 1 to 64 letters, digits, '-' and '_'", s.ID)
		case len(s.Secret) < minSecretBytes:
			return nil, fmt.Errorf("use relay secret %s: it has %d bytes, fewer than %d", s.ID, len(s.Secret), minSecretBytes)
		case slices.ContainsFunc(sorted, func(other record.RelaySecret) bool { return other.ID == s.ID }):
			return nil, fmt.Errorf("use relay secret %s: there are two of that ID", s.ID)
		}
		s.Secret = slices.Clone(s.Secret)
		sorted = append(sorted, s)
	}
	slices.SortFunc(sorted, func(a, b record.RelaySecret) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.ID, a.ID))
	})
	return sorted, nil
}

// Replace puts other secrets on the ring. One that is missing from them makes no allocation any more, but verifies what
// comes with those that it has made: until oldest, since when the oldest allocation lives, is later than its end. Zero
// means that there is none.
func (k *Keyring) Replace(secrets []record.RelaySecret, oldest time.Time) error {
	sorted, err := sortSecrets(secrets)
	if err != nil {
		return err
	}
	now := time.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, s := range k.secrets {
		k.retired = append(k.retired, retiredSecret{s, now})
	}
	k.retired = slices.DeleteFunc(k.retired, func(r retiredSecret) bool {
		again := slices.ContainsFunc(sorted, func(s record.RelaySecret) bool { return s.ID == r.ID })
		return again || oldest.IsZero() || oldest.After(r.since)
	})
	k.secrets = sorted
	return nil
}

// Mint returns credentials of the grant that allocate until expires, cut to whole seconds.
func (k *Keyring) Mint(grant protocol.GrantID, role protocol.Role, expires time.Time) Credentials {
	signer := k.signer(time.Now())
	name := Username{Expires: expires, Key: signer.ID, Grant: grant, Role: role}.String()
	return Credentials{Username: name, Password: password(signer.Secret, name)}
}

// signer returns the newest secret that everybody knows; the oldest when none is old enough.
func (k *Keyring) signer(now time.Time) record.RelaySecret {
	k.mu.RLock()
	defer k.mu.RUnlock()
	for _, s := range k.secrets {
		if !s.Created.Add(secretSettles).After(now) {
			return s
		}
	}
	return k.secrets[len(k.secrets)-1]
}

// Verify reads a username that was signed by a secret that is or was on the ring, and returns the password that proves
// it. Whether the client has it, the caller finds out; so it does whether the username has expired.
func (k *Keyring) Verify(username string) (Username, string, error) {
	u, err := ParseUsername(username)
	if err != nil {
		return Username{}, "", err
	}
	secret := k.secret(u.Key)
	if secret == nil {
		return Username{}, "", errCredentials
	}
	return u, password(secret, username), nil
}

func (k *Keyring) secret(id string) []byte {
	k.mu.RLock()
	defer k.mu.RUnlock()
	for _, s := range k.secrets {
		if s.ID == id {
			return s.Secret
		}
	}
	for _, r := range k.retired {
		if r.ID == id {
			return r.Secret
		}
	}
	return nil
}

// allocates reports whether credentials of a secret make allocations: it is on the ring, and its successor has not
// been there for record.RelaySecretOverlap.
func (k *Keyring) allocates(id string, now time.Time) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	for i, s := range k.secrets {
		if s.ID == id {
			return i == 0 || now.Before(k.secrets[i-1].Created.Add(record.RelaySecretOverlap))
		}
	}
	return false
}
