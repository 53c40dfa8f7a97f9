package store

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/test/postgres"
)

// refused opens a database that cannot be opened and returns what a person reads. No password is in it.
func refused(t *testing.T, name string) string {
	t.Helper()
	s, err := Open(t.Context(), "", Config{Database: auth.NewSecret(name)})
	if err == nil {
		_ = s.Close()
		t.Fatal("the database was opened")
	}
	if text := err.Error(); strings.Contains(text, "\n") || strings.Contains(text, "sesame") {
		t.Errorf("got %q, want one line without the password", text)
	}
	return err.Error()
}

func TestADatabaseThatCannotBeUsedIsOneClearError(t *testing.T) {
	at, server := newDatabase(t, ""), running(t)
	_, name, _ := strings.Cut(at.database, "@/")
	name, _, _ = strings.Cut(name, "?")
	administer(t, `CREATE ROLE `+postgres.Guarded+` LOGIN PASSWORD 'sesame'`)
	t.Cleanup(func() { administer(t, `DROP ROLE `+postgres.Guarded) })
	administer(t, `CREATE ROLE visitor LOGIN`)
	t.Cleanup(func() { administer(t, `DROP ROLE visitor`) })
	administer(t, `CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0`)
	t.Cleanup(func() { administer(t, `DROP DATABASE latin`) })
	administer(t, `CREATE DATABASE standby`)
	t.Cleanup(func() { administer(t, `DROP DATABASE standby`) })
	administer(t, `ALTER DATABASE standby SET default_transaction_read_only = on`)

	guarded := server.URL(postgres.Guarded, name)
	for _, test := range []struct{ name, url, want string }{
		{"nobody listens", closedPort(t), "cannot reach database shop at 127.0.0.1:"},
		{"no such host", "postgres://me:sesame@nowhere.invalid/shop", "cannot reach database shop at nowhere.invalid:5432: "},
		{"no such database", server.URL(postgres.Superuser, "shop"), "database shop at " + "/"},
		{"wrong password", strings.Replace(guarded, "guarded@", "guarded:sesame-street@", 1), "refuses user guarded: password authentication failed"},
		{"password in the query", guarded + "&password=sesame-street", "refuses user guarded: password authentication failed"},
		{"no rights", server.URL("visitor", name), "lets user visitor do too little, make it the database's owner: permission denied for schema public"},
		{"another encoding", server.URL(postgres.Superuser, "latin"), "keeps text as LATIN1: make it with ENCODING 'UTF8'"},
		{"read only", server.URL(postgres.Superuser, "standby"), "cannot be written, it may be a standby"},
		{"no URL", "host=localhost password=sesame", "the database is no URL such as postgres://user@host/name"},
		{"another database's", "mysql://me:sesame@localhost/shop", "the database is no URL such as postgres://user@host/name"},
		{"a bad setting", "postgres://me:sesame@localhost/shop?sslmode=sesame", "the database's URL cannot be used: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := refused(t, test.url); !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// closedPort is the URL of a server that is not there.
func closedPort(t *testing.T) string {
	t.Helper()
	l := must((&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0"))(t)
	defer l.Close()
	return "postgres://me:sesame@" + l.Addr().String() + "/shop"
}

func TestOpenWaitsForAnotherProcessAndGivesUpWithItsContext(t *testing.T) {
	at := onServer(t)
	to := must(parseDatabase(auth.NewSecret(at.database)))(t).connect(1)
	defer to.Close()
	if _, err := to.pool.ExecContext(t.Context(), lockOpening); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*lockPoll)
	defer cancel()
	if _, err := at.open(ctx, Config{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, at, newClock())
}

func TestParametersAreNumberedOutsideOfQuotes(t *testing.T) {
	for query, want := range map[string]string{
		``:                                    ``,
		`SELECT 1`:                            `SELECT 1`,
		`SELECT a FROM t WHERE b = ?`:         `SELECT a FROM t WHERE b = $1`,
		`(?, '?', '''?', ?) OR x = '' OR y=?`: `($1, '?', '''?', $2) OR x = '' OR y=$3`,
	} {
		if got := numbered(query); got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
}
