package store

import (
	"context"
	"errors"
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
	// reportInterval is how late after its hour a report is at most, and how many events over MaxEvents there may be: those
	// of a minute.
	reportInterval = time.Minute

	// abandonedAfter is how long after its lease a live session that nobody has ended is taken for one whose end a hub could
	// not keep: a hub that goes on with it keeps each longer lease, and one that starts gives minutes.
	abandonedAfter = time.Hour
	// atOnce is how many rows one transaction changes where there may be very many, so that others need not wait: some 50 ms.
	atOnce = 1000
)

// Run does what the store has to do by itself, until the context ends: every hour it ends what has expired and deletes what
// is too old, every minute it reports what projects use and deletes events that are too many, and every second it tells
// those who Follow of what other processes have written.
func (s *Store) Run(ctx context.Context) error {
	var work sync.WaitGroup
	work.Go(func() { s.pollEvents(ctx) })
	work.Go(func() {
		s.every(ctx, pruneInterval, "cannot prune the store", func(ctx context.Context) error {
			_, err := s.Prune(ctx)
			return err
		})
	})
	work.Go(func() {
		s.every(ctx, reportInterval, "cannot report what projects use", func(ctx context.Context) error {
			return errors.Join(s.Report(ctx), s.pruneEvents(ctx, s.now(), MaxEvents))
		})
	})
	work.Wait()
	return nil
}

// every does something at once and then at each interval until the context ends. What fails is done the next time.
func (s *Store) every(ctx context.Context, interval time.Duration, warning string, do func(context.Context) error) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if err := do(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn(warning, "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Prune does what Run does every hour, once, and returns how many sessions it deleted.
func (s *Store) Prune(ctx context.Context) (sessions int64, err error) {
	now := s.now()
	if err := s.endAbandoned(ctx, now); err != nil {
		return 0, about(err, "end abandoned sessions")
	}
	old := stampOf(now.Add(-SessionLife))
	err = s.write(ctx, func(tx *tx) error {
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
		return pruneClaims(ctx, tx, now, MaxClaims)
	})
	if err == nil {
		err = s.pruneEvents(ctx, now, 0)
	}
	if err == nil {
		err = s.write(ctx, func(tx *tx) error { return pruneDead(ctx, tx) })
	}
	return sessions, about(err, "prune store")
}

// endAbandoned ends test sessions whose time is over, and live ones that have been for so long that no hub can know them.
func (s *Store) endAbandoned(ctx context.Context, now time.Time) error {
	for {
		var ended int
		err := s.write(ctx, func(tx *tx) error {
			over, err := all(ctx, tx, scanWhole, `SELECT `+sessionColumns+`, account FROM sessions
				WHERE ended_ms = 0 AND (kind = ? AND expires_ms <= ? OR expires_ms <= ?) ORDER BY created_ms, id LIMIT ?`,
				record.SessionTest, stampOf(now), stampOf(now.Add(-abandonedAfter)), atOnce)
			if err != nil {
				return err
			}
			for _, session := range over {
				if err := endRow(ctx, tx, session, protocol.ReasonExpired, session.Expires); err != nil {
					return err
				}
			}
			ended = len(over)
			return nil
		})
		if err != nil || ended < atOnce {
			return err
		}
	}
}
