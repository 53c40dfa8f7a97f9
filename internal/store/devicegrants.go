package store

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// maxDeviceGrants bounds the living grants of one device: they are all in memory.
const maxDeviceGrants = 100

const grantColumns = `id, device, owner, viewer, rights, pays, created_ms, expires_ms, ended_ms, ended_by`

// grantAlive chooses grants that hold at a time.
const grantAlive = `ended_ms = 0 AND (expires_ms = 0 OR expires_ms > ?)`

func scanDeviceGrant(row *sql.Rows) (record.DeviceGrant, error) {
	var g record.DeviceGrant
	var rights string
	var created, expires, ended stamp
	err := row.Scan(&g.ID, &g.Device, &g.Owner, &g.Viewer, &rights, &g.Pays, &created, &expires, &ended, &g.EndedBy)
	g.Rights = split[protocol.Right](rights)
	g.Created, g.Expires, g.Ended = created.time(), expires.time(), ended.time()
	return g, err
}

// CreateDeviceGrant shares a device as the owner, viewer, rights, payer and expiry of what is asked for say. It fails with
// CodeInvalid, with CodeNotFound for a device that is not the owner's and for a project that is not there, with CodeConflict
// when the device is shared with that project already, and with CodeQuota when it is with too many.
func (s *Store) CreateDeviceGrant(ctx context.Context, asked record.DeviceGrant) (record.DeviceGrant, error) {
	g := asked
	g.ID, g.Created, g.Expires, g.Ended, g.EndedBy = newID(), s.now(), stampOf(asked.Expires).time(), time.Time{}, ""
	if err := checkDeviceGrant(g); err != nil {
		return record.DeviceGrant{}, err
	}
	err := s.write(ctx, func(tx *tx) error {
		_, own, err := one(ctx, tx, scanDevice,
			`SELECT `+deviceColumns+` FROM devices WHERE id = ? AND project = ? AND revoked_ms = 0`, g.Device, g.Owner)
		if err == nil && !own {
			err = noDevice()
		}
		if err != nil {
			return err
		}
		if _, err := project(ctx, tx, g.Viewer); err != nil {
			return err
		}
		alive, err := all(ctx, tx, scanDeviceGrant,
			`SELECT `+grantColumns+` FROM device_grants WHERE device = ? AND `+grantAlive, g.Device, stampOf(g.Created))
		switch {
		case err != nil:
			return err
		case slices.ContainsFunc(alive, func(o record.DeviceGrant) bool { return o.Viewer == g.Viewer }):
			return protocol.Errorf(protocol.CodeConflict, "the device is shared with that project already; end that grant first")
		case len(alive) >= maxDeviceGrants:
			return protocol.Errorf(protocol.CodeQuota, "a device is shared with at most %d projects", maxDeviceGrants)
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO device_grants (`+grantColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, '')`,
			g.ID, g.Device, g.Owner, g.Viewer, join(g.Rights), g.Pays, stampOf(g.Created), stampOf(g.Expires))
		return err
	})
	if err != nil {
		return record.DeviceGrant{}, about(err, "share device %s", g.Device)
	}
	return g, nil
}

func checkDeviceGrant(g record.DeviceGrant) error {
	switch {
	case g.Viewer == g.Owner:
		return protocol.Errorf(protocol.CodeInvalid, "the device is the project's own")
	case !g.Expires.IsZero() && !g.Created.Before(g.Expires):
		return protocol.Errorf(protocol.CodeInvalid, "a grant cannot expire in the past")
	case g.Pays != record.PayerOwner && g.Pays != record.PayerViewer:
		return protocol.Errorf(protocol.CodeInvalid, "the owner or the viewer pays for the relay")
	case !slices.Contains(g.Rights, protocol.RightView):
		return protocol.Errorf(protocol.CodeInvalid, "a grant gives the right to view, and may give others")
	}
	for i, r := range g.Rights {
		if !r.Valid() || slices.Contains(g.Rights[:i], r) {
			return protocol.Errorf(protocol.CodeInvalid, "rights are view, audio, talk and control, each once")
		}
	}
	return nil
}

// DeviceGrants returns a page of the grants that a project has given and has been given, ended ones too, the newest first, and
// the cursor to the next page, empty at the end.
func (s *Store) DeviceGrants(ctx context.Context, in protocol.ProjectID, cursor string, limit int) ([]record.DeviceGrant, string, error) {
	after, err := parseCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	size := pageSize(limit)
	list, err := all(ctx, s.reader, scanDeviceGrant, `SELECT `+grantColumns+` FROM device_grants
		WHERE (owner = ? OR viewer = ?) AND (created_ms, id) < (?, ?) ORDER BY created_ms DESC, id DESC LIMIT ?`,
		in, in, after.created, after.id, size)
	if err != nil {
		return nil, "", about(err, "list grants")
	}
	list, next := cut(list, size, func(g record.DeviceGrant) (time.Time, string) { return g.Created, g.ID })
	return list, next, nil
}

// DeviceGrant returns a grant that a project has given or has been given; it fails with CodeNotFound.
func (s *Store) DeviceGrant(ctx context.Context, in protocol.ProjectID, id string) (record.DeviceGrant, error) {
	g, ok, err := one(ctx, s.reader, scanDeviceGrant,
		`SELECT `+grantColumns+` FROM device_grants WHERE id = ? AND (owner = ? OR viewer = ?)`, id, in, in)
	if err == nil && !ok {
		err = noGrant()
	}
	return g, about(err, "read grant %s", id)
}

// EndDeviceGrant ends a grant, as its owner or as the project that it was given to; once more is harmless. It fails with
// CodeNotFound.
func (s *Store) EndDeviceGrant(ctx context.Context, by protocol.ProjectID, id string) error {
	ended, err := s.change(ctx, `UPDATE device_grants SET ended_ms = ?, ended_by = ?
		WHERE id = ? AND (owner = ? OR viewer = ?) AND ended_ms = 0`, stampOf(s.now()), by, id, by, by)
	if err == nil && !ended {
		_, err = s.DeviceGrant(ctx, by, id)
	}
	return about(err, "end grant %s", id)
}

// LiveDeviceGrants returns the grants of all projects that hold now.
func (s *Store) LiveDeviceGrants(ctx context.Context) ([]record.DeviceGrant, error) {
	list, err := all(ctx, s.reader, scanDeviceGrant,
		`SELECT `+grantColumns+` FROM device_grants WHERE `+grantAlive+` ORDER BY created_ms, id`, stampOf(s.now()))
	return list, about(err, "read grants")
}

// SharedDevices returns a page of the devices that others share with a project, with the grants by which they do, the newest
// grant first, and the cursor to the next page, empty at the end. It leaves out those that were deleted.
func (s *Store) SharedDevices(ctx context.Context, with protocol.ProjectID, cursor string, limit int) ([]record.SharedDevice, string, error) {
	after, err := parseCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	size := pageSize(limit)
	grants, err := all(ctx, s.reader, scanDeviceGrant, `SELECT `+grantColumns+` FROM device_grants
		WHERE viewer = ? AND `+grantAlive+` AND device IN (SELECT id FROM devices WHERE revoked_ms = 0)
		AND (created_ms, id) < (?, ?) ORDER BY created_ms DESC, id DESC LIMIT ?`,
		with, stampOf(s.now()), after.created, after.id, size)
	if err != nil {
		return nil, "", about(err, "list shared devices")
	}
	grants, next := cut(grants, size, func(g record.DeviceGrant) (time.Time, string) { return g.Created, g.ID })
	shared := make([]record.SharedDevice, len(grants))
	for i, g := range grants {
		d, err := s.Device(ctx, g.Device)
		if err != nil {
			return nil, "", err
		}
		shared[i] = record.SharedDevice{Device: d, Grant: g}
	}
	return shared, next, nil
}

// SharedDevice returns a device that another project shares with this one; it fails with CodeNotFound.
func (s *Store) SharedDevice(ctx context.Context, with protocol.ProjectID, id protocol.DeviceID) (record.SharedDevice, error) {
	g, ok, err := one(ctx, s.reader, scanDeviceGrant,
		`SELECT `+grantColumns+` FROM device_grants WHERE device = ? AND viewer = ? AND `+grantAlive, id, with, stampOf(s.now()))
	if err == nil && !ok {
		err = noDevice()
	}
	if err != nil {
		return record.SharedDevice{}, about(err, "read grant of device %s", id)
	}
	d, err := s.Device(ctx, id)
	if err == nil && !d.Revoked.IsZero() {
		err = noDevice()
	}
	return record.SharedDevice{Device: d, Grant: g}, err
}

func noGrant() error { return notFound("there is no such grant") }
