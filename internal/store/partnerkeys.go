package store

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"database/sql"
	"strings"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// maxPartnerKeys bounds those of a project that are not revoked: they are all in memory.
const maxPartnerKeys = 32

const partnerKeyColumns = `id, project, name, public_key, created_ms, revoked_ms`

func scanPartnerKey(row *sql.Rows) (record.PartnerKey, error) {
	var k record.PartnerKey
	var created, revoked stamp
	err := row.Scan(&k.ID, &k.Project, &k.Name, (*[]byte)(&k.Public), &created, &revoked)
	k.Created, k.Revoked = created.time(), revoked.time()
	return k, err
}

// CreatePartnerKey registers a public key with which a project signs viewer tokens. It fails with CodeInvalid, with
// CodeConflict for one that the project has or had, and with CodeQuota when it has too many.
func (s *Store) CreatePartnerKey(
	ctx context.Context, in protocol.ProjectID, name string, public ed25519.PublicKey,
) (record.PartnerKey, error) {
	if err := checkName("the key's name", name); err != nil {
		return record.PartnerKey{}, err
	}
	if err := auth.CheckPublicKey(public); err != nil {
		return record.PartnerKey{}, err
	}
	k := record.PartnerKey{
		ID: auth.PartnerKeyPrefix + protocol.KeyID(strings.ToLower(rand.Text()[:idChars])), Project: in, Name: name,
		Public: bytes.Clone(public), Created: s.now(),
	}
	err := s.write(ctx, func(tx *tx) error {
		if _, err := project(ctx, tx, in); err != nil {
			return err
		}
		live, err := all(ctx, tx, scanPartnerKey, `SELECT `+partnerKeyColumns+` FROM partner_keys WHERE project = ? AND revoked_ms = 0`, in)
		if err != nil {
			return err
		}
		if len(live) >= maxPartnerKeys {
			return protocol.Errorf(protocol.CodeQuota, "a project has at most %d signing keys; revoke one", maxPartnerKeys)
		}
		made, err := change(ctx, tx, `INSERT INTO partner_keys (`+partnerKeyColumns+`) VALUES (?, ?, ?, ?, ?, 0)
			ON CONFLICT (project, public_key) DO NOTHING`, k.ID, k.Project, k.Name, []byte(k.Public), stampOf(k.Created))
		if err == nil && !made {
			return protocol.Errorf(protocol.CodeConflict, "this public key was registered before")
		}
		return err
	})
	if err != nil {
		return record.PartnerKey{}, about(err, "create signing key")
	}
	return k, nil
}

// PartnerKeys returns a page of a project's keys for signing, revoked ones too, the newest first, and the cursor to the next
// page, empty at the end.
func (s *Store) PartnerKeys(ctx context.Context, in protocol.ProjectID, cursor string, limit int) ([]record.PartnerKey, string, error) {
	after, err := parseCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	size := pageSize(limit)
	list, err := all(ctx, s.reader, scanPartnerKey, `SELECT `+partnerKeyColumns+` FROM partner_keys
		WHERE project = ? AND (created_ms, id) < (?, ?) ORDER BY created_ms DESC, id DESC LIMIT ?`,
		in, after.created, after.id, size)
	if err != nil {
		return nil, "", about(err, "list signing keys")
	}
	list, next := cut(list, size, func(k record.PartnerKey) (time.Time, string) { return k.Created, string(k.ID) })
	return list, next, nil
}

// RevokePartnerKey revokes a key for signing; once more is harmless. It fails with CodeNotFound.
func (s *Store) RevokePartnerKey(ctx context.Context, in protocol.ProjectID, id protocol.KeyID) error {
	err := s.write(ctx, func(tx *tx) error {
		k, ok, err := one(ctx, tx, scanPartnerKey, `SELECT `+partnerKeyColumns+` FROM partner_keys WHERE id = ? AND project = ?`, id, in)
		switch {
		case err != nil:
			return err
		case !ok:
			return notFound("there is no such signing key")
		case !k.Revoked.IsZero():
			return nil
		}
		now := s.now()
		if _, err := tx.ExecContext(ctx, `UPDATE partner_keys SET revoked_ms = ? WHERE id = ?`, stampOf(now), id); err != nil {
			return err
		}
		return insertEventOf(ctx, tx, record.Event{Project: in, Kind: record.EventKeyRevoked, At: now},
			record.KeyEvent{Key: id, Type: record.KeySigning, Name: k.Name})
	})
	return about(err, "revoke signing key %s", id)
}

// AllPartnerKeys returns the keys for signing of all projects, without those that were revoked so long ago that no token
// of theirs can be alive.
func (s *Store) AllPartnerKeys(ctx context.Context) ([]record.PartnerKey, error) {
	list, err := all(ctx, s.reader, scanPartnerKey, `SELECT `+partnerKeyColumns+` FROM partner_keys
		WHERE revoked_ms = 0 OR revoked_ms > ? ORDER BY created_ms, id`, stampOf(s.now().Add(-revokedKeysWindow)))
	return list, about(err, "read signing keys of partners")
}
