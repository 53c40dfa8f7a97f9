package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

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
			known, err := readKnown(ctx, tx, []record.Session{session}) // the one before it may be of the same session
			if err == nil {
				err = saveAccount(ctx, till, days, session, known[session.ID])
			}
			if err != nil {
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

// knownSession is what the store has of a session that is written: the zero value is nothing.
type knownSession struct {
	record.Account
	id           protocol.SessionID
	found, ended bool
}

// readKnown returns what the store has of sessions.
func readKnown(ctx context.Context, tx *tx, sessions []record.Session) (map[protocol.SessionID]knownSession, error) {
	known := make(map[protocol.SessionID]knownSession, len(sessions))
	for part := range parts(tx.dialect, sessions) {
		list, err := all(ctx, tx, scanKnown,
			`SELECT id, account, ended_ms FROM sessions WHERE id IN (`+repeated("?", len(part))+`)`, sessionIDs(part)...)
		if err != nil {
			return nil, err
		}
		for _, k := range list {
			known[k.id] = k
		}
	}
	return known, nil
}

func scanKnown(row *sql.Rows) (k knownSession, err error) {
	var text string
	var ended stamp
	if err := row.Scan(&k.id, &text, &ended); err != nil {
		return k, err
	}
	k.found, k.ended = true, ended != 0
	return k, readAccount(text, &k.Account)
}

func sessionIDs(sessions []record.Session) []any {
	ids := make([]any, len(sessions))
	for i, session := range sessions {
		ids[i] = session.ID
	}
	return ids
}

// saveAccount keeps the account of a session that the store has if it is newer than the known one, and settles it.
func saveAccount(ctx context.Context, till *till, days pathDays, session record.Session, known knownSession) error {
	text, err := newerAccount(session, known)
	if err != nil || text == "" || !known.found {
		return err
	}
	if _, err := till.tx.ExecContext(ctx, `UPDATE sessions SET account = ? WHERE id = ?`, text, session.ID); err != nil {
		return err
	}
	return settleAccount(ctx, till, days, session, known)
}

// newerAccount is the text of a session's account, empty if it is no newer than the known one.
func newerAccount(session record.Session, known knownSession) (string, error) {
	if known.Version >= session.Account.Version {
		return "", nil
	}
	text, err := json.Marshal(&session.Account)
	return string(text), err
}

// settleAccount adds what an account says more than the known one to the days, tells of what has changed, and has the time on
// the relay paid.
func settleAccount(ctx context.Context, till *till, days pathDays, session record.Session, known knownSession) error {
	days.addNews(session, &known.Account)
	if err := till.payTime(ctx, session, &known.Account); err != nil {
		return err
	}
	if known.ended {
		return nil
	}
	return insertPaths(ctx, till.tx, session, &known.Account)
}

func readAccount(text string, into *record.Account) error {
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), into)
}
