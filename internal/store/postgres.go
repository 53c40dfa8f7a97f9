package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/sightline-rtc/sightline/auth"
)

const (
	// oldestPostgres is what is tested with and still known to the world.
	oldestPostgres = 13
	// postgresReaders is how many queries run at once, each on a connection: PostgreSQL allows 100 in all by default.
	postgresReaders = 8
	// connectTimeout bounds how long a server may take to accept a connection, unless the URL says it (connect_timeout).
	connectTimeout = 10 * time.Second
)

// sessionSettings are those of each connection, unless the URL has others.
var sessionSettings = map[string]string{
	"application_name": "sightline",
	// What a process has left behind whose machine is gone ends within a minute: its connection, and with that the locks of its
	// transaction.
	"idle_in_transaction_session_timeout": "60s",
	"tcp_keepalives_idle":                 "30",
	"tcp_keepalives_interval":             "10",
	"tcp_keepalives_count":                "3",
	// The plan of a statement is made when it is first run, of a new database's tables with a few rows, and kept for minutes while
	// they become large: it has to keep to indexes from the beginning. To compile it takes longer than to run it.
	"enable_seqscan": "off",
	"jit":            "off",
}

// server is a PostgreSQL database, as its URL names it.
type server struct {
	config *pgx.ConnConfig
	hidden []string
}

// parseDatabase reads a URL, or the words of libpq. Its errors tell nothing of a password.
func parseDatabase(name auth.Secret) (*server, error) {
	text := name.Reveal()
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, errors.New("the database is no URL such as postgres://user@host/name")
	}
	s := &server{}
	if password, ok := u.User.Password(); ok {
		s.hidden = append(s.hidden, password, url.QueryEscape(password), url.PathEscape(password))
	}
	s.hidden = append(s.hidden, u.Query()["password"]...)
	if s.config, err = pgx.ParseConfig(text); err != nil {
		return nil, fmt.Errorf("the database's URL cannot be used: %s", s.tell(err))
	}
	if s.config.ConnectTimeout == 0 {
		s.config.ConnectTimeout = connectTimeout
	}
	settings := maps.Clone(sessionSettings)
	maps.Copy(settings, s.config.RuntimeParams)
	s.config.RuntimeParams = settings
	return s, nil
}

// String names the server and the database, for people.
func (s *server) String() string {
	at := s.config.Host
	if !strings.HasPrefix(at, "/") {
		at = net.JoinHostPort(at, strconv.Itoa(int(s.config.Port)))
	}
	return s.config.Database + " at " + at
}

func (s *server) connect(connections int) *database {
	pool := stdlib.OpenDB(*s.config)
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	return &database{pool: pool, dialect: onPostgres}
}

// openServer opens a PostgreSQL database. Processes that open an empty one at the same time take turns.
func (s *Store) openServer(ctx context.Context, name auth.Secret) (err error) {
	to, err := parseDatabase(name)
	if err != nil {
		return err
	}
	s.writer, s.reader = newWriter(to.connect(1), s), to.connect(postgresReaders)
	opening, err := s.reader.pool.Conn(ctx)
	if err != nil {
		return to.explain(err)
	}
	defer func() { err = errors.Join(err, opening.Close()) }() // the lock goes with the connection where this fails
	var version int
	var encoding string
	err = opening.QueryRowContext(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_encoding')`).
		Scan(&version, &encoding)
	switch {
	case err != nil:
		return to.explain(err)
	case version < oldestPostgres*10_000:
		return fmt.Errorf("database %s is PostgreSQL %d: %d is the oldest that will do", to, version/10_000, oldestPostgres)
	case encoding != "UTF8":
		return fmt.Errorf("database %s keeps text as %s: make it with ENCODING 'UTF8'", to, encoding)
	}
	if _, err := opening.ExecContext(ctx, lockOpening); err != nil {
		return to.explain(err)
	}
	if err := s.prepare(ctx); err != nil {
		return to.explain(err)
	}
	_, err = opening.ExecContext(ctx, unlockOpening)
	return to.explain(err)
}

// explain says in one line what a person has to mend.
func (s *server) explain(err error) error {
	if err == nil {
		return nil
	}
	var told *pgconn.PgError
	if errors.As(err, &told) {
		switch told.Code {
		case "28P01", "28000":
			return fmt.Errorf("database %s refuses user %s: %s", s, s.config.User, told.Message)
		case "3D000":
			return fmt.Errorf("database %s does not exist", s)
		case "42501":
			return fmt.Errorf("database %s lets user %s do too little, make it the database's owner: %s", s, s.config.User, told.Message)
		case "25006":
			return fmt.Errorf("database %s cannot be written, it may be a standby: %s", s, told.Message)
		}
		return fmt.Errorf("database %s: %s", s, s.tell(err))
	}
	if errors.As(err, new(*pgconn.ConnectError)) {
		return fmt.Errorf("cannot reach database %s: %s", s, s.tell(errors.Unwrap(err)))
	}
	return fmt.Errorf("open database %s: %w", s, err)
}

// tell returns an error's words on one line, without the password.
func (s *server) tell(err error) string {
	text := strings.Join(strings.Fields(err.Error()), " ")
	for _, secret := range s.hidden {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "xxxxx")
		}
	}
	return text
}
