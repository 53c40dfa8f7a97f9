// Package store keeps projects, keys, devices, enrolments, sessions, events and relay usage: in SQLite, in one file of the
// data directory, or in a PostgreSQL database.
//
// Several processes may have the same store open: what one commits, the others read with their next query. A
// failure that a peer may see is a protocol.Error; everything else is a fault of the machine. What comes out of the
// store equals what went in, with times cut to milliseconds in UTC. The SQL is what both databases speak (see dialect).
package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/record"
)

// Config says how a Store works. The zero value is a good default.
type Config struct {
	// Database is the URL of a PostgreSQL database (postgres://user:password@host/name); empty means SQLite in the
	// directory.
	Database auth.Secret
	// Durable has SQLite wait for the disk at each commit, which then outlives a power cut too. PostgreSQL does as it is set up.
	Durable bool
	// Logger hears of what no caller is told; nil discards it.
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Tariff is what points are counted by; the zero value is record.DefaultTariff.
	Tariff record.Tariff
}

// Store is an open data directory or database. It is safe for concurrent use; whoever opened it closes it.
type Store struct {
	// writer has one connection: writes of this process queue here and not in the database.
	writer *writer
	// reader has several, which see the last commit without waiting for a writer.
	reader    *database
	followers followers
	log       *slog.Logger
	clock     func() time.Time
	uses      keyUses
	tariff    record.Tariff
	// claims counts the new ones of this process.
	claims atomic.Uint64
}

// Open opens the data directory, which it makes if need be, or the database of the Config, and then has no use for the
// directory. It brings the schema up to date and fills in what every installation has: the default project, a signing key
// and a relay secret. Processes that open an empty store at the same time take turns.
func Open(ctx context.Context, dir string, cfg Config) (*Store, error) {
	s := &Store{log: cfg.Logger, clock: cfg.Now, tariff: cmp.Or(cfg.Tariff, record.DefaultTariff)}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.clock == nil {
		s.clock = time.Now
	}
	var err error
	if cfg.Database.Reveal() == "" {
		err = s.openDirectory(ctx, dir, cfg.Durable)
	} else {
		err = s.openServer(ctx, cfg.Database)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) openDirectory(ctx context.Context, dir string, durable bool) error {
	unlock, err := lockDirectory(ctx, dir)
	if err != nil {
		return err
	}
	defer unlock()
	path, err := ensureFile(dir)
	if err != nil {
		return err
	}
	writes, err := connect(path, writerPragmas(durable), 1)
	if err != nil {
		return err
	}
	s.writer = newWriter(writes, s)
	if err := s.prepare(ctx); err != nil {
		return fmt.Errorf("open store %s: %w", path, err)
	}
	s.reader, err = connect(path, readerPragmas, readers)
	return err
}

// prepare makes of whatever the writer has found a store of today. Nobody else opens it meanwhile.
func (s *Store) prepare(ctx context.Context) error {
	if err := migrate(ctx, s.writer.database); err != nil {
		return err
	}
	return s.found(ctx)
}

// Close closes the store. Calls that are under way end first.
func (s *Store) Close() error {
	var errs []error
	if s.reader != nil {
		errs = append(errs, s.reader.Close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.Close())
	}
	return errors.Join(errs...)
}

// tell lets those who follow know of events that were committed.
func (s *Store) tell(r *eventRows) { s.followers.tell(r.projects()) }

// now returns the time as the store keeps it.
func (s *Store) now() time.Time { return s.clock().UTC().Truncate(time.Millisecond) }
