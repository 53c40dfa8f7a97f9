package store

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/sightline-rtc/sightline/record"
)

// WaitingDeliveries returns the events that wait for another attempt at an endpoint, by their numbers.
func (s *Store) WaitingDeliveries(ctx context.Context, webhook string) ([]record.WaitingDelivery, error) {
	list, err := all(ctx, s.reader, func(row *sql.Rows) (d record.WaitingDelivery, err error) {
		var due, next stamp
		err = row.Scan(&d.Seq, &d.Event, &d.Device, &d.Attempts, &due, &next)
		d.Due, d.Next = due.time(), next.time()
		return d, err
	}, `SELECT seq, event, device, attempts, due_ms, next_ms FROM webhook_waiting WHERE webhook = ? ORDER BY seq`, webhook)
	return list, about(err, "list what waits for webhook %s", webhook)
}

// SaveWebhookProgress keeps what has become of deliveries, all or nothing. It leaves out endpoints that are deleted.
func (s *Store) SaveWebhookProgress(ctx context.Context, progress []record.WebhookProgress) error {
	err := s.write(ctx, func(tx *tx) error {
		for i := range progress {
			if err := s.saveProgress(ctx, tx, &progress[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return about(err, "save the progress of %d webhooks", len(progress))
}

// attempts counts an endpoint's, those that succeeded and those that did not.
type attempts struct{ succeeded, failed uint64 }

func (s *Store) saveProgress(ctx context.Context, tx *tx, p *record.WebhookProgress) error {
	open := p.Open
	if open == nil {
		open = []uint64{}
	}
	text, err := json.Marshal(open)
	if err != nil {
		return err
	}
	var fresh attempts
	for _, d := range p.Deliveries {
		if d.Err == "" {
			fresh.succeeded++
		} else {
			fresh.failed++
		}
	}
	total, ok, err := one(ctx, tx, func(row *sql.Rows) (a attempts, err error) {
		err = row.Scan(&a.succeeded, &a.failed)
		return a, err
	}, `UPDATE webhooks SET served = ?, open = ?, failing_ms = ?, missed = missed + ?, succeeded = succeeded + ?, failed = failed + ?
		WHERE id = ? RETURNING succeeded, failed`,
		p.Cursor, string(text), stampOf(p.Failing), p.Missed, fresh.succeeded, fresh.failed, p.Webhook)
	if err != nil || !ok {
		return err
	}
	if p.Gone {
		if _, err := tx.ExecContext(ctx, `UPDATE webhooks SET state = ?, since_ms = ?, version = version + 1 WHERE id = ? AND state = ?`,
			record.WebhookGone, stampOf(s.now()), p.Webhook, record.WebhookOn); err != nil {
			return err
		}
	}
	if err := saveWaiting(ctx, tx, p); err != nil {
		return err
	}
	for _, r := range p.Dead {
		if err := addDead(ctx, tx, p.Webhook, r); err != nil {
			return err
		}
	}
	if err := saveReplays(ctx, tx, p); err != nil {
		return err
	}
	return saveDeliveries(ctx, tx, p, attempts{total.succeeded - fresh.succeeded, total.failed - fresh.failed})
}

func saveWaiting(ctx context.Context, tx *tx, p *record.WebhookProgress) error {
	for _, seq := range p.Settled {
		if _, err := tx.ExecContext(ctx, `DELETE FROM webhook_waiting WHERE webhook = ? AND seq = ?`, p.Webhook, seq); err != nil {
			return err
		}
	}
	for _, d := range p.Waiting {
		if _, err := tx.ExecContext(ctx, `INSERT INTO webhook_waiting (webhook, seq, event, device, attempts, due_ms, next_ms)
			VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (webhook, seq) DO UPDATE SET attempts = excluded.attempts, due_ms = excluded.due_ms, next_ms = excluded.next_ms`,
			p.Webhook, d.Seq, d.Event, d.Device, d.Attempts, stampOf(d.Due), stampOf(d.Next)); err != nil {
			return err
		}
	}
	return nil
}
