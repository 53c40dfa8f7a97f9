package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// Record keeps the counts of relay allocations, and adds what is new in them to their projects' months, and to the days of
// projects and devices. They are
// cumulative, so repeating is harmless and an older count that comes late changes nothing: all or nothing is kept, whenever
// the process ends.
func (s *Store) Record(ctx context.Context, usage []record.Usage) error {
	_, err := s.Settle(ctx, usage)
	return err
}

// Settle is Record, and has the projects' budgets pay for what is new in the counts. It returns what those allocations that
// have a budget may carry from then on: what was reserved for them.
func (s *Store) Settle(ctx context.Context, usage []record.Usage) (allowed []record.Allowance, err error) {
	if len(usage) == 0 {
		return nil, nil
	}
	err = s.write(ctx, func(tx *tx) error {
		l := &ledger{tx: tx, days: pathDays{}, till: s.openTill(tx)}
		for _, u := range usage {
			if err := l.enter(ctx, u); err != nil {
				return fmt.Errorf("allocation %s: %w", u.Allocation, err)
			}
		}
		allowed = l.allowed
		if err := l.days.write(ctx, tx); err != nil {
			return err
		}
		return l.till.close(ctx)
	})
	if err != nil {
		return nil, about(err, "record relay usage")
	}
	return allowed, nil
}

// payerOf is record.Session.PaidBy of a session s.
const payerOf = `CASE s.payer WHEN '' THEN s.project ELSE s.payer END`

// ledger is one transaction of Record.
type ledger struct {
	tx   *tx
	days pathDays
	till *till
	// allowed is what allocations may carry from then on.
	allowed []record.Allowance
}

// Which of two counts is the newer one their bytes say, not their times: a clock that is set back would else leave its counts
// out, and with that their allocations without a bound.
const (
	countQuery = `SELECT project, device, up_bytes, up_packets, down_bytes, down_packets, updated_ms FROM relay_usage WHERE allocation = ?`
	ownerQuery = `SELECT ` + payerOf + `, s.device FROM session_grants g JOIN sessions s ON s.id = g.session WHERE g.grant_id = ?`

	keepCount = `INSERT INTO relay_usage (allocation, grant_id, project, device, role, transport,
			up_bytes, up_packets, down_bytes, down_packets, started_ms, updated_ms, ended_ms)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (allocation) DO UPDATE SET project = excluded.project, device = excluded.device,
			up_bytes = excluded.up_bytes, up_packets = excluded.up_packets,
			down_bytes = excluded.down_bytes, down_packets = excluded.down_packets,
			updated_ms = CASE WHEN excluded.updated_ms > relay_usage.updated_ms THEN excluded.updated_ms ELSE relay_usage.updated_ms END,
			ended_ms = excluded.ended_ms
		WHERE relay_usage.ended_ms = 0
			AND excluded.up_bytes >= relay_usage.up_bytes AND excluded.up_packets >= relay_usage.up_packets
			AND excluded.down_bytes >= relay_usage.down_bytes AND excluded.down_packets >= relay_usage.down_packets`
	addToMonth = `INSERT INTO relay_months (project, month, up_bytes, up_packets, down_bytes, down_packets)
		VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (project, month) DO UPDATE SET
			up_bytes = relay_months.up_bytes + excluded.up_bytes, up_packets = relay_months.up_packets + excluded.up_packets,
			down_bytes = relay_months.down_bytes + excluded.down_bytes, down_packets = relay_months.down_packets + excluded.down_packets`
)

// owned is whose an allocation is, empty where that is not known.
type owned struct {
	project protocol.ProjectID
	device  protocol.DeviceID
}

func scanOwned(row *sql.Rows) (o owned, err error) {
	err = row.Scan(&o.project, &o.device)
	return o, err
}

// count is what is known of an allocation.
type count struct {
	owned
	record.Traffic
	updated stamp
}

func scanCount(row *sql.Rows) (c count, err error) {
	err = row.Scan(&c.project, &c.device, &c.UpBytes, &c.UpPackets, &c.DownBytes, &c.DownPackets, &c.updated)
	return c, err
}

// enter keeps one count. What an allocation carried before it was known whose it is counts for its owner from then on.
func (l *ledger) enter(ctx context.Context, u record.Usage) error {
	known, _, err := one(ctx, l.tx, scanCount, countQuery, u.Allocation)
	if err != nil {
		return err
	}
	owner, err := l.ownerOf(ctx, u, known.owned)
	if err != nil {
		return err
	}
	kept, err := change(ctx, l.tx, keepCount, u.Allocation, u.Grant, owner.project, owner.device, u.Role, u.Transport,
		u.Traffic.UpBytes, u.Traffic.UpPackets, u.Traffic.DownBytes, u.Traffic.DownPackets,
		stampOf(u.Started), stampOf(u.Updated), stampOf(u.Ended))
	if err != nil || !kept || owner.project == "" {
		return err
	}
	all, day := u.Traffic.UpBytes+u.Traffic.DownBytes, record.DayOf(u.Updated)
	before := known.Traffic
	if known.project == "" {
		before = record.Traffic{}
	}
	news := all - before.UpBytes - before.DownBytes
	l.days.at(owner.project, "", day, protocol.MeansRelay).relayed += news
	switch {
	case owner.device == "":
	case known.device == "":
		l.days.at(owner.project, owner.device, day, protocol.MeansRelay).relayed += all
	default:
		l.days.at(owner.project, owner.device, day, protocol.MeansRelay).relayed += news
	}
	if err := l.pay(ctx, u, owner.project, known.updated.time(), all-news); err != nil {
		return err
	}
	_, err = l.tx.ExecContext(ctx, addToMonth, owner.project, monthOf(u.Updated),
		u.Traffic.UpBytes-before.UpBytes, u.Traffic.UpPackets-before.UpPackets,
		u.Traffic.DownBytes-before.DownBytes, u.Traffic.DownPackets-before.DownPackets)
	return err
}

// ownerOf returns whose an allocation is: what is known stays, the rest its grant's session tells, once it is open.
func (l *ledger) ownerOf(ctx context.Context, u record.Usage, known owned) (owned, error) {
	if known.project == "" {
		known.project = u.Project
	}
	if known.project != "" && known.device != "" {
		return known, nil
	}
	session, _, err := one(ctx, l.tx, scanOwned, ownerQuery, u.Grant)
	if err != nil {
		return owned{}, err
	}
	if known.project == "" {
		known.project = session.project
	}
	if known.project == session.project {
		known.device = session.device
	}
	return known, nil
}

// monthOf names a month as the ledger does.
func monthOf(t time.Time) string { return t.UTC().Format("2006-01") }
