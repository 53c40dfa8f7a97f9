package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
)

// database is a pool of connections to SQLite or PostgreSQL.
type database struct {
	pool    *sql.DB
	dialect dialect
	known   statements
}

// QueryContext runs a query that gives rows. The caller closes them.
func (d *database) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	query, args, err := d.dialect.translate(query, args)
	if err != nil {
		return nil, err
	}
	if d.dialect == onPostgres {
		return d.pool.QueryContext(ctx, query, args...)
	}
	known := d.known.get(query)
	if known == nil {
		if err := d.known.compile(ctx, d.pool); err != nil {
			return nil, err
		}
		if known = d.known.get(query); known == nil {
			return d.pool.QueryContext(ctx, query, args...)
		}
	}
	return known.QueryContext(ctx, args...)
}

// Close closes the connections. Queries that are under way end first.
func (d *database) Close() error { return errors.Join(d.known.close(), d.pool.Close()) }

// tx is a transaction as one writer sees it. Others may have written in it before, and may after.
type tx struct {
	*database
	began *sql.Tx
	// life ends when the transaction has taken too long. Statements have it, and not the context of who asked for them: to
	// cut one off would undo the writes of others as well.
	life   context.Context
	events eventRows
}

// QueryContext runs a query that gives rows. The caller closes them before the next query.
func (t *tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	query, args, err := t.dialect.translate(query, args)
	if err != nil || ctx.Err() != nil {
		return nil, cmp.Or(err, ctx.Err())
	}
	if known := t.compiled(query); known != nil { //nolint:contextcheck // see life
		return known.QueryContext(t.life, args...)
	}
	return t.began.QueryContext(t.life, query, args...) //nolint:contextcheck // see life
}

// ExecContext runs a statement that gives no rows.
func (t *tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	query, args, err := t.dialect.translate(query, args)
	if err != nil || ctx.Err() != nil {
		return nil, cmp.Or(err, ctx.Err())
	}
	if known := t.compiled(query); known != nil { //nolint:contextcheck // see life
		return known.ExecContext(t.life, args...)
	}
	return t.began.ExecContext(t.life, query, args...) //nolint:contextcheck // see life
}

// compiled returns the statement of the transaction; nil if it is not known yet: the transaction has the connection, and what
// is wanted is compiled after it.
func (t *tx) compiled(query string) *sql.Stmt {
	if t.dialect == onPostgres {
		return nil
	}
	known := t.known.get(query)
	if known == nil {
		return nil
	}
	return t.began.StmtContext(t.life, known)
}

// change runs one statement as a write and reports whether it changed a row.
func (s *Store) change(ctx context.Context, query string, args ...any) (changed bool, err error) {
	err = s.write(ctx, func(tx *tx) error {
		changed, err = change(ctx, tx, query, args...)
		return err
	})
	return changed, err
}
