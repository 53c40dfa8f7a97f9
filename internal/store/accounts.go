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
			known, err := readKnown(ctx, tx, session.ID)
			if err == nil && known.found {
				err = saveAccount(ctx, till, days, session, known)
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
	found, ended bool
}

func readKnown(ctx context.Context, tx *tx, id protocol.SessionID) (knownSession, error) {
	known, _, err := one(ctx, tx, func(row *sql.Rows) (k knownSession, err error) {
		var text string
		var ended stamp
		if err := row.Scan(&text, &ended); err != nil {
			return k, err
		}
		k.found, k.ended = true, ended != 0
		return k, readAccount(text, &k.Account)
	}, `SELECT account, ended_ms FROM sessions WHERE id = ?`, id)
	return known, err
}

// saveAccount keeps the account of a session that the store has if it is newer than the known one, with the events of what
// has changed, and has the time on the relay paid.
func saveAccount(ctx context.Context, till *till, days pathDays, session record.Session, known knownSession) error {
	tx := till.tx
	if known.Version >= session.Account.Version {
		return nil
	}
	text, err := json.Marshal(&session.Account)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE sessions SET account = ? WHERE id = ?`, string(text), session.ID); err != nil {
		return err
	}
	days.addNews(session, &known.Account)
	if err := till.payTime(ctx, session, &known.Account); err != nil {
		return err
	}
	if known.ended {
		return nil
	}
	return insertPaths(ctx, tx, session, &known.Account)
}

func readAccount(text string, into *record.Account) error {
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), into)
}
