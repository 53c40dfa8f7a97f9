package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// Sessions is the part of a Store that keeps sessions.
type Sessions struct{ store *Store }

// Sessions returns the part of the store that keeps sessions.
func (s *Store) Sessions() *Sessions { return &Sessions{store: s} }

// Save writes a session, new or known. An ended session stays as it ended: a later end is taken for the first, and
// anything else fails with CodeConflict, as does a session that another project, device or owner has, or a relay grant
// that another session has. Relayed is not written: it is what Record was told. An account that is newer than the known one
// is kept with what it adds to its project's days. The events of all that are written with it.
func (s *Sessions) Save(ctx context.Context, session record.Session) error {
	return about(s.store.submit(ctx, &write{session: &session, do: func(tx *tx) error {
		refused, err := s.store.saveSessions(ctx, tx, []record.Session{session})
		return cmp.Or(err, errors.Join(refused...))
	}}), "save session %s", session.ID)
}

// Open returns all live sessions of all projects that have not ended, the oldest first.
func (s *Sessions) Open(ctx context.Context) ([]record.Session, error) {
	list, err := all(ctx, s.store.reader, scanWhole,
		`SELECT `+sessionColumns+`, account FROM sessions WHERE kind = ? AND ended_ms = 0 ORDER BY created_ms, id`, record.SessionLive)
	return list, about(err, "list open sessions")
}

// Get returns a session of a project, or of a device that it shares; it fails with CodeNotFound.
func (s *Sessions) Get(ctx context.Context, in protocol.ProjectID, id protocol.SessionID) (record.Session, error) {
	session, ok, err := one(ctx, s.store.reader, scanWhole,
		`SELECT `+sessionColumns+`, account FROM sessions WHERE id = ? AND (project = ? OR device_project = ?)`, id, in, in)
	if err == nil && !ok {
		err = noSession()
	}
	return session, about(err, "read session %s", id)
}

// Ended returns why a session, of whatever project, ended: ReasonUnknown for one that never was, empty for an open one.
func (s *Sessions) Ended(ctx context.Context, id protocol.SessionID) (protocol.Reason, error) {
	reason, ok, err := one(ctx, s.store.reader, func(row *sql.Rows) (reason protocol.Reason, err error) {
		err = row.Scan(&reason)
		return reason, err
	}, `SELECT reason FROM sessions WHERE id = ?`, id)
	if err == nil && !ok {
		reason = protocol.ReasonUnknown
	}
	return reason, about(err, "read session %s", id)
}

// List returns a page of a project's sessions, and those of the devices that it shares, that the filter chooses, the newest
// first, and the cursor to the next page, empty at the end.
func (s *Sessions) List(ctx context.Context, in protocol.ProjectID, filter record.SessionFilter, cursor string, limit int) ([]record.Session, string, error) {
	after, err := parseCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	where := []string{"(created_ms, id) < (?, ?)"}
	args := []any{in, after.created, after.id}
	if filter.Device != "" {
		where, args = append(where, "device = ?"), append(args, filter.Device)
	}
	switch filter.State {
	case "":
	case protocol.SessionOpening:
		where = append(where, "ended_ms = 0 AND answered_ms = 0")
	case protocol.SessionAnswered:
		where = append(where, "ended_ms = 0 AND answered_ms <> 0")
	case protocol.SessionEnded:
		where = append(where, "ended_ms <> 0")
	default:
		return nil, "", protocol.Errorf(protocol.CodeInvalid, "the state of a session is opening, answered or ended")
	}
	size := pageSize(limit)
	args = append(args, size)
	// Two reads along an index, of a page each, rather than one of all that either project has.
	page := func(column string) string {
		return `SELECT id FROM (SELECT id FROM sessions WHERE ` + column + ` = ? AND ` + strings.Join(where, " AND ") + `
			ORDER BY created_ms DESC, id DESC LIMIT ?) AS ` + column + `_page`
	}
	list, err := all(ctx, s.store.reader, scanLight, `SELECT `+sessionColumns+` FROM sessions
		WHERE id IN (`+page("project")+` UNION ALL `+page("device_project")+`)
		ORDER BY created_ms DESC, id DESC LIMIT ?`, slices.Concat(args, args, []any{size})...)
	if err != nil {
		return nil, "", about(err, "list sessions")
	}
	list, next := cut(list, size, func(r record.Session) (time.Time, string) { return r.Created, string(r.ID) })
	return list, next, nil
}

// End marks a session of a project, or of a device that it shares, as ended, if it has not yet, whether or not a hub knows it. It fails with
// CodeNotFound.
func (s *Sessions) End(ctx context.Context, in protocol.ProjectID, id protocol.SessionID, reason protocol.Reason) error {
	now := s.store.now()
	err := s.store.write(ctx, func(tx *tx) error {
		session, ok, err := one(ctx, tx, scanWhole, `SELECT `+sessionColumns+`, account FROM sessions
			WHERE id = ? AND (project = ? OR device_project = ?)`, id, in, in)
		switch {
		case err != nil:
			return err
		case !ok:
			return noSession()
		case !session.Ended.IsZero():
			return nil
		}
		return endRow(ctx, tx, session, reason, now)
	})
	return about(err, "end session %s", id)
}

func noSession() error { return notFound("there is no such session") }
