package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// payee is the session that an allocation serves.
type payee struct {
	id     protocol.SessionID
	reason protocol.Reason
}

// pay has a project's budgets pay for what an allocation carried since it was counted before, and holds what it may carry
// next.
func (l *ledger) pay(ctx context.Context, u record.Usage, project protocol.ProjectID, counted time.Time, before uint64) error {
	p, err := l.till.of(ctx, project)
	if err != nil || p == nil || !p.plan.Bounded() {
		return err
	}
	served, _, err := one(ctx, l.tx, func(row *sql.Rows) (s payee, err error) {
		err = row.Scan(&s.id, &s.reason)
		return s, err
	}, `SELECT s.id, s.reason FROM session_grants g JOIN sessions s ON s.id = g.session WHERE g.grant_id = ?`, u.Grant)
	if err != nil {
		return err
	}
	all := u.Traffic.UpBytes + u.Traffic.DownBytes
	tariff := l.till.tariff
	held, bounded, err := l.till.settle(ctx, claim{
		owner: u.Allocation, project: project, session: served.id, allocation: u.Allocation,
		bytes: all - before, cost: tariff.Bytes(all) - tariff.Bytes(before),
		slice: sliceOf(all-before, u.Updated.Sub(counted), counted.IsZero()), over: !u.Ended.IsZero(),
	})
	if err != nil || !bounded {
		return err
	}
	if ourFault(served.reason) || u.Cut {
		if err := l.till.refund(ctx, project, served.id, u.Allocation, u.Updated); err != nil {
			return err
		}
	}
	if u.Ended.IsZero() {
		l.allowed = append(l.allowed, record.Allowance{
			Allocation: u.Allocation, Bytes: all + held, Until: l.till.now.Add(reservationLife - settleGrace),
		})
	}
	return nil
}

// sliceOf is what an allocation may carry next, which carried so much in the time since it was counted before.
func sliceOf(carried uint64, since time.Duration, first bool) uint64 {
	if first {
		return max(firstSlice, 2*carried)
	}
	seconds := max(since, time.Second).Seconds()
	return max(leastSlice, uint64(float64(carried)/seconds*sliceTime.Seconds()))
}

// payTime has a project's budgets pay for the time that a session has spent on the relay since its account was kept before.
func (t *till) payTime(ctx context.Context, s record.Session, known *record.Account) error {
	all, _ := s.Account.On(protocol.PathRelay)
	before, _ := known.On(protocol.PathRelay)
	all, before = all.Truncate(time.Millisecond), before.Truncate(time.Millisecond)
	if all < before || all == 0 {
		return nil
	}
	_, bounded, err := t.settle(ctx, claim{
		owner: string(s.ID), project: s.PaidBy(), session: s.ID,
		time: all - before, cost: t.tariff.Time(all) - t.tariff.Time(before),
		fee: t.tariff.Time(sliceTime), over: !s.Ended.IsZero() || s.Account.Kind != protocol.PathRelay,
	})
	if err != nil {
		return err
	}
	if all > before {
		if _, err := t.tx.ExecContext(ctx, `INSERT INTO relay_months (project, month, up_bytes, up_packets, down_bytes, down_packets, relay_ms)
			VALUES (?, ?, 0, 0, 0, 0, ?)
			ON CONFLICT (project, month) DO UPDATE SET relay_ms = relay_months.relay_ms + excluded.relay_ms`,
			s.PaidBy(), monthOf(t.now), (all - before).Milliseconds()); err != nil {
			return err
		}
	}
	if !bounded || !ourFault(s.Reason) {
		return nil
	}
	return t.refund(ctx, s.PaidBy(), s.ID, "", s.Ended)
}
