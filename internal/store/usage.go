package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// maxTestGrants bounds what one call of CreateTestGrants makes: many times what the machine of a measuring tool can use.
const maxTestGrants = 100_000

// Record keeps the counts of relay allocations. They are cumulative, so repeating is harmless and an older count that
// comes late changes nothing.
func (s *Store) Record(ctx context.Context, usage []record.Usage) error {
	if len(usage) == 0 {
		return nil
	}
	err := s.write(ctx, func(tx *sql.Tx) error {
		insert, err := tx.PrepareContext(ctx, `INSERT INTO relay_usage (allocation, grant_id, role, transport,
				up_bytes, up_packets, down_bytes, down_packets, started_ms, updated_ms, ended_ms)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (allocation) DO UPDATE SET
				up_bytes = excluded.up_bytes, up_packets = excluded.up_packets,
				down_bytes = excluded.down_bytes, down_packets = excluded.down_packets,
				updated_ms = excluded.updated_ms, ended_ms = excluded.ended_ms
			WHERE relay_usage.ended_ms = 0 AND excluded.updated_ms >= relay_usage.updated_ms
				AND excluded.up_bytes >= relay_usage.up_bytes AND excluded.down_bytes >= relay_usage.down_bytes`)
		if err != nil {
			return err
		}
		for _, u := range usage {
			_, err := insert.ExecContext(ctx, u.Allocation, u.Grant, u.Role, u.Transport,
				u.Traffic.UpBytes, u.Traffic.UpPackets, u.Traffic.DownBytes, u.Traffic.DownPackets,
				stampOf(u.Started), stampOf(u.Updated), stampOf(u.Ended))
			if err != nil {
				return fmt.Errorf("allocation %s: %w", u.Allocation, err)
			}
		}
		return insert.Close()
	})
	return about(err, "record relay usage")
}

// CreateTestGrants makes test sessions with one viewer's relay grant each, for measuring tools.
func (s *Store) CreateTestGrants(ctx context.Context, in protocol.ProjectID, count int, life time.Duration) ([]protocol.GrantID, error) {
	if count < 1 || count > maxTestGrants {
		return nil, protocol.Errorf(protocol.CodeInvalid, "1 to %d credentials can be made at once", maxTestGrants)
	}
	if life <= 0 {
		return nil, protocol.Errorf(protocol.CodeInvalid, "credentials need a life")
	}
	grants := make([]protocol.GrantID, 0, count)
	err := s.write(ctx, func(tx *sql.Tx) error {
		if _, err := project(ctx, tx, in); err != nil {
			return err
		}
		now := s.now()
		for range count {
			session, grant, err := newTestSession(in, now, life)
			if err != nil {
				return err
			}
			if _, err := upsertSession(ctx, tx, session); err != nil {
				return err
			}
			if err := saveGrant(ctx, tx, session.ID, grant, protocol.RoleViewer); err != nil {
				return err
			}
			grants = append(grants, grant)
		}
		return nil
	})
	if err != nil {
		return nil, about(err, "create test grants")
	}
	return grants, nil
}

func newTestSession(in protocol.ProjectID, now time.Time, life time.Duration) (record.Session, protocol.GrantID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return record.Session{}, "", err
	}
	var random [16]byte
	_, _ = rand.Read(random[:])
	grant := protocol.GrantID(hex.EncodeToString(random[:]))
	return record.Session{
		ID: protocol.SessionID(id.String()), Kind: record.SessionTest, Project: in,
		ViewerGrant: grant, Created: now, Expires: now.Add(life).Truncate(time.Millisecond),
	}, grant, nil
}

// GrantAlive reports whether an open session, live or test, has this relay grant, and until when. A failure of the
// store counts as no and is logged.
func (s *Store) GrantAlive(ctx context.Context, grant protocol.GrantID) (expires time.Time, ok bool) {
	expires, ok, err := one(ctx, s.reader, func(row *sql.Rows) (time.Time, error) {
		var expires stamp
		err := row.Scan(&expires)
		return expires.time(), err
	}, `SELECT s.expires_ms FROM session_grants g JOIN sessions s ON s.id = g.session
		WHERE g.grant_id = ? AND s.ended_ms = 0 AND s.expires_ms > ?`, grant, stampOf(s.now()))
	if err != nil {
		s.log.Warn("cannot look up a relay grant", "err", err)
		return time.Time{}, false
	}
	return expires, ok
}
