package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/sightline-rtc/sightline/protocol"
)

// database is a pool of connections to SQLite or PostgreSQL.
type database struct {
	pool    *sql.DB
	dialect dialect
}

// tx is one transaction of a writer.
type tx struct {
	began   *sql.Tx
	dialect dialect
	// told are the projects that it gives events; nil for none.
	told map[protocol.ProjectID]bool
}

// news notes that a project has a new event once the transaction is committed.
func (t *tx) news(project protocol.ProjectID) {
	if t.told == nil {
		t.told = map[protocol.ProjectID]bool{}
	}
	t.told[project] = true
}

// QueryContext runs a query that gives rows. The caller closes them.
func (d *database) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	query, args, err := d.dialect.translate(query, args)
	if err != nil {
		return nil, err
	}
	return d.pool.QueryContext(ctx, query, args...)
}

// Close closes the connections. Queries that are under way end first.
func (d *database) Close() error { return d.pool.Close() }

// QueryContext runs a query that gives rows. The caller closes them before the next query.
func (t *tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	query, args, err := t.dialect.translate(query, args)
	if err != nil {
		return nil, err
	}
	return t.began.QueryContext(ctx, query, args...)
}

// ExecContext runs a statement that gives no rows.
func (t *tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	query, args, err := t.dialect.translate(query, args)
	if err != nil {
		return nil, err
	}
	return t.began.ExecContext(ctx, query, args...)
}

// write runs do in a transaction and commits unless do fails. Nobody else writes meanwhile, in whatever process: what do
// reads stays true until it has written.
func (s *Store) write(ctx context.Context, do func(*tx) error) error {
	begun, err := s.writer.begin(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := underClaim(ctx, begun, do); err != nil {
		if undo := begun.began.Rollback(); undo != nil && !errors.Is(undo, sql.ErrTxDone) {
			return errors.Join(err, undo)
		}
		return err
	}
	if err := begun.began.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	s.followers.tell(begun.told)
	return nil
}

// begin starts a transaction once no other process writes.
func (d *database) begin(ctx context.Context) (*tx, error) {
	began, err := d.pool.BeginTx(ctx, d.dialect.options())
	if err != nil {
		return nil, err
	}
	if lock := d.dialect.lock(); lock != "" {
		if _, err := began.ExecContext(ctx, lock); err != nil {
			return nil, errors.Join(err, began.Rollback())
		}
	}
	return &tx{began: began, dialect: d.dialect}, nil
}

// change runs one statement in a transaction of its own, as write does, and reports whether it changed a row.
func (s *Store) change(ctx context.Context, query string, args ...any) (changed bool, err error) {
	err = s.write(ctx, func(tx *tx) error {
		changed, err = change(ctx, tx, query, args...)
		return err
	})
	return changed, err
}
