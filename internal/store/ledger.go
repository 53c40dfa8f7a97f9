package store

import (
	"context"
	"database/sql"
	"errors"
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
	if len(usage) == 0 {
		return nil
	}
	err := s.write(ctx, func(tx *tx) error {
		l, err := openLedger(ctx, tx)
		if err != nil {
			return err
		}
		for _, u := range usage {
			if err := l.enter(ctx, u); err != nil {
				return fmt.Errorf("allocation %s: %w", u.Allocation, errors.Join(err, l.close()))
			}
		}
		return errors.Join(l.days.write(ctx, tx), l.close())
	})
	return about(err, "record relay usage")
}

// payerOf is record.Session.PaidBy of a session s.
const payerOf = `CASE s.payer WHEN '' THEN s.project ELSE s.payer END`

// ledger is one transaction of Record.
type ledger struct {
	known, owner, insert, add *sql.Stmt
	days                      pathDays
}

func openLedger(ctx context.Context, tx *tx) (*ledger, error) {
	l := &ledger{days: pathDays{}}
	for _, s := range []struct {
		statement **sql.Stmt
		query     string
	}{
		{&l.known, `SELECT project, device, up_bytes, up_packets, down_bytes, down_packets FROM relay_usage WHERE allocation = ?`},
		{&l.owner, `SELECT ` + payerOf + `, s.device FROM session_grants g JOIN sessions s ON s.id = g.session WHERE g.grant_id = ?`},
		{&l.insert, `INSERT INTO relay_usage (allocation, grant_id, project, device, role, transport,
				up_bytes, up_packets, down_bytes, down_packets, started_ms, updated_ms, ended_ms)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (allocation) DO UPDATE SET project = excluded.project, device = excluded.device,
				up_bytes = excluded.up_bytes, up_packets = excluded.up_packets,
				down_bytes = excluded.down_bytes, down_packets = excluded.down_packets,
				updated_ms = excluded.updated_ms, ended_ms = excluded.ended_ms
			WHERE relay_usage.ended_ms = 0 AND excluded.updated_ms >= relay_usage.updated_ms
				AND excluded.up_bytes >= relay_usage.up_bytes AND excluded.down_bytes >= relay_usage.down_bytes`},
		{&l.add, `INSERT INTO relay_months (project, month, up_bytes, up_packets, down_bytes, down_packets)
			VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (project, month) DO UPDATE SET
				up_bytes = relay_months.up_bytes + excluded.up_bytes, up_packets = relay_months.up_packets + excluded.up_packets,
				down_bytes = relay_months.down_bytes + excluded.down_bytes, down_packets = relay_months.down_packets + excluded.down_packets`},
	} {
		var err error
		if *s.statement, err = tx.PrepareContext(ctx, s.query); err != nil {
			return nil, errors.Join(err, l.close())
		}
	}
	return l, nil
}

func (l *ledger) close() error {
	var errs []error
	for _, s := range []*sql.Stmt{l.known, l.owner, l.insert, l.add} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

// owned is whose an allocation is, empty where that is not known.
type owned struct {
	project protocol.ProjectID
	device  protocol.DeviceID
}

// enter keeps one count. What an allocation carried before it was known whose it is counts for its owner from then on.
func (l *ledger) enter(ctx context.Context, u record.Usage) error {
	var before record.Traffic
	var known owned
	err := l.known.QueryRowContext(ctx, u.Allocation).
		Scan(&known.project, &known.device, &before.UpBytes, &before.UpPackets, &before.DownBytes, &before.DownPackets)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	owner, err := l.ownerOf(ctx, u, known)
	if err != nil {
		return err
	}
	result, err := l.insert.ExecContext(ctx, u.Allocation, u.Grant, owner.project, owner.device, u.Role, u.Transport,
		u.Traffic.UpBytes, u.Traffic.UpPackets, u.Traffic.DownBytes, u.Traffic.DownPackets,
		stampOf(u.Started), stampOf(u.Updated), stampOf(u.Ended))
	if err != nil {
		return err
	}
	if kept, err := result.RowsAffected(); err != nil || kept == 0 || owner.project == "" {
		return err
	}
	all, day := u.Traffic.UpBytes+u.Traffic.DownBytes, record.DayOf(u.Updated)
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
	_, err = l.add.ExecContext(ctx, owner.project, monthOf(u.Updated),
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
	var session owned
	err := l.owner.QueryRowContext(ctx, u.Grant).Scan(&session.project, &session.device)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
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

const planQuery = `SELECT p.id, p.relay_budget_bytes, p.relay_max_kbps, p.path, p.relay_delay_ms, p.max_relay_s, p.relay_hd,
	COALESCE(m.up_bytes + m.down_bytes, 0)
	FROM projects p LEFT JOIN relay_months m ON m.project = p.id AND m.month = ?`

func scanPlan(row *sql.Rows) (record.Plan, error) {
	var p record.Plan
	var t record.PlainTerms
	var hd record.Answer
	err := row.Scan(&p.Project, &p.BudgetBytes, &t.MaxKbps, &t.Path, &t.RelayDelayMS, &t.MaxRelayS, &hd, &p.UsedBytes)
	p.Terms = t.Terms()
	p.RelayHD = hd
	return p, err
}

// Plans returns what each project may use of the relay and has used in the month that it is now, the oldest project first.
func (s *Store) Plans(ctx context.Context) ([]record.Plan, error) {
	list, err := all(ctx, s.reader, scanPlan, planQuery+` ORDER BY p.created_ms, p.id`, monthOf(s.now()))
	return list, about(err, "list plans")
}

// Plan returns the same of one project; it fails with CodeNotFound.
func (s *Store) Plan(ctx context.Context, id protocol.ProjectID) (record.Plan, error) {
	plan, ok, err := one(ctx, s.reader, scanPlan, planQuery+` WHERE p.id = ?`, monthOf(s.now()), id)
	if err == nil && !ok {
		err = notFound("there is no project %q", id)
	}
	return plan, about(err, "read plan of project %s", id)
}
