package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/sightline-rtc/sightline/nat"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// Each session is told of in this order, and all but its paths once at most: opened, live, its paths, ended. What comes after
// its end is not told.

// eventOf is an event of a session without its data.
func eventOf(session record.Session, kind record.EventKind, at time.Time) record.Event {
	return record.Event{Project: session.Project, Kind: kind, At: at, Device: session.Device, Session: session.ID}
}

func insertOpened(ctx context.Context, tx *tx, session record.Session) error {
	rights := session.Rights
	if rights == nil {
		rights = []protocol.Right{}
	}
	return insertEventOf(ctx, tx, eventOf(session, record.EventSessionOpened, session.Created), record.OpenedEvent{
		Kind: session.Kind, Viewer: session.Viewer, Key: session.Key, Rights: rights, Expires: session.Expires,
	})
}

// insertPaths tells of the changes in an account that are news to the known one.
func insertPaths(ctx context.Context, tx *tx, session record.Session, known *record.Account) error {
	for _, change := range session.Account.Changes {
		if change.Number <= known.Numbered || change.Number > maxPathEvents {
			continue
		}
		if change.Number == 1 {
			live := record.LiveEvent{Path: change.Kind, Means: change.Means, AfterMS: change.Path.AfterMS}
			if err := insertEventOf(ctx, tx, eventOf(session, record.EventSessionLive, change.At), live); err != nil {
				return err
			}
		}
		if err := insertEventOf(ctx, tx, eventOf(session, record.EventSessionPath, change.At), pathEvent(session, change)); err != nil {
			return err
		}
	}
	return nil
}

func pathEvent(session record.Session, change record.PathChange) record.PathEvent {
	data := record.PathEvent{
		Number: change.Number, Path: change.Kind, Means: change.Means,
		By: change.By, Local: change.Path.Local, Remote: change.Path.Remote, Protocol: change.Path.Protocol, AfterMS: change.Path.AfterMS,
	}
	if change.Kind == protocol.PathRelay {
		device, viewer := session.Account.Networks()
		data.RelayReason = string(nat.RelayReason(device, viewer, session.Account.Policy).After(0))
	}
	return data
}

// insertEnded tells how sessions have ended, whose rows say so in the same transaction for the first time.
func insertEnded(ctx context.Context, tx *tx, sessions []record.Session) error {
	for part := range parts(tx.dialect, sessions) {
		sums, err := all(ctx, tx, scanRelayed, `SELECT g.session, COALESCE(SUM(u.up_bytes + u.down_bytes), 0) FROM session_grants g
			JOIN relay_usage u ON u.grant_id = g.grant_id WHERE g.session IN (`+repeated("?", len(part))+`) GROUP BY g.session`, sessionIDs(part)...)
		if err != nil {
			return err
		}
		relayed := map[protocol.SessionID]uint64{}
		for _, sum := range sums {
			relayed[sum.session] = sum.bytes
		}
		for _, session := range part {
			if err := insertEventOf(ctx, tx, eventOf(session, record.EventSessionEnded, session.Ended), record.EndedEvent{
				Kind: session.Kind, Viewer: session.Viewer, Key: session.Key, Reason: session.Reason,
				DurationMS: max(0, session.Ended.Sub(session.Created).Milliseconds()),
				Direct:     totalOn(&session.Account, protocol.PathDirect), Relay: totalOn(&session.Account, protocol.PathRelay),
				RelayedBytes: relayed[session.ID],
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

// relayedSum is what relays carried for a session.
type relayedSum struct {
	session protocol.SessionID
	bytes   uint64
}

func scanRelayed(row *sql.Rows) (s relayedSum, err error) {
	err = row.Scan(&s.session, &s.bytes)
	return s, err
}

func totalOn(a *record.Account, kind protocol.PathKind) record.PathTotal {
	t, bytes := a.On(kind)
	return record.PathTotal{TimeMS: t.Milliseconds(), Bytes: bytes}
}

// endRow ends a session that is open in the store, and tells of it.
func endRow(ctx context.Context, tx *tx, session record.Session, reason protocol.Reason, at time.Time) error {
	session.Ended, session.Reason = at, reason
	if _, err := tx.ExecContext(ctx, `UPDATE sessions SET ended_ms = ?, reason = ? WHERE id = ?`, stampOf(at), reason, session.ID); err != nil {
		return err
	}
	return insertEnded(ctx, tx, []record.Session{session})
}
