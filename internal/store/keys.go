package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// revokedKeysWindow is how long RevokedKeys tells of a key: twice as long as any token that it minted can live.
const revokedKeysWindow = 2 * auth.MaxViewerLife

const keyColumns = `id, project, name, hash, created_ms, revoked_ms`

func scanKey(row *sql.Rows) (record.Key, error) {
	var k record.Key
	var created, revoked stamp
	err := row.Scan(&k.ID, &k.Project, &k.Name, &k.Hash, &created, &revoked)
	k.Created, k.Revoked = created.time(), revoked.time()
	return k, err
}

// CreateKey makes an API key. The second result is the key itself, which nobody can ask for again.
func (s *Store) CreateKey(ctx context.Context, in protocol.ProjectID, name string) (record.Key, auth.Secret, error) {
	if err := checkName("the key's name", name); err != nil {
		return record.Key{}, auth.Secret{}, err
	}
	id, plain := auth.MintKey()
	k := record.Key{ID: id, Project: in, Name: name, Hash: auth.Hash(plain.Reveal()), Created: s.now()}
	err := s.write(ctx, func(tx *tx) error {
		if _, err := project(ctx, tx, in); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO api_keys (`+keyColumns+`) VALUES (?, ?, ?, ?, ?, 0)`,
			k.ID, k.Project, k.Name, k.Hash, stampOf(k.Created))
		return err
	})
	if err != nil {
		return record.Key{}, auth.Secret{}, about(err, "create key")
	}
	return k, plain, nil
}

// Authenticate returns the record of an API key. It fails with CodeBadToken when it is none of ours and with
// CodeRevoked when it was one.
func (s *Store) Authenticate(ctx context.Context, plain string) (record.Key, error) {
	id, err := auth.ParseKey(plain)
	if err != nil {
		return record.Key{}, err
	}
	k, ok, err := one(ctx, s.reader, scanKey, `SELECT `+keyColumns+` FROM api_keys WHERE id = ?`, id)
	switch {
	case err != nil:
		return record.Key{}, about(err, "read key %s", id)
	case !ok || !auth.Matches(k.Hash, plain):
		return record.Key{}, protocol.Errorf(protocol.CodeBadToken, "there is no such API key on this server")
	case !k.Revoked.IsZero():
		return record.Key{}, protocol.Errorf(protocol.CodeRevoked, "the API key was revoked at %s", k.Revoked.Format(time.RFC3339))
	}
	return k, nil
}

// Keys returns a page of a project's API keys, revoked ones too, the newest first, and the cursor to the next page,
// empty at the end.
func (s *Store) Keys(ctx context.Context, in protocol.ProjectID, cursor string, limit int) ([]record.Key, string, error) {
	after, err := parseCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	size := pageSize(limit)
	list, err := all(ctx, s.reader, scanKey, `SELECT `+keyColumns+` FROM api_keys
		WHERE project = ? AND (created_ms, id) < (?, ?) ORDER BY created_ms DESC, id DESC LIMIT ?`,
		in, after.created, after.id, size)
	if err != nil {
		return nil, "", about(err, "list keys")
	}
	list, next := cut(list, size, func(k record.Key) (time.Time, string) { return k.Created, string(k.ID) })
	return list, next, nil
}

// RevokeKey revokes an API key of a project; once more is harmless. It fails with CodeNotFound.
func (s *Store) RevokeKey(ctx context.Context, in protocol.ProjectID, id protocol.KeyID) error {
	now := s.now()
	err := s.write(ctx, func(tx *tx) error {
		k, ok, err := one(ctx, tx, scanKey, `SELECT `+keyColumns+` FROM api_keys WHERE id = ? AND project = ?`, id, in)
		switch {
		case err != nil:
			return err
		case !ok:
			return notFound("there is no such API key")
		case !k.Revoked.IsZero():
			return nil
		}
		if _, err := tx.ExecContext(ctx, `UPDATE api_keys SET revoked_ms = ? WHERE id = ?`, stampOf(now), id); err != nil {
			return err
		}
		return insertEventOf(ctx, tx, record.Event{Project: in, Kind: record.EventKeyRevoked, At: now},
			record.KeyEvent{Key: id, Type: record.KeyAPI, Name: k.Name})
	})
	return about(err, "revoke key %s", id)
}

// RevokedKeys returns the API keys, of all projects, that were revoked so recently that a token of theirs may not have
// expired yet.
func (s *Store) RevokedKeys(ctx context.Context) ([]protocol.KeyID, error) {
	list, err := all(ctx, s.reader, func(row *sql.Rows) (id protocol.KeyID, err error) {
		err = row.Scan(&id)
		return id, err
	}, `SELECT id FROM api_keys WHERE revoked_ms <> 0 AND revoked_ms > ?`, stampOf(s.now().Add(-revokedKeysWindow)))
	return list, about(err, "list revoked keys")
}
