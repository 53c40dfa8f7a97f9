package store

import (
	"context"
	"database/sql"
	"math"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// planQuery asks for the month twice: of what was used, and of what is spent.
const planQuery = `SELECT p.id, p.relay_budget_bytes, p.relay_budget_ms, p.max_sessions, p.prepaid,
	p.relay_max_kbps, p.path, p.relay_delay_ms, p.max_relay_s, p.relay_hd,
	COALESCE(m.up_bytes + m.down_bytes, 0), COALESCE(m.relay_ms, 0),
	COALESCE(u.held_bytes, 0), COALESCE(u.balance, 0), COALESCE(u.held, 0), COALESCE(u.filled, 0),
	EXISTS (SELECT 1 FROM budget_marks k WHERE k.project = p.id AND k.level = 'spent'
		AND (k.period = ? OR k.period = CAST(COALESCE(u.fills, 0) AS TEXT))),
	COALESCE(u.fills, 0), COALESCE(u.entries, 0)
	FROM projects p LEFT JOIN relay_months m ON m.project = p.id AND m.month = ? LEFT JOIN purses u ON u.project = p.id`

// planRow is a project's plan, and how many grants of points and entries of the ledger it has had.
type planRow struct {
	record.Plan
	fills, entries uint64
}

func scanPlanRow(row *sql.Rows) (p planRow, err error) {
	var t record.PlainTerms
	var hd record.Answer
	var budgetMS, usedMS int64
	err = row.Scan(&p.Project, &p.BudgetBytes, &budgetMS, &p.MaxSessions, &p.Purse.Prepaid,
		&t.MaxKbps, &t.Path, &t.RelayDelayMS, &t.MaxRelayS, &hd, &p.UsedBytes, &usedMS,
		&p.HeldBytes, &p.Purse.Balance, &p.Purse.Held, &p.Purse.Filled, &p.Spent, &p.fills, &p.entries)
	p.BudgetTime, p.UsedTime = durationOf(budgetMS), durationOf(usedMS)
	p.Terms = t.Terms()
	p.RelayHD = hd
	return p, err
}

func scanPlan(row *sql.Rows) (record.Plan, error) {
	p, err := scanPlanRow(row)
	return p.Plan, err
}

// Plans returns what each project may use of the relay and has used in the month that it is now, the oldest project first.
func (s *Store) Plans(ctx context.Context) ([]record.Plan, error) {
	list, err := all(ctx, s.reader, scanPlan, planQuery+` ORDER BY p.created_ms, p.id`, s.month(), s.month())
	return list, about(err, "list plans")
}

// Plan returns the same of one project; it fails with CodeNotFound.
func (s *Store) Plan(ctx context.Context, id protocol.ProjectID) (record.Plan, error) {
	return s.planIn(ctx, s.reader, id)
}

func (s *Store) planIn(ctx context.Context, db queryer, id protocol.ProjectID) (record.Plan, error) {
	plan, ok, err := one(ctx, db, scanPlan, planQuery+` WHERE p.id = ?`, s.month(), s.month(), id)
	if err == nil && !ok {
		err = notFound("there is no project %q", id)
	}
	return plan, about(err, "read plan of project %s", id)
}

// month is the one that it is now.
func (s *Store) month() string { return monthOf(s.now()) }

// durationOf is a sum of milliseconds, or as long as there can be.
func durationOf(ms int64) time.Duration {
	return time.Duration(min(ms, math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
}
