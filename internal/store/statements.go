package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// maxStatements bounds those that a pool keeps, each of some kilobytes. The package has fewer queries, but for those with lists in
// them.
const maxStatements = 256

// statements are what SQLite has compiled already: to compile a statement takes as long as to run it. pgx keeps
// PostgreSQL's itself.
type statements struct {
	// mu guards what follows.
	mu     sync.Mutex
	known  map[string]*sql.Stmt
	wanted map[string]bool
}

// get returns a statement; nil if it is not known, and is wanted from then on.
func (s *statements) get(query string) *sql.Stmt {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.known[query]
	if known == nil && len(s.known)+len(s.wanted) < maxStatements {
		if s.wanted == nil {
			s.wanted = map[string]bool{}
		}
		s.wanted[query] = true
	}
	return known
}

// compile compiles what is wanted. The pool needs a connection for it.
func (s *statements) compile(ctx context.Context, pool *sql.DB) error {
	s.mu.Lock()
	wanted := s.wanted
	s.wanted = nil
	s.mu.Unlock()
	for query := range wanted {
		compiled, err := pool.PrepareContext(ctx, query)
		if err != nil {
			return err
		}
		s.keep(query, compiled)
	}
	return nil
}

func (s *statements) keep(query string, compiled *sql.Stmt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string]*sql.Stmt{}
	}
	if s.known[query] != nil { // somebody else was as fast
		_ = compiled.Close() // it was never run
		return
	}
	s.known[query] = compiled
}

func (s *statements) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, compiled := range s.known {
		errs = append(errs, compiled.Close())
	}
	s.known = nil
	return errors.Join(errs...)
}
