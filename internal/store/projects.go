package store

import (
	"context"
	"database/sql"

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
	err := s.write(ctx, func(tx *sql.Tx) error {
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

func insertProject(ctx context.Context, tx *sql.Tx, p record.Project) (made bool, err error) {
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

// SetPlan changes what a project may use of the relay, from now on and in every month; nil leaves a bound as it is. It
// fails with CodeNotFound.
func (s *Store) SetPlan(ctx context.Context, id protocol.ProjectID, budgetBytes *uint64, maxKbps *int) error {
	set, err := change(ctx, s.writer, `UPDATE projects SET relay_budget_bytes = COALESCE(?, relay_budget_bytes),
		relay_max_kbps = COALESCE(?, relay_max_kbps) WHERE id = ?`, budgetBytes, maxKbps, id)
	if err == nil && !set {
		err = notFound("there is no project %q", id)
	}
	return about(err, "set plan of project %s", id)
}
