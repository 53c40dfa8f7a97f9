package store

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"database/sql"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// Enrol makes a device of whoever holds a code, as many as the code is for: the same code with the same public key gives
// the same device again, so that an agent may repeat a request whose answer it missed. A device that enrols anew in its own
// project stays the device it was. The name of a code for one device wins over the given one.
//
// It fails with CodeInvalid (no code, no key), CodeNotFound (no such code), CodeForbidden (used up, or for other models),
// CodeExpired, CodeRevoked (the device was revoked) or CodeConflict (the device is another project's).
func (s *Store) Enrol(ctx context.Context, code string, key ed25519.PublicKey, name, model string) (record.Device, error) {
	code, err := auth.ParseCode(code)
	if err != nil {
		return record.Device{}, err
	}
	if len(key) != ed25519.PublicKeySize {
		return record.Device{}, protocol.Errorf(protocol.CodeInvalid, "the public key is not an Ed25519 key of %d bytes", ed25519.PublicKeySize)
	}
	if err := checkName("the device's name", name); err != nil {
		return record.Device{}, err
	}
	if err := checkName("the device's model", model); err != nil {
		return record.Device{}, err
	}
	var device record.Device
	err = s.write(ctx, func(tx *tx) error {
		e, found, err := one(ctx, tx, scanEnrolment, `SELECT `+enrolmentColumns+` FROM enrolments WHERE hash = ?`, auth.Hash(code))
		if err != nil {
			return err
		}
		if !found {
			return notFound("there is no such enrolment code")
		}
		known, isKnown, err := one(ctx, tx, scanDevice, `SELECT `+deviceColumns+` FROM devices WHERE public_key = ?`, []byte(key))
		if err != nil {
			return err
		}
		joined := false
		if isKnown {
			if joined, err = hasJoined(ctx, tx, e, known); err != nil {
				return err
			}
		}
		if err := mayEnrol(e, known, isKnown, joined, model, s.now()); err != nil {
			return err
		}
		if joined {
			device = known
			return nil
		}
		device = record.Device{ID: known.ID, Project: e.Project, Name: nameIn(e, name, known.Name, model), Model: model, PublicKey: bytes.Clone(key)}
		return s.useEnrolment(ctx, tx, e, &device)
	})
	if err != nil {
		return record.Device{}, about(err, "enrol")
	}
	return device, nil
}

func hasJoined(ctx context.Context, tx *tx, e record.Enrolment, d record.Device) (bool, error) {
	_, joined, err := one(ctx, tx, func(row *sql.Rows) (used stamp, err error) {
		err = row.Scan(&used)
		return used, err
	}, `SELECT used_ms FROM enrolment_devices WHERE enrolment = ? AND device = ?`, e.ID, d.ID)
	return joined, err
}

// mayEnrol decides by the rules that Enrol tells. joined says that the device has used the code before.
func mayEnrol(e record.Enrolment, known record.Device, isKnown, joined bool, model string, now time.Time) error {
	switch {
	case !joined && e.Made >= e.Count && e.Batch():
		return protocol.Errorf(protocol.CodeForbidden, "all %d devices of this enrolment code have joined", e.Count)
	case !joined && e.Made >= e.Count:
		return protocol.Errorf(protocol.CodeForbidden, "this enrolment code was used by another device")
	case isKnown && !known.Revoked.IsZero():
		return protocol.Errorf(protocol.CodeRevoked, "this device was deleted; remove its state to enrol it as a new one")
	case !joined && !now.Before(e.Expires):
		return protocol.Errorf(protocol.CodeExpired, "this enrolment code expired at %s", e.Expires.Format(time.RFC3339))
	case isKnown && known.Project != e.Project:
		return protocol.Errorf(protocol.CodeConflict, "this device belongs to another project")
	case !joined && !e.Allows(model):
		return protocol.Errorf(protocol.CodeForbidden, "this enrolment code is not for devices of this model")
	}
	return nil
}

// nameIn is what a device is called that uses a code: as that says, or in a batch as the device itself says.
func nameIn(e record.Enrolment, given, known, model string) string {
	if !e.Batch() {
		return firstOf(e.Name, given, known, model)
	}
	numbered := ""
	if e.Name != "" {
		numbered = cutName(e.Name, fmt.Sprintf(" %d", e.Made+1))
	}
	return firstOf(given, known, numbered, model)
}

// cutName puts an end behind a name, which it shortens to what a name may have.
func cutName(name, end string) string {
	for len(name)+len(end) > protocol.MaxNameBytes {
		_, last := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-last]
	}
	return name + end
}

// useEnrolment writes the device, a new one if it has no identifier yet, that it used the code, and the event of it.
func (s *Store) useEnrolment(ctx context.Context, tx *tx, e record.Enrolment, d *record.Device) error {
	now := s.now()
	again := d.ID != ""
	if !again {
		d.ID = protocol.DeviceID(newID())
	}
	written, _, err := one(ctx, tx, scanDevice, `INSERT INTO devices (id, project, name, model, public_key, created_ms) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, model = excluded.model RETURNING `+deviceColumns,
		d.ID, d.Project, firstOf(d.Name, string(d.ID)), d.Model, []byte(d.PublicKey), stampOf(now))
	if err != nil {
		return err
	}
	*d = written
	used, err := change(ctx, tx, `UPDATE enrolments SET device = ?, used_ms = ?, made = made + 1 WHERE id = ? AND made < device_count`,
		d.ID, stampOf(now), e.ID)
	if err == nil && !used { // between the look and this, where a database lets others in
		return protocol.Errorf(protocol.CodeForbidden, "this enrolment code is used up")
	}
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO enrolment_devices (enrolment, device, used_ms) VALUES (?, ?, ?)`,
		e.ID, d.ID, stampOf(now)); err != nil {
		return err
	}
	return insertEventOf(ctx, tx, record.Event{Project: d.Project, Kind: record.EventDeviceEnrolled, At: now, Device: d.ID},
		record.EnrolledEvent{Enrolment: e.ID, Name: d.Name, Model: d.Model, Again: again})
}

// EnrolmentDevices returns a page of the devices that joined with a code, also those that were deleted since, the newest
// first, and the cursor to the next page, empty at the end. It fails with CodeNotFound.
func (s *Store) EnrolmentDevices(
	ctx context.Context, in protocol.ProjectID, id, cursor string, limit int,
) ([]record.Device, string, error) {
	after, err := parseCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	if _, err := s.Enrolment(ctx, in, id); err != nil {
		return nil, "", err
	}
	size := pageSize(limit)
	list, err := all(ctx, s.reader, scanDevice, `SELECT `+deviceColumns+` FROM devices
		WHERE id IN (SELECT device FROM enrolment_devices WHERE enrolment = ?) AND (created_ms, id) < (?, ?)
		ORDER BY created_ms DESC, id DESC LIMIT ?`, id, after.created, after.id, size)
	if err != nil {
		return nil, "", about(err, "list devices of enrolment %s", id)
	}
	list, next := cut(list, size, func(d record.Device) (time.Time, string) { return d.Created, string(d.ID) })
	return list, next, nil
}

func firstOf(names ...string) string {
	for _, name := range names {
		if name != "" {
			return name
		}
	}
	return ""
}
