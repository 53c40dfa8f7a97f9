package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"time"

	"github.com/google/uuid"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// maxTestGrants bounds what one call of CreateTestGrants makes: many times what the machine of a measuring tool can use.
const maxTestGrants = 100_000

// CreateTestGrants makes test sessions with one viewer's relay grant each, for measuring tools.
func (s *Store) CreateTestGrants(ctx context.Context, in protocol.ProjectID, count int, life time.Duration) ([]protocol.GrantID, error) {
	if count < 1 || count > maxTestGrants {
		return nil, protocol.Errorf(protocol.CodeInvalid, "1 to %d credentials can be made at once", maxTestGrants)
	}
	if life <= 0 {
		return nil, protocol.Errorf(protocol.CodeInvalid, "credentials need a life")
	}
	grants := make([]protocol.GrantID, 0, count)
	err := s.write(ctx, func(tx *tx) error {
		if _, err := project(ctx, tx, in); err != nil {
			return err
		}
		now := s.now()
		sessions := make([]record.Session, count)
		for i := range sessions {
			var err error
			if sessions[i], err = newTestSession(in, now, life); err != nil {
				return err
			}
			grants = append(grants, sessions[i].ViewerGrant)
		}
		_, err := s.saveSessions(ctx, tx, sessions)
		return err
	})
	if err != nil {
		return nil, about(err, "create test grants")
	}
	return grants, nil
}

func newTestSession(in protocol.ProjectID, now time.Time, life time.Duration) (record.Session, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return record.Session{}, err
	}
	var random [16]byte
	_, _ = rand.Read(random[:])
	return record.Session{
		ID: protocol.SessionID(id.String()), Kind: record.SessionTest, Project: in,
		ViewerGrant: protocol.GrantID(hex.EncodeToString(random[:])), Created: now, Expires: now.Add(life).Truncate(time.Millisecond),
	}, nil
}

// GrantAlive returns who pays for a relay grant and until when it lives, if an open session, live or test, has it. A failure
// of the store counts as no and is logged.
func (s *Store) GrantAlive(ctx context.Context, grant protocol.GrantID) (found record.Grant, ok bool) {
	found, ok, err := one(ctx, s.reader, func(row *sql.Rows) (record.Grant, error) {
		var g record.Grant
		var terms string
		var expires stamp
		if err := row.Scan(&g.Project, &terms, &expires); err != nil {
			return g, err
		}
		g.Expires = expires.time()
		var err error
		g.Terms, err = readTerms(terms)
		return g, err
	}, `SELECT `+payerOf+`, s.terms, s.expires_ms FROM session_grants g JOIN sessions s ON s.id = g.session
		WHERE g.grant_id = ? AND s.ended_ms = 0 AND s.expires_ms > ?`, grant, stampOf(s.now()))
	if err != nil {
		s.log.Warn("cannot look up a relay grant", "err", err)
		return record.Grant{}, false
	}
	return found, ok
}
