package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const (
	// EventLife is how long events are kept.
	EventLife = 30 * 24 * time.Hour
	// MaxEvents bounds those of a project; the oldest go. It is some 300 MB.
	MaxEvents = 1_000_000
	// MaxEventPage bounds what one call of Events returns.
	MaxEventPage = 1000
	// prunedAtOnce is how many one transaction deletes, so that others need not wait: some 30 ms.
	prunedAtOnce = 10_000
)

// insertEvent writes an event in the transaction of what it tells: at its end, with the next number of its project. Until then
// the transaction itself does not see it.
func insertEvent(_ context.Context, tx *tx, e record.Event) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	// One event that PostgreSQL refuses would undo what all others in the transaction have written.
	for _, text := range []string{string(e.Device), string(e.Session), string(e.Data)} {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return fmt.Errorf("an event of kind %s has what is no text", e.Kind)
		}
	}
	e.ID = id.String()
	tx.events.add(e)
	return nil
}

// insertEventOf is insertEvent with the event's data.
func insertEventOf(ctx context.Context, tx *tx, e record.Event, data any) (err error) {
	if e.Data, err = json.Marshal(data); err != nil {
		return err
	}
	return insertEvent(ctx, tx, e)
}

// EventSpan returns which of a project's events are kept. It fails with CodeNotFound.
func (s *Store) EventSpan(ctx context.Context, in protocol.ProjectID) (record.EventSpan, error) {
	span, ok, err := one(ctx, s.reader, func(row *sql.Rows) (span record.EventSpan, err error) {
		err = row.Scan(&span.First, &span.Last)
		return span, err
	}, `SELECT COALESCE((SELECT MIN(seq) FROM events WHERE project = projects.id), events + 1), events FROM projects WHERE id = ?`, in)
	if err == nil && !ok {
		err = notFound("there is no project %q", in)
	}
	return span, about(err, "read span of events")
}

// Events returns a project's events in the order of their numbers; a limit of 0, or over MaxEventPage, means as many.
func (s *Store) Events(ctx context.Context, in protocol.ProjectID, f record.EventFilter, limit int) ([]record.Event, error) {
	if limit <= 0 || limit > MaxEventPage {
		limit = MaxEventPage
	}
	where, args := `project = ? AND seq > ?`, []any{in, f.After}
	if len(f.Kinds) > 0 {
		where += ` AND kind IN (?` + strings.Repeat(`, ?`, len(f.Kinds)-1) + `)`
		for _, kind := range f.Kinds {
			args = append(args, kind)
		}
	}
	list, err := all(ctx, s.reader, scanEvent, `SELECT `+eventColumns+` FROM events
		WHERE `+where+` ORDER BY seq LIMIT ?`, append(args, limit)...)
	return list, about(err, "list events")
}

func scanEvent(row *sql.Rows) (record.Event, error) {
	var e record.Event
	var at stamp
	var data string
	err := row.Scan(&e.Project, &e.Seq, &e.ID, &e.Kind, &at, &e.Device, &e.Session, &data)
	e.At, e.Data = at.time(), []byte(data)
	return e, err
}

// pruneEvents deletes those that are too old, or too many, of projects that have had more than some: always the first ones,
// so that what is kept has no gaps.
func (s *Store) pruneEvents(ctx context.Context, now time.Time, some uint64) error {
	counts, err := all(ctx, s.reader, scanEventCount, `SELECT id, events FROM projects WHERE events > ?`, some)
	if err != nil {
		return err
	}
	for _, c := range counts {
		first, err := s.firstToKeep(ctx, c, now)
		if err != nil {
			return err
		}
		for {
			kept, err := s.EventSpan(ctx, c.project)
			if err != nil {
				return err
			}
			if kept.First >= first {
				break
			}
			err = s.write(ctx, func(tx *tx) error {
				_, err := tx.ExecContext(ctx, `DELETE FROM events WHERE project = ? AND seq < ?`, c.project, min(first, kept.First+prunedAtOnce))
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// firstToKeep is the number of the first event of a project that is neither too old nor one too many.
func (s *Store) firstToKeep(ctx context.Context, c eventCount, now time.Time) (uint64, error) {
	first, ok, err := one(ctx, s.reader, func(row *sql.Rows) (seq uint64, err error) {
		err = row.Scan(&seq)
		return seq, err
	}, `SELECT seq FROM events WHERE project = ? AND at_ms >= ? ORDER BY seq LIMIT 1`, c.project, stampOf(now.Add(-EventLife)))
	if !ok {
		first = c.events + 1
	}
	if c.events > MaxEvents {
		first = max(first, c.events-MaxEvents+1)
	}
	return first, err
}
