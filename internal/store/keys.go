package store

import (
	"context"
	"database/sql"
	"io"
	"slices"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// revokedKeysWindow is how long RevokedKeys tells of a key: twice as long as any token that it minted can live.
const revokedKeysWindow = 2 * auth.MaxViewerLife

const keyColumns = `id, project, name, scopes, hash, created_ms, expires_ms, used_ms, revoked_ms, successor`

func scanKey(row *sql.Rows) (record.Key, error) {
	var k record.Key
	var scopes string
	var created, expires, used, revoked stamp
	err := row.Scan(&k.ID, &k.Project, &k.Name, &scopes, &k.Hash, &created, &expires, &used, &revoked, &k.Successor)
	k.Scopes = split[record.Scope](scopes)
	k.Created, k.Expires, k.Used, k.Revoked = created.time(), expires.time(), used.time(), revoked.time()
	return k, err
}

// CreateKey makes an API key with the project, the name, the scopes and the expiry of what is asked for. The second result
// is the key itself, which nobody can ask for again. It fails with CodeInvalid and CodeNotFound.
func (s *Store) CreateKey(ctx context.Context, asked record.Key) (record.Key, auth.Secret, error) {
	now := s.now()
	if err := checkKey(asked, now); err != nil {
		return record.Key{}, auth.Secret{}, err
	}
	claim := record.ClaimOf(ctx)
	k, plain := mintKey(asked, now, claim.Random("key"))
	err := s.write(ctx, func(tx *tx) error {
		if made, found, err := keyOfClaim(ctx, tx, claim, k); err != nil || found {
			k = made
			return err
		}
		if _, err := project(ctx, tx, k.Project); err != nil {
			return err
		}
		return insertKey(ctx, tx, k)
	})
	if err != nil {
		return record.Key{}, auth.Secret{}, about(err, "create key")
	}
	return k, plain, nil
}

func checkKey(asked record.Key, now time.Time) error {
	for i, scope := range asked.Scopes {
		if !scope.Valid() || slices.Contains(asked.Scopes[:i], scope) {
			return protocol.Errorf(protocol.CodeInvalid, "scopes are RESOURCE:read and RESOURCE:write, each once")
		}
	}
	if !asked.Expires.IsZero() && !now.Before(asked.Expires) {
		return protocol.Errorf(protocol.CodeInvalid, "a key cannot expire in the past")
	}
	return checkName("the key's name", asked.Name)
}

func mintKey(asked record.Key, now time.Time, random io.Reader) (record.Key, auth.Secret) {
	id, plain := auth.MintKeyFrom(random)
	return record.Key{
		ID: id, Project: asked.Project, Name: asked.Name, Scopes: asked.Scopes, Hash: auth.Hash(plain.Reveal()),
		Created: now, Expires: stampOf(asked.Expires).time(),
	}, plain
}

// keyOfClaim returns the key as an execution of the same request before has made it, if one has.
func keyOfClaim(ctx context.Context, tx *tx, claim *record.Claim, k record.Key) (made record.Key, found bool, err error) {
	if !claim.WasWritten() {
		return record.Key{}, false, nil
	}
	return one(ctx, tx, scanKey, `SELECT `+keyColumns+` FROM api_keys WHERE id = ? AND hash = ?`, k.ID, k.Hash)
}

func insertKey(ctx context.Context, tx *tx, k record.Key) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO api_keys (`+keyColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, '')`,
		k.ID, k.Project, k.Name, join(k.Scopes), k.Hash, stampOf(k.Created), stampOf(k.Expires))
	return err
}

// Authenticate returns the record of an API key, and notes that it was used. It fails with CodeBadToken when it is none of
// ours, with CodeRevoked when it was one, and with CodeExpired.
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
	case k.Ended(s.now()):
		return record.Key{}, protocol.Errorf(protocol.CodeExpired, "the API key expired at %s", k.Expires.Format(time.RFC3339))
	}
	s.noteUse(ctx, k)
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
			return noKey()
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

// RevokedKeys returns the API keys and partner keys, of all projects, that were revoked so recently that a token of theirs may not have
// expired yet.
func (s *Store) RevokedKeys(ctx context.Context) ([]protocol.KeyID, error) {
	since := stampOf(s.now().Add(-revokedKeysWindow))
	list, err := all(ctx, s.reader, func(row *sql.Rows) (id protocol.KeyID, err error) {
		err = row.Scan(&id)
		return id, err
	}, `SELECT id FROM api_keys WHERE revoked_ms <> 0 AND revoked_ms > ?
		UNION ALL SELECT id FROM partner_keys WHERE revoked_ms <> 0 AND revoked_ms > ?`, since, since)
	return list, about(err, "list revoked keys")
}
