package store

import (
	"context"
	"database/sql"
	"strconv"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// How many attempts of an endpoint are kept: the last that succeeded, and the last that did not, so that a flood of the
// ones does not hide the others.
const (
	succeededSlots = 100
	failedSlots    = 200
)

// Deliveries returns a page of an endpoint's last attempts, the newest first, and the cursor to the next page, empty at
// the end. It fails with CodeNotFound.
func (s *Store) Deliveries(
	ctx context.Context, in protocol.ProjectID, id string, f record.DeliveryFilter, cursor string, limit int,
) ([]record.Delivery, string, error) {
	after, err := parseCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	if _, err := webhook(ctx, s.reader, in, id); err != nil {
		return nil, "", about(err, "read webhook %s", id)
	}
	where, args := `webhook = ?`, []any{id}
	for column, value := range map[string]string{"event": f.Event, "kind": string(f.Kind), "device": string(f.Device)} {
		if value != "" {
			where, args = where+` AND `+column+` = ?`, append(args, value)
		}
	}
	if succeeded := f.Succeeded.Bool(); succeeded != nil {
		where, args = where+` AND ok = ?`, append(args, *succeeded)
	}
	list, err := all(ctx, s.reader, scanDelivery, `SELECT webhook, number, event, seq, kind, device, attempt, at_ms, took_ms, status, err, response
		FROM webhook_deliveries WHERE `+where+` ORDER BY at_ms DESC, seq DESC`, args...)
	if err != nil {
		return nil, "", about(err, "list deliveries of webhook %s", id)
	}
	list = from(list, after)
	size := pageSize(limit)
	list, next := cut(list[:min(len(list), size)], size, func(d record.Delivery) (time.Time, string) { return d.At, strconv.FormatUint(d.Seq, 10) })
	return list, next, nil
}

// from leaves out what stands up to a position in a list that is ordered by time and number, the greatest first.
func from(list []record.Delivery, after position) []record.Delivery {
	seq, err := strconv.ParseUint(after.id, 10, 63)
	if err != nil {
		return list // the first page
	}
	for i, d := range list {
		if at := stampOf(d.At); at < after.created || at == after.created && d.Seq < seq {
			return list[i:]
		}
	}
	return nil
}

func scanDelivery(row *sql.Rows) (record.Delivery, error) {
	var d record.Delivery
	var at stamp
	var took int64
	err := row.Scan(&d.Webhook, &d.Number, &d.Event, &d.Seq, &d.Kind, &d.Device, &d.Attempt, &at, &took, &d.Status, &d.Err, &d.Response)
	d.At, d.Took = at.time(), time.Duration(took)*time.Millisecond
	return d, err
}

// saveDeliveries writes attempts over the oldest of their slots. Of more than there are slots, only the last are written.
func saveDeliveries(ctx context.Context, tx *tx, p *record.WebhookProgress, before attempts) error {
	last := map[bool]int{}
	for i := len(p.Deliveries) - 1; i >= 0; i-- {
		last[p.Deliveries[i].Err == ""]++
	}
	for _, d := range p.Deliveries {
		ok, number, slots := d.Err == "", &before.failed, failedSlots
		if ok {
			number, slots = &before.succeeded, succeededSlots
		}
		*number++
		if last[ok]--; last[ok] >= slots {
			continue
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO webhook_deliveries
			(webhook, ok, slot, number, event, seq, kind, device, attempt, at_ms, took_ms, status, err, response)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (webhook, ok, slot) DO UPDATE SET number = excluded.number, event = excluded.event, seq = excluded.seq,
			kind = excluded.kind, device = excluded.device, attempt = excluded.attempt, at_ms = excluded.at_ms, took_ms = excluded.took_ms,
			status = excluded.status, err = excluded.err, response = excluded.response`,
			p.Webhook, ok, *number%uint64(slots), *number, d.Event, d.Seq, d.Kind, d.Device, d.Attempt, stampOf(d.At), d.Took.Milliseconds(),
			d.Status, d.Err, d.Response); err != nil {
			return err
		}
	}
	return nil
}
