package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const (
	// MaxClaims is how many idempotency keys of a project are remembered at most; the oldest go. It is some 100 MB.
	MaxClaims = 100_000

	claimSaltBytes = 32

	// claimsBetweenPrunes bounds how many more than MaxClaims there can be: Prune itself comes but once an hour.
	claimsBetweenPrunes = 4096
)

// claimRow is a claim as it is kept.
type claimRow struct {
	record.Claim
	created, claimed time.Time
}

func scanClaim(row *sql.Rows) (c claimRow, err error) {
	var created, claimed stamp
	err = row.Scan(&c.Project, &c.Name, &c.Request, &c.Salt, &c.Run, &created, &claimed, &c.Written, &c.Done, &c.Answer)
	c.created, c.claimed = created.time(), claimed.time()
	return c, err
}

// Claim takes the right to execute a request, of which the caller says Project, Name, Request and Repeatable; the result
// has the rest. It is Done when the request has been answered already. Claim fails with CodeIdempotencyMismatch when the name is
// another request's, with CodeConflict while another execution is under way, and with CodeAnswerLost when one before was
// broken off after it had written something, unless the request is repeatable.
func (s *Store) Claim(ctx context.Context, wanted record.Claim) (*record.Claim, error) {
	var given record.Claim
	now := s.now()
	err := s.write(ctx, func(tx *tx) error {
		known, found, err := one(ctx, tx, scanClaim, `SELECT project, name, request, salt, run, created_ms, claimed_ms, written, done, answer
			FROM claims WHERE project = ? AND name = ?`, wanted.Project, wanted.Name)
		if err != nil {
			return err
		}
		if !found || !now.Before(known.created.Add(record.ClaimLife)) {
			if s.claims.Add(1)%claimsBetweenPrunes == 0 {
				if err := pruneClaims(ctx, tx, now, MaxClaims); err != nil {
					return err
				}
			}
			given, err = newClaim(ctx, tx, wanted, now)
			return err
		}
		if err := known.mayBeTaken(wanted, now); err != nil {
			return err
		}
		given = wanted
		given.Salt, given.Run, given.Written, given.Done, given.Answer = known.Salt, known.Run, known.Written, known.Done, known.Answer
		if known.Done {
			return nil
		}
		given.Run = newID()
		_, err = tx.ExecContext(ctx, `UPDATE claims SET run = ?, claimed_ms = ? WHERE project = ? AND name = ?`,
			given.Run, stampOf(now), given.Project, given.Name)
		return err
	})
	if err != nil {
		return nil, about(err, "claim a request")
	}
	return &given, nil
}

// newClaim writes the first claim of a name, in place of one that is too old.
func newClaim(ctx context.Context, tx *tx, c record.Claim, now time.Time) (record.Claim, error) {
	c.Run, c.Salt, c.Written, c.Done, c.Answer = newID(), make([]byte, claimSaltBytes), false, false, nil
	_, _ = rand.Read(c.Salt)
	if _, err := tx.ExecContext(ctx, `DELETE FROM claims WHERE project = ? AND name = ?`, c.Project, c.Name); err != nil {
		return c, err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO claims (project, name, request, salt, run, created_ms, claimed_ms) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		c.Project, c.Name, c.Request, c.Salt, c.Run, stampOf(now), stampOf(now))
	return c, err
}

// mayBeTaken decides by the rules that Claim tells.
func (c *claimRow) mayBeTaken(wanted record.Claim, now time.Time) error {
	left := c.claimed.Add(record.ClaimLease).Sub(now)
	switch {
	case !bytes.Equal(c.Request, wanted.Request):
		return protocol.Errorf(protocol.CodeIdempotencyMismatch, "this idempotency key came with another request, or another API key")
	case c.Done:
		return nil
	case left > 0:
		busy := protocol.Errorf(protocol.CodeConflict, "this request is being executed; ask for its answer again in a moment")
		busy.RetryMS = max(1, left.Milliseconds())
		return busy
	case c.Written && !wanted.Repeatable:
		return protocol.Errorf(protocol.CodeAnswerLost, "this request was executed, at least in part, and its answer was lost; look what there is, and use another idempotency key")
	}
	return nil
}

// FinishClaim keeps the answer of a claim's request; nil says that there was one that cannot be kept. A claim whose place
// another has taken keeps nothing.
func (s *Store) FinishClaim(ctx context.Context, c *record.Claim, answer []byte) error {
	err := s.write(ctx, func(tx *tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE claims SET done = TRUE, answer = ? WHERE project = ? AND name = ? AND run = ?`,
			answer, c.Project, c.Name, c.Run)
		return err
	})
	return about(err, "keep an answer")
}

// ReleaseClaim forgets a claim under which nothing was written, so that its name is free again, and reports whether it
// could.
func (s *Store) ReleaseClaim(ctx context.Context, c *record.Claim) (released bool, err error) {
	err = s.write(ctx, func(tx *tx) error {
		released, err = change(ctx, tx, `DELETE FROM claims WHERE project = ? AND name = ? AND run = ? AND NOT written`, c.Project, c.Name, c.Run)
		return err
	})
	return released, about(err, "release a request")
}

// underClaim does what a transaction is for as part of a claim's request. The transaction notes it, and fails with
// CodeConflict when another execution has taken the claim's place.
func underClaim(ctx context.Context, tx *tx, c *record.Claim, do func(*tx) error) error {
	if err := do(tx); err != nil {
		return err
	}
	mine, err := change(ctx, tx, `UPDATE claims SET written = TRUE WHERE project = ? AND name = ? AND run = ?`, c.Project, c.Name, c.Run)
	if err == nil && !mine {
		err = protocol.Errorf(protocol.CodeConflict, "another execution of this request has begun")
	}
	return err
}

// pruneClaims deletes those that are too old, or more than most of a project.
func pruneClaims(ctx context.Context, tx *tx, now time.Time, most int) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM claims WHERE created_ms <= ?`, stampOf(now.Add(-record.ClaimLife))); err != nil {
		return err
	}
	full, err := all(ctx, tx, scanEventCount, `SELECT project, count(*) FROM claims GROUP BY project HAVING count(*) > ?`, most)
	if err != nil {
		return err
	}
	for _, p := range full {
		if _, err := tx.ExecContext(ctx, `DELETE FROM claims WHERE project = ? AND created_ms <
			(SELECT created_ms FROM claims WHERE project = ? ORDER BY created_ms DESC LIMIT 1 OFFSET ?)`, p.project, p.project, most-1); err != nil {
			return err
		}
	}
	return nil
}
