package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

const (
	databaseFile = "sightline.db"
	lockFile     = "sightline.lock"

	// readers is how many queries run at once. Queries take well under a millisecond, so a few are enough.
	readers = 4

	// lockPoll is how often a process that waits for another's migrations looks again.
	lockPoll = 20 * time.Millisecond
)

// writerPragmas are those of the connection that writes. WAL lets readers go on meanwhile. With it, synchronous NORMAL loses the
// last commits at worst when the machine (not the process) dies, and never consistency; FULL loses none. 5 s is far beyond any
// transaction here, of whatever process. 32 MiB hold the pages that 7,000 events a second need again, and the log is
// copied, for which the disk is waited, after 32 MB (8,000 pages) rather than 4.
func writerPragmas(durable bool) url.Values {
	synchronous := "synchronous(NORMAL)"
	if durable {
		synchronous = "synchronous(FULL)"
	}
	return url.Values{
		"_pragma": {
			"busy_timeout(5000)", "journal_mode(WAL)", synchronous, "foreign_keys(1)", "cache_size(-32768)", "wal_autocheckpoint(8000)",
		},
		"_txlock": {"immediate"},
	}
}

var readerPragmas = url.Values{"_pragma": {"busy_timeout(5000)", "foreign_keys(1)", "query_only(1)"}}

// lockDirectory makes the data directory and waits until no other process is opening it.
func lockDirectory(ctx context.Context, dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, notWritable(dir, err)
	}
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, notWritable(dir, err)
	}
	// A lock of this kind belongs to the open file and goes with it, even when the process is killed.
	unlock = func() { _ = f.Close() }
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return unlock, nil
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			unlock()
			return nil, fmt.Errorf("lock data directory %s: %w", dir, err)
		}
		select {
		case <-ctx.Done():
			unlock()
			return nil, fmt.Errorf("wait for another process to open data directory %s: %w", dir, ctx.Err())
		case <-tick.C:
		}
	}
}

// ensureFile makes the database file before SQLite does, because SQLite gives its other files the same mode.
func ensureFile(dir string) (string, error) {
	path, err := filepath.Abs(filepath.Join(dir, databaseFile))
	if err != nil {
		return "", fmt.Errorf("locate data directory %s: %w", dir, err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", notWritable(dir, err)
	}
	if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
		return "", notWritable(dir, err)
	}
	return path, nil
}

func connect(path string, pragmas url.Values, connections int) (*database, error) {
	name := url.URL{Scheme: "file", Path: path, RawQuery: pragmas.Encode()}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return &database{pool: db, dialect: onSQLite}, nil
}

// notWritable says in one line what a person has to mend.
func notWritable(dir string, err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("cannot write to data directory %s: %w", dir, err)
}
