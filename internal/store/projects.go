package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const projectColumns = `id, name, created_ms`

func scanProject(row *sql.Rows) (record.Project, error) {
	var p record.Project
	var created stamp
	err := row.Scan(&p.ID, &p.Name, &created)
	p.Created = created.time()
	return p, err
}

// CreateProject makes a project. An empty name means the identifier. It fails with CodeConflict when there is one of
// that identifier, with CodeInvalid when it cannot be one.
func (s *Store) CreateProject(ctx context.Context, id protocol.ProjectID, name string) (record.Project, error) {
	p := record.Project{ID: id, Name: name, Created: s.now()}
	if p.Name == "" {
		p.Name = string(id)
	}
	if !id.Valid() {
		return record.Project{}, protocol.Errorf(protocol.CodeInvalid, "a project is named with 1 to 64 of a-z, 0-9, - and _")
	}
	if err := checkName("the project's name", p.Name); err != nil {
		return record.Project{}, err
	}
	err := s.write(ctx, func(tx *tx) error {
		made, err := insertProject(ctx, tx, p)
		if err == nil && !made {
			return protocol.Errorf(protocol.CodeConflict, "there is a project %s already", id)
		}
		return err
	})
	if err != nil {
		return record.Project{}, about(err, "create project %s", id)
	}
	return p, nil
}

func insertProject(ctx context.Context, tx *tx, p record.Project) (made bool, err error) {
	return change(ctx, tx, `INSERT INTO projects (`+projectColumns+`) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING`,
		p.ID, p.Name, stampOf(p.Created))
}

// Project returns a project; it fails with CodeNotFound.
func (s *Store) Project(ctx context.Context, id protocol.ProjectID) (record.Project, error) {
	return project(ctx, s.reader, id)
}

func project(ctx context.Context, db queryer, id protocol.ProjectID) (record.Project, error) {
	p, ok, err := one(ctx, db, scanProject, `SELECT `+projectColumns+` FROM projects WHERE id = ?`, id)
	if err == nil && !ok {
		err = notFound("there is no project %q", id)
	}
	return p, about(err, "read project %s", id)
}

// Projects returns all projects, the oldest first.
func (s *Store) Projects(ctx context.Context) ([]record.Project, error) {
	list, err := all(ctx, s.reader, scanProject, `SELECT `+projectColumns+` FROM projects ORDER BY created_ms, id`)
	return list, about(err, "list projects")
}

// Bounds of budgets: a thousand petabytes, 250 years of relayed time (what a duration holds), more sessions than a server has.
const (
	maxBudgetBytes = 1_000_000_000_000_000_000
	maxBudgetTime  = 250 * 8766 * time.Hour
	maxMaxSessions = 1_000_000_000
)

// PlanChange is what becomes of a plan; nil leaves a part as it is.
type PlanChange struct {
	BudgetBytes *uint64
	BudgetTime  *time.Duration
	MaxSessions *int
	Prepaid     *bool
	MaxKbps     *int
	// Path and RelayHD may be empty, RelayDelay not given, MaxRelay 0: the server's count then.
	Path       *protocol.PathPolicy
	RelayDelay *record.Delay
	MaxRelay   *time.Duration
	RelayHD    *record.Answer
}

// budgets reports whether the change is of what may be used up.
func (c PlanChange) budgets() bool {
	return c.BudgetBytes != nil || c.BudgetTime != nil || c.Prepaid != nil
}

// check fails with CodeInvalid for what cannot be.
func (c PlanChange) check() error {
	switch {
	case c.BudgetBytes != nil && *c.BudgetBytes > maxBudgetBytes:
		return protocol.Errorf(protocol.CodeInvalid, "a budget is 0 to %d bytes", uint64(maxBudgetBytes))
	case c.BudgetTime != nil && (*c.BudgetTime < 0 || *c.BudgetTime > maxBudgetTime):
		return protocol.Errorf(protocol.CodeInvalid, "a budget is 0 to %d minutes", int(maxBudgetTime.Minutes()))
	case c.MaxSessions != nil && (*c.MaxSessions < 0 || *c.MaxSessions > maxMaxSessions):
		return protocol.Errorf(protocol.CodeInvalid, "0 to %d sessions can be open at once", maxMaxSessions)
	}
	return c.terms().Check()
}

// terms are those that the change has; what it leaves as it is, they leave open.
func (c PlanChange) terms() (t record.Terms) {
	if c.MaxKbps != nil {
		t.MaxKbps = *c.MaxKbps
	}
	if c.Path != nil {
		t.Path = *c.Path
	}
	if c.RelayDelay != nil {
		t.RelayDelay = *c.RelayDelay
	}
	if c.MaxRelay != nil {
		t.MaxRelay = *c.MaxRelay
	}
	if c.RelayHD != nil {
		t.RelayHD = *c.RelayHD
	}
	return t
}

// SetPlan changes how a project's sessions may go and what they may use of the relay, from now on and in every month. It fails
// with CodeNotFound, and with CodeInvalid for terms that cannot be.
func (s *Store) SetPlan(ctx context.Context, id protocol.ProjectID, c PlanChange) error {
	if err := c.check(); err != nil {
		return err
	}
	err := s.write(ctx, func(tx *tx) error { return s.setPlan(ctx, tx, id, c) })
	return about(err, "set plan of project %s", id)
}

func (s *Store) setPlan(ctx context.Context, tx *tx, id protocol.ProjectID, c PlanChange) error {
	plain := c.terms().Plain()
	var maxRelayS, budgetMS *int64
	if c.MaxRelay != nil {
		maxRelayS = &plain.MaxRelayS
	}
	if c.BudgetTime != nil {
		ms := c.BudgetTime.Milliseconds()
		budgetMS = &ms
	}
	set, err := change(ctx, tx, `UPDATE projects SET relay_budget_bytes = COALESCE(?, relay_budget_bytes),
		relay_budget_ms = COALESCE(?, relay_budget_ms), max_sessions = COALESCE(?, max_sessions), prepaid = COALESCE(?, prepaid),
		relay_max_kbps = COALESCE(?, relay_max_kbps), path = COALESCE(?, path), max_relay_s = COALESCE(?, max_relay_s),
		relay_hd = COALESCE(?, relay_hd),
		relay_delay_ms = CASE WHEN ? THEN ? ELSE relay_delay_ms END WHERE id = ?`,
		c.BudgetBytes, budgetMS, c.MaxSessions, c.Prepaid, c.MaxKbps, c.Path, maxRelayS, c.RelayHD,
		c.RelayDelay != nil, plain.RelayDelayMS, id)
	if err == nil && !set {
		err = notFound("there is no project %q", id)
	}
	if err != nil || !c.budgets() {
		return err
	}
	return s.rebudget(ctx, tx, id)
}

// ProjectPage returns a page of all projects, the newest first, and the cursor to the next page, empty at the end.
func (s *Store) ProjectPage(ctx context.Context, cursor string, limit int) ([]record.Project, string, error) {
	after, err := parseCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	size := pageSize(limit)
	list, err := all(ctx, s.reader, scanProject, `SELECT `+projectColumns+` FROM projects
		WHERE (created_ms, id) < (?, ?) ORDER BY created_ms DESC, id DESC LIMIT ?`, after.created, after.id, size)
	if err != nil {
		return nil, "", about(err, "list projects")
	}
	list, next := cut(list, size, func(p record.Project) (time.Time, string) { return p.Created, string(p.ID) })
	return list, next, nil
}

// ChangeProject changes a project's name and terms. It fails with CodeNotFound, and with CodeInvalid for what cannot be.
func (s *Store) ChangeProject(ctx context.Context, id protocol.ProjectID, c record.ProjectChange) error {
	plan := PlanChange{MaxKbps: c.MaxKbps}
	if c.Path != nil {
		plan.Path, plan.RelayDelay, plan.MaxRelay, plan.RelayHD = &c.Path.Path, &c.Path.RelayDelay, &c.Path.MaxRelay, &c.Path.RelayHD
	}
	if c.Name != nil {
		if *c.Name == "" {
			return protocol.Errorf(protocol.CodeInvalid, "a project has a name")
		}
		if err := checkName("the project's name", *c.Name); err != nil {
			return err
		}
	}
	if err := plan.check(); err != nil {
		return err
	}
	err := s.write(ctx, func(tx *tx) error {
		if c.Name != nil {
			if _, err := tx.ExecContext(ctx, `UPDATE projects SET name = ? WHERE id = ?`, *c.Name, id); err != nil {
				return err
			}
		}
		return s.setPlan(ctx, tx, id, plan)
	})
	return about(err, "change project %s", id)
}
