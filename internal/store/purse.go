package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// till is what one transaction does to the purses of projects. What it has changed is written by close.
type till struct {
	tx     *tx
	tariff record.Tariff
	now    time.Time
	purses map[protocol.ProjectID]*purse
}

func (s *Store) openTill(tx *tx) *till {
	return &till{tx: tx, tariff: s.tariff, now: s.now(), purses: map[protocol.ProjectID]*purse{}}
}

// purse is what a project may use of the relay and has to pay it with.
type purse struct {
	plan           record.Plan
	fills, entries uint64
	// spent are the budgets of which nothing could be reserved, changed says that the row has to be written.
	spent   map[record.Budget]bool
	changed bool
}

// free is what is not held of the points.
func (p *purse) free() record.Points { return p.plan.Purse.Balance - p.plan.Purse.Held }

// of returns a project's purse, with what was held too long given back; nil for a project that there is not.
func (t *till) of(ctx context.Context, project protocol.ProjectID) (*purse, error) {
	if p, ok := t.purses[project]; ok {
		return p, nil
	}
	p, ok, err := one(ctx, t.tx, scanPurse, planQuery+` WHERE p.id = ?`, monthOf(t.now), monthOf(t.now), project)
	if err != nil {
		return nil, err
	}
	if !ok {
		p = nil
	}
	t.purses[project] = p
	if p == nil {
		return nil, nil
	}
	return p, t.expire(ctx, p)
}

func scanPurse(row *sql.Rows) (*purse, error) {
	p, err := scanPlanRow(row)
	return &purse{plan: p.Plan, fills: p.fills, entries: p.entries, spent: map[record.Budget]bool{}}, err
}

// enter adds an entry to the ledger and what it says to the purse.
func (t *till) enter(ctx context.Context, p *purse, e record.Entry) (record.Entry, error) {
	p.entries++
	p.plan.Purse.Balance += e.Amount
	p.plan.Purse.Held += e.Held
	p.changed = true
	e.Project, e.Seq, e.At, e.Balance = p.plan.Project, p.entries, t.now, p.plan.Purse.Balance
	_, err := t.tx.ExecContext(ctx, `INSERT INTO ledger (`+entryColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		e.Project, e.Seq, e.Kind, stampOf(e.At), e.Amount, e.Balance, e.Held, e.Absorbed, e.Bytes, e.Time.Milliseconds(),
		e.Session, e.Allocation, e.Reference, e.Note)
	return e, err
}

// close writes the purses, and tells of budgets that are low or used up.
func (t *till) close(ctx context.Context) error {
	for _, project := range slices.Sorted(maps.Keys(t.purses)) {
		p := t.purses[project]
		if p == nil || !p.changed {
			continue
		}
		w := p.plan.Purse
		if _, err := t.tx.ExecContext(ctx, `INSERT INTO purses (project, balance, held, held_bytes, filled, fills, entries)
			VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (project) DO UPDATE SET balance = excluded.balance, held = excluded.held, held_bytes = excluded.held_bytes,
				filled = excluded.filled, fills = excluded.fills, entries = excluded.entries`,
			project, w.Balance, w.Held, p.plan.HeldBytes, w.Filled, p.fills, p.entries); err != nil {
			return fmt.Errorf("purse of project %s: %w", project, err)
		}
		if err := t.tell(ctx, p); err != nil {
			return fmt.Errorf("budgets of project %s: %w", project, err)
		}
	}
	return nil
}
