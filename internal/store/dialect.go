package store

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pressly/goose/v3"

	"github.com/sightline-rtc/sightline/protocol"
)

// dialect is which database's SQL is spoken. The package writes what both understand, with ? for parameters; the rest of
// the differences is here.
type dialect int

const (
	onSQLite dialect = iota
	onPostgres
)

// The advisory locks of one PostgreSQL database that its Sightlines take turns with. The first number is "slne".
const (
	lockOpening   = `SELECT pg_advisory_lock(1936485989, 1)`
	unlockOpening = `SELECT pg_advisory_unlock(1936485989, 1)`
	lockWriting   = `SELECT pg_advisory_xact_lock(1936485989, 2)`
)

// translate brings a query and its arguments into the form of the driver.
func (d dialect) translate(query string, args []any) (string, []any, error) {
	if d == onSQLite {
		return query, args, nil
	}
	plain := make([]any, len(args))
	for i, arg := range args {
		// What the driver of SQLite gets as well. pgx would look for methods of the types first, such as String.
		value, err := driver.DefaultParameterConverter.ConvertValue(arg)
		if err != nil {
			return "", nil, fmt.Errorf("parameter %d: %w", i+1, err)
		}
		if text, is := value.(string); is && (strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text)) {
			// PostgreSQL has no such text, so nothing is of this name either. SQLite takes it.
			return "", nil, protocol.Errorf(protocol.CodeInvalid, "a text is not UTF-8, or has the character U+0000")
		}
		plain[i] = value
	}
	return numbered(query), plain, nil
}

// numbered writes $1, $2 and so on for each ?, except in quotes.
func numbered(query string) string {
	out := make([]byte, 0, len(query)+16)
	quoted, n := false, 0
	for i := range len(query) {
		switch c := query[i]; {
		case c == '?' && !quoted:
			n++
			out = strconv.AppendInt(append(out, '$'), int64(n), 10)
		case c == '\'':
			quoted = !quoted
			fallthrough
		default:
			out = append(out, c)
		}
	}
	return string(out)
}

// options are those of a writer's transaction: on PostgreSQL each statement sees what was committed before it, whatever
// the server's default; on SQLite a transaction locks at its beginning, as the connection is told.
func (d dialect) options() *sql.TxOptions {
	if d == onSQLite {
		return nil
	}
	return &sql.TxOptions{Isolation: sql.LevelReadCommitted}
}

// lock is the statement that waits until nobody else writes, up to the end of the transaction; empty where beginning one
// does that.
func (d dialect) lock() string {
	if d == onSQLite {
		return ""
	}
	return lockWriting
}

func (d dialect) goose() goose.Dialect {
	if d == onSQLite {
		return goose.DialectSQLite3
	}
	return goose.DialectPostgres
}

// schema returns the migrations in the database's words.
func (d dialect) schema() (fs.FS, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil || d == onSQLite {
		return files, err
	}
	return byteaFS{files}, nil
}

// byteaFS reads migrations with PostgreSQL's name for bytes.
type byteaFS struct{ fs.FS }

var blob = regexp.MustCompile(`\bBLOB\b`)

// Open implements fs.FS.
func (f byteaFS) Open(name string) (fs.File, error) {
	if !strings.HasSuffix(name, ".sql") {
		return f.FS.Open(name)
	}
	text, err := fs.ReadFile(f.FS, name)
	if err != nil {
		return nil, err
	}
	info, err := fs.Stat(f.FS, name)
	return &byteaFile{strings.NewReader(blob.ReplaceAllString(string(text), "BYTEA")), info}, err
}

type byteaFile struct {
	*strings.Reader
	info fs.FileInfo
}

// Stat implements fs.File, but for the size.
func (f *byteaFile) Stat() (fs.FileInfo, error) { return f.info, nil }

// Close implements fs.File.
func (f *byteaFile) Close() error { return nil }
