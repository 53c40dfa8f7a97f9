package store

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"database/sql"
	"encoding/base32"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// relaySecretBytes is the block of HMAC-SHA-1, with which TURN credentials are made: a longer one would be hashed.
const relaySecretBytes = 64

// idChars of base 32 are 80 random bits: no two rows ever share an identifier.
const idChars = 16

func newID() string { return newIDFrom(rand.Reader) }

// newIDFrom returns the identifier that some random bytes are.
func newIDFrom(random io.Reader) string {
	var b [idChars * 5 / 8]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		panic(err) // crypto/rand ends the program rather than return an error; claims have enough
	}
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}

// found gives an empty store what every installation has. It is harmless to repeat.
func (s *Store) found(ctx context.Context) error {
	return s.write(ctx, func(tx *tx) error {
		now := s.now()
		_, err := insertProject(ctx, tx, record.Project{ID: protocol.DefaultProject, Name: "Default", Created: now})
		if err != nil {
			return fmt.Errorf("make the default project: %w", err)
		}
		seed := make([]byte, ed25519.SeedSize)
		_, _ = rand.Read(seed)
		if err := insertFirst(ctx, tx, "signing_keys", "seed", seed, now); err != nil {
			return fmt.Errorf("make a signing key: %w", err)
		}
		secret := make([]byte, relaySecretBytes)
		_, _ = rand.Read(secret)
		if err := insertFirst(ctx, tx, "relay_secrets", "secret", secret, now); err != nil {
			return fmt.Errorf("make a relay secret: %w", err)
		}
		return nil
	})
}

func insertFirst(ctx context.Context, tx *tx, table, column string, value []byte, now time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO `+table+` (id, `+column+`, created_ms)
		SELECT ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM `+table+`)`, newID(), value, stampOf(now))
	return err
}

// RotateRelaySecret makes a new secret of TURN credentials, and drops those that had a successor for longer than
// record.RelaySecretOverlap.
func (s *Store) RotateRelaySecret(ctx context.Context) (record.RelaySecret, error) {
	fresh := record.RelaySecret{ID: newID(), Secret: make([]byte, relaySecretBytes), Created: s.now()}
	_, _ = rand.Read(fresh.Secret)
	err := s.write(ctx, func(tx *tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO relay_secrets (id, secret, created_ms) VALUES (?, ?, ?)`,
			fresh.ID, fresh.Secret, stampOf(fresh.Created))
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM relay_secrets
			WHERE created_ms < (SELECT max(created_ms) FROM relay_secrets WHERE created_ms <= ?)`,
			stampOf(fresh.Created.Add(-record.RelaySecretOverlap)))
		return err
	})
	return fresh, about(err, "rotate the relay secret")
}

// SigningKeys returns the keys of viewer tokens, the newest first. There is always one.
func (s *Store) SigningKeys(ctx context.Context) ([]record.SigningKey, error) {
	list, err := all(ctx, s.reader, func(row *sql.Rows) (k record.SigningKey, err error) {
		var seed []byte
		var created stamp
		if err := row.Scan(&k.ID, &seed, &created); err != nil {
			return k, err
		}
		if len(seed) != ed25519.SeedSize {
			return k, fmt.Errorf("signing key %s is damaged", k.ID)
		}
		k.Private, k.Created = ed25519.NewKeyFromSeed(seed), created.time()
		return k, nil
	}, `SELECT id, seed, created_ms FROM signing_keys ORDER BY created_ms DESC, id DESC`)
	return list, about(err, "read signing keys")
}

// RelaySecrets returns the secrets of TURN credentials, the newest first. There is always one.
func (s *Store) RelaySecrets(ctx context.Context) ([]record.RelaySecret, error) {
	list, err := all(ctx, s.reader, func(row *sql.Rows) (r record.RelaySecret, err error) {
		var created stamp
		err = row.Scan(&r.ID, &r.Secret, &created)
		r.Created = created.time()
		return r, err
	}, `SELECT id, secret, created_ms FROM relay_secrets ORDER BY created_ms DESC, id DESC`)
	return list, about(err, "read relay secrets")
}
