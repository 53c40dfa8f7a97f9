package store

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"database/sql"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// EnrolmentLife is how long an enrolment code is good unless its maker says otherwise, maxEnrolmentLife at most.
const (
	EnrolmentLife    = 24 * time.Hour
	maxEnrolmentLife = 30 * 24 * time.Hour
)

const enrolmentColumns = `id, project, name, hash, created_ms, expires_ms, device, used_ms`

func scanEnrolment(row *sql.Rows) (record.Enrolment, error) {
	var e record.Enrolment
	var created, expires, used stamp
	err := row.Scan(&e.ID, &e.Project, &e.Name, &e.Hash, &created, &expires, &e.Device, &used)
	e.Created, e.Expires, e.Used = created.time(), expires.time(), used.time()
	return e, err
}

// CreateEnrolment makes a code with which one device can join the project under this name; a life of 0 means
// EnrolmentLife. The second result is the code itself, which nobody can ask for again.
func (s *Store) CreateEnrolment(ctx context.Context, in protocol.ProjectID, name string, life time.Duration) (record.Enrolment, auth.Secret, error) {
	if life == 0 {
		life = EnrolmentLife
	}
	if life < 0 || life > maxEnrolmentLife {
		return record.Enrolment{}, auth.Secret{}, protocol.Errorf(protocol.CodeInvalid,
			"an enrolment code is good for at most %d days", maxEnrolmentLife/(24*time.Hour))
	}
	if err := checkName("the device's name", name); err != nil {
		return record.Enrolment{}, auth.Secret{}, err
	}
	code, now := auth.MintCode(), s.now()
	e := record.Enrolment{
		ID: newID(), Project: in, Name: name, Hash: auth.Hash(code.Reveal()),
		Created: now, Expires: now.Add(life).Truncate(time.Millisecond),
	}
	err := s.write(ctx, func(tx *tx) error {
		if _, err := project(ctx, tx, in); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO enrolments (`+enrolmentColumns+`) VALUES (?, ?, ?, ?, ?, ?, '', 0)`,
			e.ID, e.Project, e.Name, e.Hash, stampOf(e.Created), stampOf(e.Expires))
		return err
	})
	if err != nil {
		return record.Enrolment{}, auth.Secret{}, about(err, "create enrolment")
	}
	return e, code, nil
}

// Enrolments returns a page of a project's enrolments, used and expired ones too, the newest first, and the cursor to
// the next page, empty at the end.
func (s *Store) Enrolments(ctx context.Context, in protocol.ProjectID, cursor string, limit int) ([]record.Enrolment, string, error) {
	after, err := parseCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	size := pageSize(limit)
	list, err := all(ctx, s.reader, scanEnrolment, `SELECT `+enrolmentColumns+` FROM enrolments
		WHERE project = ? AND (created_ms, id) < (?, ?) ORDER BY created_ms DESC, id DESC LIMIT ?`,
		in, after.created, after.id, size)
	if err != nil {
		return nil, "", about(err, "list enrolments")
	}
	list, next := cut(list, size, func(e record.Enrolment) (time.Time, string) { return e.Created, e.ID })
	return list, next, nil
}

// DeleteEnrolment makes a code useless. The device that has used it stays. It fails with CodeNotFound.
func (s *Store) DeleteEnrolment(ctx context.Context, in protocol.ProjectID, id string) error {
	found, err := change(ctx, s.writer, `DELETE FROM enrolments WHERE id = ? AND project = ?`, id, in)
	if err == nil && !found {
		err = notFound("there is no such enrolment")
	}
	return about(err, "delete enrolment %s", id)
}

// Enrol makes a device of whoever holds a code, once: the same code with the same public key gives the same device
// again, so that an agent may repeat a request whose answer it missed. A device that enrols anew in its own project
// stays the device it was. The enrolment's name wins over the given one.
//
// It fails with CodeInvalid (no code, no key), CodeNotFound (no such code), CodeForbidden (used by another device),
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
		if err := mayEnrol(e, known, isKnown, s.now()); err != nil {
			return err
		}
		if !e.Used.IsZero() {
			device = known
			return nil
		}
		device = record.Device{ID: known.ID, Project: e.Project, Name: firstOf(e.Name, name, known.Name, model), Model: model, PublicKey: bytes.Clone(key)}
		return s.useEnrolment(ctx, tx, e, &device)
	})
	if err != nil {
		return record.Device{}, about(err, "enrol")
	}
	return device, nil
}

// mayEnrol decides by the rules that Enrol tells.
func mayEnrol(e record.Enrolment, known record.Device, isKnown bool, now time.Time) error {
	switch {
	case !e.Used.IsZero() && (!isKnown || known.ID != e.Device):
		return protocol.Errorf(protocol.CodeForbidden, "this enrolment code was used by another device")
	case isKnown && !known.Revoked.IsZero():
		return protocol.Errorf(protocol.CodeRevoked, "this device was deleted; remove its state to enrol it as a new one")
	case e.Used.IsZero() && !now.Before(e.Expires):
		return protocol.Errorf(protocol.CodeExpired, "this enrolment code expired at %s", e.Expires.Format(time.RFC3339))
	case isKnown && known.Project != e.Project:
		return protocol.Errorf(protocol.CodeConflict, "this device belongs to another project")
	}
	return nil
}

// useEnrolment writes the device, a new one if it has no identifier yet, who used the code, and the event of it.
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
	if _, err := tx.ExecContext(ctx, `UPDATE enrolments SET device = ?, used_ms = ? WHERE id = ?`, d.ID, stampOf(now), e.ID); err != nil {
		return err
	}
	return insertEventOf(ctx, tx, record.Event{Project: d.Project, Kind: record.EventDeviceEnrolled, At: now, Device: d.ID},
		record.EnrolledEvent{Enrolment: e.ID, Name: d.Name, Model: d.Model, Again: again})
}

func firstOf(names ...string) string {
	for _, name := range names {
		if name != "" {
			return name
		}
	}
	return ""
}
