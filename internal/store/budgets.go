package store

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// The levels of a budget that are told of, once in a period.
const (
	levelLow   = "low"
	levelSpent = "spent"
)

// tell writes an event for each budget that has become low or is used up, once in its period.
func (t *till) tell(ctx context.Context, p *purse) error {
	for _, b := range record.Budgets {
		used, of := p.plan.Used(b)
		if of == 0 {
			continue
		}
		spent := used >= of || p.spent[b]
		for _, level := range []struct {
			reached bool
			name    string
			kind    record.EventKind
		}{
			{record.IsLow(used, of) || spent, levelLow, record.EventBudgetWarning},
			{spent, levelSpent, record.EventBudgetExhausted},
		} {
			if !level.reached {
				continue
			}
			period := t.period(p, b)
			first, err := change(ctx, t.tx, `INSERT INTO budget_marks (project, budget, period, level) VALUES (?, ?, ?, ?)
				ON CONFLICT (project, budget, period, level) DO NOTHING`, p.plan.Project, b, period, level.name)
			if err != nil {
				return err
			}
			if !first {
				continue
			}
			if err := t.emit(ctx, p, level.kind, b, period); err != nil {
				return err
			}
		}
	}
	return nil
}

// period names the one that a budget is in: the month, or for points the number of the grant that filled the purse.
func (t *till) period(p *purse, b record.Budget) string {
	if b == record.BudgetPoints {
		return strconv.FormatUint(p.fills, 10)
	}
	return monthOf(t.now)
}

func (t *till) emit(ctx context.Context, p *purse, kind record.EventKind, b record.Budget, period string) error {
	data, err := json.Marshal(record.BudgetEventOf(p.plan, b, period))
	if err != nil {
		return err
	}
	return insertEvent(ctx, t.tx, record.Event{Project: p.plan.Project, Kind: kind, At: t.now, Data: data})
}

// ChangeBudgets has change say what becomes of what a project may use, from now on and in every month. The plan that it is
// given stays as it is until that is written. Its error comes back as it is; else ChangeBudgets fails with CodeNotFound, and
// with CodeInvalid for budgets that cannot be.
func (s *Store) ChangeBudgets(
	ctx context.Context, id protocol.ProjectID, change func(record.Plan) (record.BudgetChange, error),
) (plan record.Plan, err error) {
	err = s.write(ctx, func(tx *tx) error {
		known, err := s.planIn(ctx, tx, id)
		if err != nil {
			return err
		}
		wanted, err := change(known)
		if err != nil {
			return err
		}
		c := PlanChange{BudgetBytes: wanted.Bytes, BudgetTime: wanted.Time, MaxSessions: wanted.Sessions, Prepaid: wanted.Prepaid}
		if err := c.check(); err != nil {
			return err
		}
		if err := s.setPlan(ctx, tx, id, c); err != nil {
			return err
		}
		plan, err = s.planIn(ctx, tx, id)
		return err
	})
	return plan, about(err, "change budgets of project %s", id)
}

// rebudget is for a project whose budgets are others from now on: they are told of again.
func (s *Store) rebudget(ctx context.Context, tx *tx, id protocol.ProjectID) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM budget_marks WHERE project = ?`, id); err != nil {
		return err
	}
	t := s.openTill(tx)
	p, err := t.of(ctx, id)
	if err != nil {
		return err
	}
	p.changed = true
	return t.close(ctx)
}
