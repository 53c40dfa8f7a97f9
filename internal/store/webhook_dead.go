package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// DeadLetters returns a page of the events that an endpoint's deliveries were given up of, the oldest first, and the cursor
// to the next page, empty at the end. What is no longer in the history is left out. It fails with CodeNotFound.
func (s *Store) DeadLetters(ctx context.Context, in protocol.ProjectID, id, cursor string, limit int) ([]record.Event, string, error) {
	after := uint64(0)
	if cursor != "" {
		var err error
		if after, err = strconv.ParseUint(cursor, 10, 63); err != nil {
			return nil, "", protocol.Errorf(protocol.CodeInvalid, "this cursor came from no list")
		}
	}
	w, err := webhook(ctx, s.reader, in, id)
	if err != nil {
		return nil, "", about(err, "read webhook %s", id)
	}
	ranges, err := all(ctx, s.reader, scanRange, `SELECT first_seq, last_seq FROM webhook_dead WHERE webhook = ? AND last_seq > ? ORDER BY first_seq`, id, after)
	if err != nil {
		return nil, "", about(err, "list dead letters of webhook %s", id)
	}
	size := pageSize(limit)
	var list []record.Event
	for _, r := range ranges {
		events, err := s.eventsWithin(ctx, &w, record.SeqRange{First: max(r.First, after+1), Last: r.Last}, size-len(list))
		if err != nil {
			return nil, "", about(err, "list dead letters of webhook %s", id)
		}
		if list = append(list, events...); len(list) == size {
			list = list[:size-1]
			return list, strconv.FormatUint(list[size-2].Seq, 10), nil
		}
	}
	return list, "", nil
}

// eventsWithin returns those events of a range that a webhook wants.
func (s *Store) eventsWithin(ctx context.Context, w *record.Webhook, r record.SeqRange, limit int) ([]record.Event, error) {
	where, args := `project = ? AND seq BETWEEN ? AND ?`, []any{w.Project, r.First, r.Last}
	if len(w.Kinds) > 0 {
		where += ` AND kind IN (?` + strings.Repeat(`, ?`, len(w.Kinds)-1) + `)`
		for _, kind := range w.Kinds {
			args = append(args, kind)
		}
	}
	return all(ctx, s.reader, scanEvent, `SELECT project, seq, id, kind, at_ms, device, session, data FROM events
		WHERE `+where+` ORDER BY seq LIMIT ?`, append(args, limit)...)
}

func scanRange(row *sql.Rows) (r record.SeqRange, err error) {
	err = row.Scan(&r.First, &r.Last)
	return r, err
}

// addDead makes dead letters of a range. Ranges that touch become one.
func addDead(ctx context.Context, tx *tx, webhook string, r record.SeqRange) error {
	touching, err := takeDead(ctx, tx, webhook, record.SeqRange{First: max(r.First, 1) - 1, Last: r.Last + 1})
	if err != nil {
		return err
	}
	for _, t := range touching {
		r.First, r.Last = min(r.First, t.First), max(r.Last, t.Last)
	}
	return insertDead(ctx, tx, webhook, r)
}

func insertDead(ctx context.Context, tx *tx, webhook string, r record.SeqRange) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO webhook_dead (webhook, first_seq, last_seq) VALUES (?, ?, ?)`, webhook, r.First, r.Last)
	return err
}

// takeDead takes out the ranges of dead letters that have any of a range, as a whole.
func takeDead(ctx context.Context, tx *tx, webhook string, r record.SeqRange) ([]record.SeqRange, error) {
	taken, err := all(ctx, tx, scanRange, `DELETE FROM webhook_dead WHERE webhook = ? AND first_seq <= ? AND last_seq >= ?
		RETURNING first_seq, last_seq`, webhook, r.Last, r.First)
	slices.SortFunc(taken, func(a, b record.SeqRange) int { return cmp.Compare(a.First, b.First) })
	return taken, err
}

// cutDead takes a range out of the dead letters and returns what of it was there.
func cutDead(ctx context.Context, tx *tx, webhook string, r record.SeqRange) (within []record.SeqRange, err error) {
	taken, err := takeDead(ctx, tx, webhook, r)
	if err != nil {
		return nil, err
	}
	for _, t := range taken {
		within = append(within, record.SeqRange{First: max(t.First, r.First), Last: min(t.Last, r.Last)})
		if t.First < r.First {
			if err := insertDead(ctx, tx, webhook, record.SeqRange{First: t.First, Last: r.First - 1}); err != nil {
				return nil, err
			}
		}
		if t.Last > r.Last {
			if err := insertDead(ctx, tx, webhook, record.SeqRange{First: r.Last + 1, Last: t.Last}); err != nil {
				return nil, err
			}
		}
	}
	return within, nil
}

// pruneDead deletes the dead letters that are no longer in the history.
func pruneDead(ctx context.Context, tx *tx) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM webhook_dead WHERE last_seq < (SELECT min(e.seq) FROM webhooks w
		JOIN events e ON e.project = w.project WHERE w.id = webhook_dead.webhook)`)
	return err
}
