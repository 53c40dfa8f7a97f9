package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// database is a pool of connections.
type database struct{ *sql.DB }

// tx is one transaction of a writer.
type tx struct{ *sql.Tx }

// write runs do in a transaction that holds the write lock from its beginning, and commits unless do fails.
func (s *Store) write(ctx context.Context, do func(*tx) error) error {
	begun, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := do(&tx{begun}); err != nil {
		if undo := begun.Rollback(); undo != nil && !errors.Is(undo, sql.ErrTxDone) {
			return errors.Join(err, undo)
		}
		return err
	}
	if err := begun.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}
