package api

import (
	"context"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// ChangeBudgets has one plan for all projects.
func (w *world) ChangeBudgets(_ context.Context, id protocol.ProjectID, change func(record.Plan) (record.BudgetChange, error)) (record.Plan, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	plan := w.plan
	plan.Project = id
	c, err := change(plan)
	if err != nil {
		return plan, err
	}
	if c.Bytes != nil {
		plan.BudgetBytes = *c.Bytes
	}
	if c.Time != nil {
		plan.BudgetTime = *c.Time
	}
	if c.Sessions != nil {
		plan.MaxSessions = *c.Sessions
	}
	if c.Prepaid != nil {
		plan.Purse.Prepaid = *c.Prepaid
	}
	w.plan = plan
	return plan, nil
}

// AddPoints keeps entries of all projects in one list.
func (w *world) AddPoints(_ context.Context, id protocol.ProjectID, amount record.Points, reference, note string) (record.Entry, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if amount == 0 {
		return record.Entry{}, protocol.Errorf(protocol.CodeInvalid, "none")
	}
	w.plan.Purse.Prepaid = true
	w.plan.Purse.Balance += amount
	e := record.Entry{
		Project: id, Seq: uint64(len(w.entries) + 1), Kind: record.EntryGrant, At: testTime, Amount: amount, Balance: w.plan.Purse.Balance,
		Reference: reference, Note: note,
	}
	w.entries = append(w.entries, e)
	return e, nil
}

func (w *world) Entries(_ context.Context, id protocol.ProjectID, f record.EntryFilter, _ string, _ int) (list []record.Entry, next string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.entries {
		if e.Project == id && (f.Kind == "" || f.Kind == e.Kind) && (f.Session == "" || f.Session == e.Session) {
			list = append(list, e)
		}
	}
	return list, "", nil
}
