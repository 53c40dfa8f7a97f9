package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// alertInterval is how long an alert of a device stands before it is told again: two boxes with one key push each other out
// for as long as nobody does anything, and once an hour is often enough to be seen.
const alertInterval = time.Hour

// toldPresence is what the events have told of a device.
type toldPresence struct {
	device     protocol.DeviceID
	project    protocol.ProjectID
	status     protocol.Status
	generation uint64
}

func scanTold(row *sql.Rows) (p toldPresence, err error) {
	err = row.Scan(&p.device, &p.project, &p.status, &p.generation)
	if p.status == "" {
		p.status = protocol.StatusOffline
	}
	return p, err
}

// selectTold is followed by the devices that are meant.
const selectTold = `SELECT id, project, presence, presence_generation FROM devices WHERE `

// SavePresence keeps changes of devices' presence, a few thousand at most, with the events of those that are news, all or
// nothing. A device is told online, suspect or offline only if the last of its events says something else, suspect only if
// it says online. What comes late, from an older generation than the known one, changes nothing, and neither does anything
// of a device that was revoked or never was.
func (s *Store) SavePresence(ctx context.Context, changes []record.Presence) error {
	if len(changes) == 0 {
		return nil
	}
	ids := make([]any, len(changes))
	for i, p := range changes {
		ids[i] = p.Device
	}
	err := s.write(ctx, func(tx *tx) error {
		list, err := all(ctx, tx, scanTold, selectTold+`revoked_ms = 0 AND id IN (?`+strings.Repeat(`, ?`, len(ids)-1)+`)`, ids...)
		if err != nil {
			return err
		}
		told := make(map[protocol.DeviceID]*toldPresence, len(list))
		for i := range list {
			told[list[i].device] = &list[i]
		}
		for _, p := range changes {
			if known := told[p.Device]; known != nil {
				if err := known.change(ctx, tx, p); err != nil {
					return fmt.Errorf("device %s: %w", p.Device, err)
				}
			}
		}
		return nil
	})
	return about(err, "save presence of %d devices", len(changes))
}

// change keeps what is news of a device, and tells of it.
func (t *toldPresence) change(ctx context.Context, tx *tx, p record.Presence) error {
	if p.Generation < t.generation || p.Status == protocol.StatusSuspect && t.status == protocol.StatusOffline {
		return nil
	}
	kind, kept := kindOf(p.Status)
	if _, err := tx.ExecContext(ctx, `UPDATE devices SET presence = ?, presence_generation = ?, presence_ms = ?,
		last_seen_ms = CASE WHEN last_seen_ms < ? THEN ? ELSE last_seen_ms END WHERE id = ?`,
		kept, p.Generation, stampOf(p.At), stampOf(p.Since), stampOf(p.Since), p.Device); err != nil {
		return err
	}
	same := p.Status == t.status
	t.status, t.generation = p.Status, p.Generation
	if same {
		return nil
	}
	return insertEventOf(ctx, tx, record.Event{Project: t.project, Kind: kind, At: p.At, Device: p.Device}, presenceEvent(p))
}

func presenceEvent(p record.Presence) record.PresenceEvent {
	e := record.PresenceEvent{Generation: p.Generation, Since: p.Since}
	if p.Status == protocol.StatusOnline {
		e.Transport = p.Transport
	} else {
		e.Cause = p.Cause
	}
	return e
}

// kindOf returns what tells of a state of presence, and how a row keeps that: offline is empty, as it is before the first.
func kindOf(status protocol.Status) (kind record.EventKind, kept protocol.Status) {
	switch status {
	case protocol.StatusOnline:
		return record.EventDeviceOnline, status
	case protocol.StatusSuspect:
		return record.EventDeviceSuspect, status
	}
	return record.EventDeviceOffline, ""
}

// Present returns the devices of all projects that the events have not told offline, for a hub that starts: what an earlier
// one left. Since is when such a device was last seen, as far as that is known.
func (s *Store) Present(ctx context.Context) ([]record.Presence, error) {
	list, err := all(ctx, s.reader, func(row *sql.Rows) (p record.Presence, err error) {
		var at, seen stamp
		err = row.Scan(&p.Device, &p.Status, &p.Generation, &at, &seen)
		p.At, p.Since = at.time(), seen.time()
		return p, err
	}, `SELECT id, presence, presence_generation, presence_ms, last_seen_ms FROM devices WHERE presence <> '' AND revoked_ms = 0`)
	return list, about(err, "list devices that are present")
}

// leaveForEver tells a device that is being revoked offline, if the events say otherwise.
func leaveForEver(ctx context.Context, tx *tx, d record.Device) error {
	told, _, err := one(ctx, tx, scanTold, selectTold+`id = ?`, d.ID)
	if err != nil || told.status == protocol.StatusOffline {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE devices SET presence = '' WHERE id = ?`, d.ID); err != nil {
		return err
	}
	return insertEventOf(ctx, tx, record.Event{Project: d.Project, Kind: record.EventDeviceOffline, At: d.Revoked, Device: d.ID},
		record.PresenceEvent{Generation: told.generation, Since: d.Revoked, Cause: record.CauseRevoked})
}

// SaveAlerts tells of alerts, all or nothing. One that was told within the last hour is left out, and those of devices that
// were revoked.
func (s *Store) SaveAlerts(ctx context.Context, alerts []record.Alert) error {
	err := s.write(ctx, func(tx *tx) error {
		for _, a := range alerts {
			project, ok, err := one(ctx, tx, func(row *sql.Rows) (id protocol.ProjectID, err error) {
				err = row.Scan(&id)
				return id, err
			}, `UPDATE devices SET alerted_ms = ? WHERE id = ? AND revoked_ms = 0 AND alerted_ms <= ? RETURNING project`,
				stampOf(a.At), a.Device, stampOf(a.At.Add(-alertInterval)))
			if err == nil && ok {
				err = insertEventOf(ctx, tx, record.Event{Project: project, Kind: record.EventDeviceAlert, At: a.At, Device: a.Device},
					record.AlertEvent{Alert: a.Kind})
			}
			if err != nil {
				return fmt.Errorf("device %s: %w", a.Device, err)
			}
		}
		return nil
	})
	return about(err, "save alerts of %d devices", len(alerts))
}
