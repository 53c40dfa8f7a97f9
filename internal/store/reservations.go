package store

import (
	"context"
	"database/sql"
	"math"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const (
	// firstSlice is reserved for an allocation before it has carried anything: five seconds of a calm picture.
	firstSlice = 1_000_000
	// leastSlice is reserved for one that carries next to nothing.
	leastSlice = 256_000
	// sliceTime is how much an allocation may carry next, as time at its last rate: two intervals between counts.
	sliceTime = 20 * time.Second
	// reservationLife is how long points are held that nobody settles; the relay may not use them for as long as
	// settleGrace before that, in which what it has carried is counted.
	reservationLife = time.Minute
	settleGrace     = 15 * time.Second
)

// claim is what was used of the relay, and what is to be held for what comes next.
type claim struct {
	// owner is the allocation, or the session whose time it is.
	owner      string
	project    protocol.ProjectID
	session    protocol.SessionID
	allocation string
	bytes      uint64
	time       time.Duration
	cost       record.Points
	// slice and fee are what to hold, in bytes and for the time; over says that nothing comes any more.
	slice uint64
	fee   record.Points
	over  bool
}

// hold is a row of reservations.
type hold struct {
	owner   string
	project protocol.ProjectID
	session protocol.SessionID
	// allocation is empty where it is for the time of a session.
	allocation string
	points     record.Points
	bytes      uint64
}

const holdColumns = `owner, project, session, allocation, points, bytes`

func scanHold(row *sql.Rows) (h hold, err error) {
	err = row.Scan(&h.owner, &h.project, &h.session, &h.allocation, &h.points, &h.bytes)
	return h, err
}

// settle pays a claim from what was held for it, then from what is free, and holds what comes next. It returns how many
// bytes are held; ok is false for a project without a budget, which may use what it likes.
func (t *till) settle(ctx context.Context, c claim) (held uint64, ok bool, err error) {
	p, err := t.of(ctx, c.project)
	if err != nil || p == nil || !p.plan.Bounded() {
		return 0, false, err
	}
	before, _, err := one(ctx, t.tx, scanHold, `SELECT `+holdColumns+` FROM reservations WHERE owner = ? AND project = ?`, c.owner, c.project)
	if err != nil {
		return 0, false, err
	}
	e := record.Entry{Kind: record.EntrySettle, Bytes: c.bytes, Time: c.time, Session: c.session, Allocation: c.allocation}
	if p.plan.Purse.Prepaid {
		paid := min(c.cost, before.points+p.free())
		e.Amount, e.Absorbed = -paid, c.cost-paid
	}
	p.plan.UsedBytes += c.bytes
	p.plan.UsedTime += c.time
	next := hold{owner: c.owner, project: c.project, session: c.session, allocation: c.allocation}
	if !c.over {
		unused := before.bytes - min(before.bytes, c.bytes)
		if c.slice = max(c.slice, unused); p.plan.Exhausted() {
			c.slice, c.fee = unused, 0 // which the relay may be carrying now
		}
		t.size(&next, p, c, p.free()+before.points+e.Amount, p.plan.HeldBytes-before.bytes)
	}
	e.Held = next.points - before.points
	p.plan.HeldBytes = p.plan.HeldBytes - before.bytes + next.bytes
	p.changed = true
	switch {
	case c.bytes > 0 || c.time > 0:
	case e.Held < 0:
		e.Kind = record.EntryRelease
	case e.Held > 0:
		e.Kind = record.EntryReserve
	default:
		return next.bytes, true, t.keep(ctx, next)
	}
	if _, err := t.enter(ctx, p, e); err != nil {
		return 0, false, err
	}
	return next.bytes, true, t.keep(ctx, next)
}

// size says how much can be held, of the points that are free, beside the bytes that others hold. A budget that has nothing
// left is spent.
func (t *till) size(next *hold, p *purse, c claim, free record.Points, others uint64) {
	next.bytes = c.slice
	if b := p.plan.BudgetBytes; b > 0 && c.slice > 0 {
		next.bytes = min(next.bytes, b-min(b, p.plan.UsedBytes+others))
		p.spent[record.BudgetRelayBytes] = p.spent[record.BudgetRelayBytes] || next.bytes == 0
	}
	if !p.plan.Purse.Prepaid {
		return
	}
	next.points = min(c.fee, free)
	if n, ok := t.tariff.Affords(free - next.points - 1); ok && next.bytes > 0 { // the last millionth is for rounding
		next.bytes = min(next.bytes, n)
		next.points += t.tariff.Bytes(next.bytes) + min(1, record.Points(min(next.bytes, math.MaxInt64))) //nolint:gosec // it is bounded
	}
	none := c.slice > 0 && next.bytes == 0 || c.fee > 0 && next.points == 0
	p.spent[record.BudgetPoints] = p.spent[record.BudgetPoints] || none
}

// keep writes what is held for an owner, or that nothing is.
func (t *till) keep(ctx context.Context, h hold) error {
	if h.points == 0 && h.bytes == 0 {
		_, err := t.tx.ExecContext(ctx, `DELETE FROM reservations WHERE owner = ?`, h.owner)
		return err
	}
	_, err := t.tx.ExecContext(ctx, `INSERT INTO reservations (`+holdColumns+`, expires_ms) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (owner) DO UPDATE SET session = excluded.session, points = excluded.points, bytes = excluded.bytes,
			expires_ms = excluded.expires_ms`,
		h.owner, h.project, h.session, h.allocation, h.points, h.bytes, stampOf(t.now.Add(reservationLife)))
	return err
}

// expire gives back what is held for too long: nobody is left who would settle it.
func (t *till) expire(ctx context.Context, p *purse) error {
	overdue, err := all(ctx, t.tx, scanHold, `SELECT `+holdColumns+` FROM reservations WHERE project = ? AND expires_ms <= ? ORDER BY owner`,
		p.plan.Project, stampOf(t.now))
	if err != nil {
		return err
	}
	for _, h := range overdue {
		if _, err := t.tx.ExecContext(ctx, `DELETE FROM reservations WHERE owner = ?`, h.owner); err != nil {
			return err
		}
		p.plan.HeldBytes -= h.bytes
		p.changed = true
		if h.points == 0 {
			continue
		}
		if _, err := t.enter(ctx, p, record.Entry{
			Kind: record.EntryRelease, Held: -h.points, Session: h.session, Allocation: h.allocation,
		}); err != nil {
			return err
		}
	}
	return nil
}

// Expire gives back what was reserved by those who did not come to settle it, in a minute after they last did.
func (s *Store) Expire(ctx context.Context) error {
	overdue := func(db queryer) ([]protocol.ProjectID, error) {
		return all(ctx, db, func(row *sql.Rows) (id protocol.ProjectID, err error) {
			err = row.Scan(&id)
			return id, err
		}, `SELECT DISTINCT project FROM reservations WHERE expires_ms <= ? ORDER BY project`, stampOf(s.now()))
	}
	projects, err := overdue(s.reader)
	if err == nil && len(projects) > 0 {
		err = s.write(ctx, func(tx *tx) error {
			t := s.openTill(tx)
			for _, project := range projects {
				if _, err := t.of(ctx, project); err != nil {
					return err
				}
			}
			return t.close(ctx)
		})
	}
	return about(err, "give back reservations")
}
