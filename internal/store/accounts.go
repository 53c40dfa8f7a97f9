package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sightline-rtc/sightline/nat"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// maxPathEvents bounds the events of one session's path: more is a fault of its ends, or malice.
const maxPathEvents = 64

// SaveAccounts keeps the accounts of sessions, ended ones too, all or nothing, and what is new in them in their projects'
// days. It leaves out those that are older than the known ones, and of sessions that are not known.
func (s *Sessions) SaveAccounts(ctx context.Context, sessions []record.Session) error {
	err := s.store.write(ctx, func(tx *tx) error {
		days, till := pathDays{}, s.store.openTill(tx)
		for _, session := range sessions {
			if err := saveAccount(ctx, till, days, session); err != nil {
				return fmt.Errorf("session %s: %w", session.ID, err)
			}
		}
		if err := days.write(ctx, tx); err != nil {
			return err
		}
		return till.close(ctx)
	})
	return about(err, "save accounts of %d sessions", len(sessions))
}

// saveAccount keeps an account if it is newer than the known one, with the events of what has changed, and has the time on
// the relay paid.
func saveAccount(ctx context.Context, till *till, days pathDays, session record.Session) error {
	tx := till.tx
	known, ok, err := one(ctx, tx, scanAccount, `SELECT account FROM sessions WHERE id = ?`, session.ID)
	if err != nil || !ok || known.Version >= session.Account.Version {
		return err
	}
	text, err := json.Marshal(&session.Account)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE sessions SET account = ? WHERE id = ?`, string(text), session.ID); err != nil {
		return err
	}
	days.addNews(session, &known)
	if err := till.payTime(ctx, session, &known); err != nil {
		return err
	}
	for _, change := range session.Account.Changes {
		if change.Number <= known.Numbered || change.Number > maxPathEvents {
			continue
		}
		if err := insertEventOf(ctx, tx, eventOf(session, record.EventSessionPath, change.At), pathEvent(session, change)); err != nil {
			return err
		}
	}
	return nil
}

func scanAccount(row *sql.Rows) (a record.Account, err error) {
	var text string
	if err := row.Scan(&text); err != nil {
		return a, err
	}
	err = readAccount(text, &a)
	return a, err
}

func readAccount(text string, into *record.Account) error {
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), into)
}

// eventOf is an event of a session without its data.
func eventOf(session record.Session, kind record.EventKind, at time.Time) record.Event {
	return record.Event{Project: session.Project, Kind: kind, At: at, Device: session.Device, Session: session.ID}
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
