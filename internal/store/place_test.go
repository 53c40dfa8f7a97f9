package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/test/postgres"
)

// A test of the store is run against both databases:
//
//	func TestKeysAreMade(t *testing.T) {
//		eachStore(t, func(t *testing.T, at place) {
//			s, c := newStore(t, at) // or open(t, at, c), several times for several processes
//			…
//		})
//	}

// place is where a test keeps its store: a data directory or, if it is named, a database.
type place struct{ dir, database string }

// open opens the store, as another process would once more.
func (p place) open(ctx context.Context, cfg Config) (*Store, error) {
	cfg.Database = auth.NewSecret(p.database)
	return Open(ctx, p.dir, cfg)
}

// eachStore runs a test with SQLite, and with PostgreSQL where that is installed.
func eachStore(t *testing.T, test func(t *testing.T, at place)) {
	t.Run("sqlite", func(t *testing.T) { test(t, inDirectory(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, onServer(t)) })
}

// inDirectory is a place of the test's own for SQLite.
func inDirectory(t *testing.T) place { return place{dir: t.TempDir()} }

// onServer is a PostgreSQL database of the test's own: a copy of one that was opened once.
func onServer(t *testing.T) place { return newDatabase(t, ` TEMPLATE `+opened(t)) }

// newDatabase makes an empty one, or as the words say.
func newDatabase(t *testing.T, words string) place {
	t.Helper()
	server := running(t)
	name := fmt.Sprintf("test_%d", databases.Add(1))
	administer(t, `CREATE DATABASE `+name+words)
	t.Cleanup(func() { administer(t, `DROP DATABASE `+name+` WITH (FORCE)`) })
	return place{database: server.URL(postgres.Superuser, name)}
}

// opened is the name of a database with the schema of today.
func opened(t *testing.T) string {
	t.Helper()
	server := running(t)
	const name = "opened"
	openOnce.Do(func() {
		administer(t, `CREATE DATABASE `+name)
		s, err := place{database: server.URL(postgres.Superuser, name)}.open(t.Context(), Config{Now: newClock().now})
		if err == nil {
			err = s.Close()
		}
		if err != nil {
			t.Error(err)
		}
	})
	return name
}

// running is the PostgreSQL of this test binary.
func running(t *testing.T) *postgres.Server {
	t.Helper()
	server, err := privateServer()
	if errors.Is(err, postgres.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// privateServer starts it. TestMain closes it; were it not to come to that, the server goes all the
// same.
var privateServer = sync.OnceValues(func() (*postgres.Server, error) {
	serverStarted.Store(true)
	return postgres.Start(context.Background(), false)
})

var (
	serverStarted atomic.Bool
	databases     atomic.Int64
	openOnce      sync.Once
)

func closeServer() {
	if !serverStarted.Load() {
		return
	}
	if server, err := privateServer(); err == nil {
		if err := server.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
}

// administer runs a statement as the server's administrator.
func administer(t *testing.T, statement string) {
	t.Helper()
	to, err := parseDatabase(auth.NewSecret(running(t).URL(postgres.Superuser, postgres.Superuser)))
	if err != nil {
		t.Fatal(err)
	}
	db := to.connect(1)
	defer db.Close()
	if _, err := db.pool.ExecContext(context.WithoutCancel(t.Context()), statement); err != nil {
		t.Fatalf("%s: %v", strings.Fields(statement), err)
	}
}
