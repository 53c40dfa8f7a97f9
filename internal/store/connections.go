package store

import (
	"context"
	"database/sql"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// MaxConnections is how many connections are kept of a device: the current one and what came before.
const MaxConnections = 20

const connectionColumns = `id, device, link, generation, address, transport, program, version, model,
	opened_ms, closed_ms, cause, detail, bye, fallback_reason, fallback_detail`

// newestFirst orders a device's connections. The generation goes before the time: a clock may have been wrong.
const newestFirst = ` ORDER BY generation DESC, opened_ms DESC, id DESC LIMIT ?`

func scanConnection(row *sql.Rows) (record.Connection, error) {
	var c record.Connection
	var address string
	var opened, closed stamp
	var fallback protocol.Fallback
	err := row.Scan(&c.ID, &c.Device, &c.Link, &c.Generation, &address, &c.Transport,
		&c.Program.Name, &c.Program.Version, &c.Program.Model, &opened, &closed, &c.Cause, &c.Detail, &c.Bye,
		&fallback.Reason, &fallback.Detail)
	if err != nil {
		return c, err
	}
	c.Opened, c.Closed = opened.time(), closed.time()
	if fallback.Reason != "" {
		c.Fallback = &fallback
	}
	if address != "" {
		err = c.Address.UnmarshalText([]byte(address))
	}
	return c, err
}

// SaveConnection writes a device's connection, new or known, and forgets the device's oldest beyond MaxConnections.
func (s *Store) SaveConnection(ctx context.Context, c record.Connection) error {
	address, err := c.Address.MarshalText()
	if err != nil {
		return about(err, "save connection of device %s", c.Device)
	}
	var fallback protocol.Fallback
	if c.Fallback != nil {
		fallback = *c.Fallback
	}
	err = s.write(ctx, func(tx *tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO connections (`+connectionColumns+`)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET closed_ms = excluded.closed_ms, cause = excluded.cause,
				detail = excluded.detail, bye = excluded.bye`,
			c.ID, c.Device, c.Link, c.Generation, string(address), c.Transport,
			c.Program.Name, c.Program.Version, c.Program.Model,
			stampOf(c.Opened), stampOf(c.Closed), c.Cause, c.Detail, c.Bye,
			fallback.Reason, fallback.Detail); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM connections WHERE device = ? AND id NOT IN
			(SELECT id FROM connections WHERE device = ?`+newestFirst+`)`, c.Device, c.Device, MaxConnections)
		return err
	})
	return about(err, "save connection of device %s", c.Device)
}

// LoseConnections closes, as CauseHubLost, the connections that an earlier process left open. Should that process live
// after all, its own account of their end replaces this one.
func (s *Store) LoseConnections(ctx context.Context) error {
	_, err := s.change(ctx, `UPDATE connections SET closed_ms = ?, cause = ?, detail = ? WHERE closed_ms = 0`,
		stampOf(s.now()), record.CauseHubLost, "the server ended at some time before this without closing it")
	return about(err, "close connections of an earlier process")
}

// EndConnections keeps how known connections have ended, and that their devices were seen until then: all or nothing,
// in a fraction of the time that one after the other would take.
func (s *Store) EndConnections(ctx context.Context, ended []record.Connection) error {
	err := s.write(ctx, func(tx *tx) error {
		for _, c := range ended {
			closed := stampOf(c.Closed)
			if _, err := tx.ExecContext(ctx, `UPDATE connections SET closed_ms = ?, cause = ?, detail = ?, bye = ? WHERE id = ?`,
				closed, c.Cause, c.Detail, c.Bye, c.ID); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `UPDATE devices SET last_seen_ms = ? WHERE id = ? AND last_seen_ms < ?`,
				closed, c.Device, closed); err != nil {
				return err
			}
		}
		return nil
	})
	return about(err, "end %d connections", len(ended))
}

// Connections returns the last connections of a project's device, the newest first. It fails with CodeNotFound, also
// when the device is revoked.
func (s *Store) Connections(ctx context.Context, in protocol.ProjectID, id protocol.DeviceID) ([]record.Connection, error) {
	_, ok, err := one(ctx, s.reader, scanDevice,
		`SELECT `+deviceColumns+` FROM devices WHERE id = ? AND project = ? AND revoked_ms = 0`, id, in)
	if err == nil && !ok {
		err = noDevice()
	}
	if err != nil {
		return nil, about(err, "read device %s", id)
	}
	list, err := all(ctx, s.reader, scanConnection,
		`SELECT `+connectionColumns+` FROM connections WHERE device = ?`+newestFirst, id, MaxConnections)
	return list, about(err, "list connections of device %s", id)
}
