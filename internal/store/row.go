package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sightline-rtc/sightline/protocol"
)

// queryer is a *database or a *tx.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// scan reads one row into its record.
type scan[T any] func(row *sql.Rows) (T, error)

// all returns every row of a query.
func all[T any](ctx context.Context, db queryer, read scan[T], query string, args ...any) (list []T, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		row, err := read(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	return list, rows.Err()
}

// one returns the only row of a query; ok is false when there is none.
func one[T any](ctx context.Context, db queryer, read scan[T], query string, args ...any) (row T, ok bool, err error) {
	list, err := all(ctx, db, read, query, args...)
	if err != nil || len(list) == 0 {
		return row, false, err
	}
	return list[0], true, nil
}

// change runs a statement and reports whether it changed a row.
func change(ctx context.Context, tx *tx, query string, args ...any) (bool, error) {
	result, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// stamp is a time as a column keeps it: milliseconds since 1970, 0 for the zero time.
type stamp int64

func stampOf(t time.Time) stamp {
	if t.IsZero() {
		return 0
	}
	return stamp(t.UnixMilli())
}

func (s stamp) time() time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(s)).UTC()
}

// join writes words without spaces, such as scopes and rights, as a column keeps them; split reads them.
func join[T ~string](words []T) string {
	texts := make([]string, len(words))
	for i, word := range words {
		texts[i] = string(word)
	}
	return strings.Join(texts, " ")
}

func split[T ~string](text string) (words []T) {
	for _, word := range strings.Fields(text) {
		words = append(words, T(word))
	}
	return words
}

// checkName refuses names that cannot be shown on a line.
func checkName(what, name string) error {
	if len(name) > protocol.MaxNameBytes {
		return protocol.Errorf(protocol.CodeInvalid, "%s is over %d bytes", what, protocol.MaxNameBytes)
	}
	if !utf8.ValidString(name) {
		return protocol.Errorf(protocol.CodeInvalid, "%s is not UTF-8", what)
	}
	for _, r := range name {
		if unicode.IsControl(r) {
			return protocol.Errorf(protocol.CodeInvalid, "%s has control characters", what)
		}
	}
	return nil
}

func notFound(format string, args ...any) error {
	return protocol.Errorf(protocol.CodeNotFound, format, args...)
}

// about says what was being done when an error came, unless a peer is to read it.
func about(err error, format string, args ...any) error {
	if err == nil || errors.As(err, new(*protocol.Error)) {
		return err
	}
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), err)
}
