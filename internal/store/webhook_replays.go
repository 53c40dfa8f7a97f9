package store

import (
	"context"
	"database/sql"
	"math"

	"github.com/google/uuid"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// maxReplays bounds the replays of an endpoint that are not done. One of dead letters counts as often as they have gaps.
const maxReplays = 1000

// ReplayWebhook has events sent to an endpoint again. Those that have not been sent yet are left out: they will be. It
// fails with CodeNotFound, with CodeInvalid for events that the endpoint is not sent, and with CodeQuota when too many
// replays are not done.
func (s *Store) ReplayWebhook(ctx context.Context, in protocol.ProjectID, id string, r record.Replay) error {
	err := s.write(ctx, func(tx *tx) error {
		w, err := webhook(ctx, tx, in, id)
		if err != nil {
			return err
		}
		asked, err := replayRange(ctx, tx, &w, r)
		if err != nil || asked.First > asked.Last {
			return err
		}
		ranges, err := cutDead(ctx, tx, id, asked)
		if err != nil {
			return err
		}
		if !r.Dead {
			ranges = []record.SeqRange{asked}
		}
		known, _, err := one(ctx, tx, scanNumber, `SELECT count(*) FROM webhook_replays WHERE webhook = ?`, id)
		if err != nil {
			return err
		}
		if known+uint64(len(ranges)) > maxReplays {
			return protocol.Errorf(protocol.CodeQuota, "too many replays of this webhook are not done yet")
		}
		return insertReplays(ctx, tx, id, ranges)
	})
	return about(err, "replay events for webhook %s", id)
}

// replayRange returns which events are meant, of those that the endpoint has been served.
func replayRange(ctx context.Context, tx *tx, w *record.Webhook, r record.Replay) (record.SeqRange, error) {
	if r.Event == "" {
		asked := r.Range
		if asked.Last == 0 {
			asked.Last = math.MaxInt64
		}
		return record.SeqRange{First: max(asked.First, 1), Last: min(asked.Last, w.Cursor)}, nil
	}
	e, ok, err := one(ctx, tx, scanEvent, `SELECT project, seq, id, kind, at_ms, device, session, data FROM events
		WHERE id = ? AND project = ?`, r.Event, w.Project)
	switch {
	case err != nil:
		return record.SeqRange{}, err
	case !ok:
		return record.SeqRange{}, notFound("there is no such event")
	case !w.Wants(e.Kind):
		return record.SeqRange{}, protocol.Errorf(protocol.CodeInvalid, "this webhook is not sent events of the kind %s", e.Kind)
	}
	return record.SeqRange{First: e.Seq, Last: min(e.Seq, w.Cursor)}, nil
}

func insertReplays(ctx context.Context, tx *tx, webhook string, ranges []record.SeqRange) error {
	for _, r := range ranges {
		id, err := uuid.NewV7() // replays are done in the order in which they were asked for
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO webhook_replays (id, webhook, first_seq, last_seq) VALUES (?, ?, ?, ?)`,
			id.String(), webhook, r.First, r.Last); err != nil {
			return err
		}
	}
	return nil
}

// WebhookReplays returns the replays of an endpoint that are not done, the oldest first.
func (s *Store) WebhookReplays(ctx context.Context, webhook string) ([]record.ReplayRange, error) {
	list, err := all(ctx, s.reader, func(row *sql.Rows) (r record.ReplayRange, err error) {
		err = row.Scan(&r.ID, &r.First, &r.Last)
		return r, err
	}, `SELECT id, first_seq, last_seq FROM webhook_replays WHERE webhook = ? ORDER BY id`, webhook)
	return list, about(err, "list replays of webhook %s", webhook)
}

func saveReplays(ctx context.Context, tx *tx, p *record.WebhookProgress) error {
	for _, r := range p.Replays {
		query, args := `UPDATE webhook_replays SET first_seq = ? WHERE id = ?`, []any{r.First, r.ID}
		if r.First > r.Last {
			query, args = `DELETE FROM webhook_replays WHERE id = ?`, []any{r.ID}
		}
		if _, err := tx.ExecContext(ctx, query, args...); err != nil {
			return err
		}
	}
	return nil
}
