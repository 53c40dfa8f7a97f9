package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const deviceColumns = `id, project, name, model, public_key, generation, created_ms, last_seen_ms, revoked_ms,
	network, network_ms, bearer_ms, terms`

func scanDevice(row *sql.Rows) (record.Device, error) {
	var d record.Device
	var created, seen, revoked, told, bearer stamp
	var network, terms string
	err := row.Scan(&d.ID, &d.Project, &d.Name, &d.Model, (*[]byte)(&d.PublicKey), &d.Generation, &created, &seen, &revoked, &network, &told, &bearer, &terms)
	if err != nil {
		return d, err
	}
	d.Created, d.LastSeen, d.Revoked, d.NetworkTold, d.Bearer = created.time(), seen.time(), revoked.time(), told.time(), bearer.time()
	if network != "" {
		d.Network = &protocol.Network{}
		if err := json.Unmarshal([]byte(network), d.Network); err != nil {
			return d, fmt.Errorf("read network of device %s: %w", d.ID, err)
		}
	}
	d.Terms, err = readTerms(terms)
	return d, err
}

// SaveNetworks keeps what devices have told of their networks, all or nothing.
func (s *Store) SaveNetworks(ctx context.Context, told []record.DeviceNetwork) error {
	err := s.write(ctx, func(tx *tx) error {
		for _, n := range told {
			text, err := json.Marshal(n.Network)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `UPDATE devices SET network = ?, network_ms = ? WHERE id = ?`,
				string(text), stampOf(n.Told), n.Device); err != nil {
				return err
			}
		}
		return nil
	})
	return about(err, "save networks of %d devices", len(told))
}

// Device returns a device of any project, also when it was revoked: look at Revoked. It fails with CodeNotFound.
func (s *Store) Device(ctx context.Context, id protocol.DeviceID) (record.Device, error) {
	d, ok, err := one(ctx, s.reader, scanDevice, `SELECT `+deviceColumns+` FROM devices WHERE id = ?`, id)
	if err == nil && !ok {
		err = noDevice()
	}
	return d, about(err, "read device %s", id)
}

// Devices returns a page of a project's devices without the revoked ones, the newest first, and the cursor to the next
// page, empty at the end.
func (s *Store) Devices(ctx context.Context, in protocol.ProjectID, cursor string, limit int) ([]record.Device, string, error) {
	after, err := parseCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	size := pageSize(limit)
	list, err := all(ctx, s.reader, scanDevice, `SELECT `+deviceColumns+` FROM devices
		WHERE project = ? AND revoked_ms = 0 AND (created_ms, id) < (?, ?) ORDER BY created_ms DESC, id DESC LIMIT ?`,
		in, after.created, after.id, size)
	if err != nil {
		return nil, "", about(err, "list devices")
	}
	list, next := cut(list, size, func(d record.Device) (time.Time, string) { return d.Created, string(d.ID) })
	return list, next, nil
}

// ChangeDevice has change make of a project's device what it is to be, of which the name and the terms are kept. What change is given
// stays as it is until that is written. Its error comes back as it is; else ChangeDevice fails with CodeNotFound, and with
// CodeInvalid for a name or terms that cannot be.
func (s *Store) ChangeDevice(ctx context.Context, in protocol.ProjectID, id protocol.DeviceID, change func(*record.Device) error) (record.Device, error) {
	var d record.Device
	err := s.write(ctx, func(tx *tx) error {
		known, ok, err := one(ctx, tx, scanDevice, `SELECT `+deviceColumns+` FROM devices WHERE id = ? AND project = ? AND revoked_ms = 0`, id, in)
		if err == nil && !ok {
			err = noDevice()
		}
		if err != nil {
			return err
		}
		d = known
		if err := change(&d); err != nil {
			return err
		}
		if d.Name == "" {
			return protocol.Errorf(protocol.CodeInvalid, "a device has a name")
		}
		if err := checkName("the device's name", d.Name); err != nil {
			return err
		}
		if err := d.Terms.Check(); err != nil {
			return err
		}
		terms, err := writeTerms(d.Terms)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE devices SET name = ?, terms = ? WHERE id = ?`, d.Name, terms, id)
		return err
	})
	return d, about(err, "change device %s", id)
}

// DeviceTerms returns those of the devices of all projects that have any.
func (s *Store) DeviceTerms(ctx context.Context) (map[protocol.DeviceID]record.Terms, error) {
	list, err := all(ctx, s.reader, scanDevice, `SELECT `+deviceColumns+` FROM devices WHERE terms <> '' AND revoked_ms = 0`)
	terms := make(map[protocol.DeviceID]record.Terms, len(list))
	for _, d := range list {
		terms[d.ID] = d.Terms
	}
	return terms, about(err, "read terms of devices")
}

// RevokeDevice deletes a device of a project. Its row stays, so that its key is refused as revoked for ever. It fails
// with CodeNotFound, also when the device is revoked already.
func (s *Store) RevokeDevice(ctx context.Context, in protocol.ProjectID, id protocol.DeviceID) error {
	now := s.now()
	err := s.write(ctx, func(tx *tx) error {
		d, ok, err := one(ctx, tx, scanDevice, `UPDATE devices SET revoked_ms = ? WHERE id = ? AND project = ? AND revoked_ms = 0
			RETURNING `+deviceColumns, stampOf(now), id, in)
		if err == nil && !ok {
			err = noDevice()
		}
		if err != nil {
			return err
		}
		if err := leaveForEver(ctx, tx, d); err != nil {
			return err
		}
		return insertEventOf(ctx, tx, record.Event{Project: in, Kind: record.EventDeviceDeleted, At: now, Device: id},
			record.DeletedEvent{Name: d.Name})
	})
	return about(err, "revoke device %s", id)
}

// NextGeneration returns a number for a device's new link, higher than any before. It fails with CodeNotFound and with
// CodeRevoked.
func (s *Store) NextGeneration(ctx context.Context, id protocol.DeviceID) (uint64, error) {
	var next uint64
	err := s.write(ctx, func(tx *tx) error {
		d, ok, err := one(ctx, tx, scanDevice, `UPDATE devices SET generation = generation + 1 WHERE id = ? RETURNING `+deviceColumns, id)
		switch {
		case err != nil:
			return err
		case !ok:
			return noDevice()
		case !d.Revoked.IsZero():
			return protocol.Errorf(protocol.CodeRevoked, "this device was revoked")
		}
		next = d.Generation
		return nil
	})
	return next, about(err, "number a link of device %s", id)
}

// Seen notes when a device was last online; an earlier time than the known one changes nothing.
func (s *Store) Seen(ctx context.Context, id protocol.DeviceID, at time.Time) error {
	_, err := s.change(ctx, `UPDATE devices SET last_seen_ms = ? WHERE id = ? AND last_seen_ms < ?`, stampOf(at), id, stampOf(at))
	return about(err, "note that device %s was seen", id)
}

func noDevice() error { return notFound("there is no such device") }
