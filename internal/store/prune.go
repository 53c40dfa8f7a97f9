package store

import (
	"context"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const (
	// SessionLife is how long an ended session is kept, with its usage; enrolments and device grants are kept as long after
	// they ended, connections after their device was revoked.
	SessionLife = 30 * 24 * time.Hour

	pruneInterval = time.Hour
)

// Run ends what has expired and deletes what is too old, at once and then every hour, and tells those who Follow of what
// other processes write, until the context ends.
func (s *Store) Run(ctx context.Context) error {
	var work sync.WaitGroup
	work.Go(func() { s.pruneUntil(ctx) })
	work.Go(func() { s.pollEvents(ctx) })
	work.Wait()
	return nil
}

func (s *Store) pruneUntil(ctx context.Context) {
	tick := time.NewTicker(pruneInterval)
	defer tick.Stop()
	for {
		began := s.clock()
		deleted, err := s.Prune(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.log.Warn("cannot prune the store", "err", err)
		case deleted > 0:
			s.log.Debug("old sessions deleted", "took", s.clock().Sub(began))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Prune does what Run does, once, and returns how many sessions it deleted.
func (s *Store) Prune(ctx context.Context) (sessions int64, err error) {
	now := s.now()
	old := stampOf(now.Add(-SessionLife))
	err = s.write(ctx, func(tx *tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE sessions SET ended_ms = expires_ms, reason = ?
			WHERE kind = ? AND ended_ms = 0 AND expires_ms <= ?`, protocol.ReasonExpired, record.SessionTest, stampOf(now)); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM relay_usage WHERE grant_id IN (SELECT g.grant_id FROM session_grants g
			JOIN sessions s ON s.id = g.session WHERE s.ended_ms <> 0 AND s.ended_ms < ?)`, old); err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE ended_ms <> 0 AND ended_ms < ?`, old)
		if err != nil {
			return err
		}
		if sessions, err = result.RowsAffected(); err != nil {
			return err
		}
		// Allocations of a viewer who gathered candidates and opened nothing.
		if _, err := tx.ExecContext(ctx, `DELETE FROM relay_usage WHERE updated_ms < ? AND NOT EXISTS
			(SELECT 1 FROM session_grants g WHERE g.grant_id = relay_usage.grant_id)`, old); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM connections WHERE device IN
			(SELECT id FROM devices WHERE revoked_ms <> 0 AND revoked_ms < ?)`, old); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM enrolments WHERE expires_ms < ?`, old); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM device_grants
			WHERE ended_ms <> 0 AND ended_ms < ? OR expires_ms <> 0 AND expires_ms < ?`, old, old); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM path_days WHERE day < ?`, record.DayOf(now.Add(-PathLife))); err != nil {
			return err
		}
		return pruneEvents(ctx, tx, now)
	})
	return sessions, about(err, "prune store")
}
