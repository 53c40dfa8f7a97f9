package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// saveSessions writes sessions, each of which is another: those that are refused are left as they are, and refused says why in
// their places. An error is one of all of them.
func (s *Store) saveSessions(ctx context.Context, tx *tx, sessions []record.Session) (refused []error, err error) {
	known, err := readKnown(ctx, tx, sessions)
	if err != nil {
		return nil, err
	}
	written, err := upsertSessions(ctx, tx, sessions, known)
	if err != nil {
		return nil, err
	}
	refused = make([]error, len(sessions))
	var saved, ended []record.Session
	for i, session := range sessions {
		switch {
		case !written[session.ID]:
			if refused[i], err = refuseSession(ctx, tx, session); err != nil {
				return nil, err
			}
			continue
		case !session.Ended.IsZero():
			ended = append(ended, session)
		}
		saved = append(saved, session)
	}
	if err := saveGrants(ctx, tx, saved); err != nil {
		return nil, err
	}
	days, till := pathDays{}, s.openTill(tx)
	for _, session := range saved {
		known := known[session.ID]
		if !known.found {
			if err := insertOpened(ctx, tx, session); err != nil {
				return nil, err
			}
		}
		if session.Account.Version <= known.Version {
			continue
		}
		if err := settleAccount(ctx, till, days, session, known); err != nil {
			return nil, err
		}
	}
	if err := days.write(ctx, tx); err != nil {
		return nil, err
	}
	if err := till.close(ctx); err != nil {
		return nil, err
	}
	return refused, insertEnded(ctx, tx, ended)
}

// upsertSessions writes the rows of sessions, with accounts that are newer than the known ones, and returns which it has
// written: those that had not ended and are not somebody else's.
func upsertSessions(
	ctx context.Context, tx *tx, sessions []record.Session, known map[protocol.SessionID]knownSession,
) (map[protocol.SessionID]bool, error) {
	written := make(map[protocol.SessionID]bool, len(sessions))
	for part := range parts(tx.dialect, sessions) {
		var args []any
		for _, session := range part {
			account, err := newerAccount(session, known[session.ID])
			if err != nil {
				return nil, err
			}
			values, err := sessionValues(session, account)
			if err != nil {
				return nil, err
			}
			args = append(args, values...)
		}
		ids, err := all(ctx, tx, scanID, `INSERT INTO sessions (`+sessionFields+`, account)
			VALUES `+repeated(sessionParameters, len(part))+`
			ON CONFLICT (id) DO UPDATE SET
				api_key = excluded.api_key, viewer = excluded.viewer, rights = excluded.rights,
				video = excluded.video, audio = excluded.audio, talk = excluded.talk,
				viewer_grant = excluded.viewer_grant, device_grant = excluded.device_grant,
				expires_ms = excluded.expires_ms, answered_ms = excluded.answered_ms,
				ended_ms = excluded.ended_ms, reason = excluded.reason, path = excluded.path,
				terms = excluded.terms, door = excluded.door,
				account = CASE WHEN excluded.account = '' THEN sessions.account ELSE excluded.account END
			WHERE sessions.ended_ms = 0 AND sessions.project = excluded.project
				AND sessions.device = excluded.device AND sessions.owner = excluded.owner
			RETURNING id`, args...)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			written[id] = true
		}
	}
	return written, nil
}

func scanID(row *sql.Rows) (id protocol.SessionID, err error) {
	err = row.Scan(&id)
	return id, err
}

// sessionGrant is a relay grant of a session, and who of its ends has it.
type sessionGrant struct {
	grant   protocol.GrantID
	session protocol.SessionID
	role    protocol.Role
}

// saveGrants notes that relay grants are the sessions'; an empty one is none. It fails with CodeConflict when one is another
// session's.
func saveGrants(ctx context.Context, tx *tx, sessions []record.Session) error {
	var grants []sessionGrant
	for _, s := range sessions {
		if s.ViewerGrant != "" {
			grants = append(grants, sessionGrant{s.ViewerGrant, s.ID, protocol.RoleViewer})
		}
		if s.DeviceGrant != "" {
			grants = append(grants, sessionGrant{s.DeviceGrant, s.ID, protocol.RoleDevice})
		}
	}
	for part := range parts(tx.dialect, grants) {
		args := make([]any, 0, 3*len(part))
		for _, g := range part {
			args = append(args, g.grant, g.session, g.role)
		}
		saved, err := tx.ExecContext(ctx, `INSERT INTO session_grants (grant_id, session, role) VALUES `+repeated("(?, ?, ?)", len(part))+`
			ON CONFLICT (grant_id) DO UPDATE SET role = excluded.role WHERE session_grants.session = excluded.session`, args...)
		if err != nil {
			return err
		}
		if n, err := saved.RowsAffected(); err != nil || n < int64(len(part)) {
			return errors.Join(err, protocol.Errorf(protocol.CodeConflict, "a relay grant belongs to another session"))
		}
	}
	return nil
}

// refuseSession tells why a session could not be written: nil when it ends what has ended.
func refuseSession(ctx context.Context, tx *tx, session record.Session) (refusal, err error) {
	known, ok, err := one(ctx, tx, scanLight, `SELECT `+sessionColumns+` FROM sessions WHERE id = ?`, session.ID)
	switch {
	case err != nil:
		return nil, err
	case !ok || known.Project != session.Project || known.Device != session.Device || !bytes.Equal(known.Owner, session.Owner):
		return protocol.Errorf(protocol.CodeConflict, "the session belongs to another owner or device"), nil
	case session.Ended.IsZero():
		return protocol.Errorf(protocol.CodeConflict, "the session has ended: %s", known.Reason), nil
	}
	return nil, nil
}
