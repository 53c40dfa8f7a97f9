package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/sightline-rtc/sightline/protocol"
)

// database is a pool of connections.
type database struct{ *sql.DB }

// tx is one transaction of a writer.
type tx struct {
	*sql.Tx
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

// write runs do in a transaction that holds the write lock from its beginning, and commits unless do fails.
func (s *Store) write(ctx context.Context, do func(*tx) error) error {
	begun, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	t := &tx{Tx: begun}
	if err := do(t); err != nil {
		if undo := begun.Rollback(); undo != nil && !errors.Is(undo, sql.ErrTxDone) {
			return errors.Join(err, undo)
		}
		return err
	}
	if err := begun.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	s.followers.tell(t.told)
	return nil
}
