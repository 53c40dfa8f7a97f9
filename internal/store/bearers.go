package store

import (
	"context"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// CreateDevice makes a device that has no agent: its program speaks another protocol and shows a bearer token, which is the
// second result and which nobody can ask for again. It fails with CodeNotFound when there is no such project.
func (s *Store) CreateDevice(ctx context.Context, in protocol.ProjectID, name, model string) (record.Device, auth.Secret, error) {
	if err := checkName("the device's name", name); err != nil {
		return record.Device{}, auth.Secret{}, err
	}
	if err := checkName("the device's model", model); err != nil {
		return record.Device{}, auth.Secret{}, err
	}
	id, now := protocol.DeviceID(newID()), s.now()
	key, token := auth.MintBearer(id)
	var d record.Device
	err := s.write(ctx, func(tx *tx) error {
		if _, err := project(ctx, tx, in); err != nil {
			return err
		}
		var err error
		d, _, err = one(ctx, tx, scanDevice, `INSERT INTO devices (id, project, name, model, public_key, created_ms, bearer_ms)
			VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING `+deviceColumns,
			id, in, firstOf(name, model, string(id)), model, []byte(key), stampOf(now), stampOf(now))
		if err != nil {
			return err
		}
		return insertEventOf(ctx, tx, record.Event{Project: in, Kind: record.EventDeviceEnrolled, At: now, Device: id},
			record.EnrolledEvent{Name: d.Name, Model: d.Model})
	})
	if err != nil {
		return record.Device{}, auth.Secret{}, about(err, "create device")
	}
	return d, token, nil
}

// RenewBearer gives a device another bearer token, which is the second result; the one before is good for nothing from then
// on. It fails with CodeNotFound, and with CodeConflict for a device that has an agent.
func (s *Store) RenewBearer(ctx context.Context, in protocol.ProjectID, id protocol.DeviceID) (record.Device, auth.Secret, error) {
	key, token := auth.MintBearer(id)
	var d record.Device
	err := s.write(ctx, func(tx *tx) error {
		known, ok, err := one(ctx, tx, scanDevice, `SELECT `+deviceColumns+` FROM devices WHERE id = ? AND project = ? AND revoked_ms = 0`, id, in)
		switch {
		case err != nil:
			return err
		case !ok:
			return noDevice()
		case known.Bearer.IsZero():
			return protocol.Errorf(protocol.CodeConflict, "the device has an agent, which has a key of its own")
		}
		d, _, err = one(ctx, tx, scanDevice, `UPDATE devices SET public_key = ?, bearer_ms = ? WHERE id = ? RETURNING `+deviceColumns,
			[]byte(key), stampOf(s.now()), id)
		return err
	})
	if err != nil {
		return record.Device{}, auth.Secret{}, about(err, "renew bearer token of device %s", id)
	}
	return d, token, nil
}
