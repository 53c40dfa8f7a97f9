package signal

import (
	"context"
	"net/netip"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// directory knows the devices and what was revoked. The store implements it.
type directory interface {
	// Device fails with CodeNotFound for a device that never was. A revoked one is returned, with its time.
	Device(ctx context.Context, id protocol.DeviceID) (record.Device, error)
	// NextGeneration counts the device's links.
	NextGeneration(ctx context.Context, id protocol.DeviceID) (uint64, error)
	// Seen keeps when the device was last online.
	Seen(ctx context.Context, id protocol.DeviceID, at time.Time) error
	// SaveConnection keeps a device's connection when it opens, and again when it has closed.
	SaveConnection(ctx context.Context, c record.Connection) error
	// LoseConnections closes those that an earlier process left open.
	LoseConnections(ctx context.Context) error
	// EndConnections keeps how many connections have ended at once, and that their devices were seen until then.
	EndConnections(ctx context.Context, ended []record.Connection) error
	// SavePresence keeps changes of devices' presence and tells of those that are news; repeating is harmless.
	SavePresence(ctx context.Context, changes []record.Presence) error
	// SaveAlerts tells of what a person should look at.
	SaveAlerts(ctx context.Context, alerts []record.Alert) error
	// Present lists the devices that were not told offline: Since is when they were last seen, if that is after At.
	Present(ctx context.Context) ([]record.Presence, error)
	// SaveNetworks keeps what devices have told of their networks.
	SaveNetworks(ctx context.Context, told []record.DeviceNetwork) error
	// RevokedKeys lists the revoked keys, of the API and of partners, whose tokens may not have expired yet.
	RevokedKeys(ctx context.Context) ([]protocol.KeyID, error)
}

// sessions keeps the open sessions over a restart. The store implements it.
type sessions interface {
	// Save inserts or updates. A row that has ended stays as it ended, and an account that is older than the known one is
	// left out.
	Save(ctx context.Context, s record.Session) error
	// SaveAccounts keeps the accounts alone of sessions that are known, ended ones too, if they are newer.
	SaveAccounts(ctx context.Context, sessions []record.Session) error
	// Open lists the sessions of devices that have not ended.
	Open(ctx context.Context) ([]record.Session, error)
	// Get fails with CodeNotFound for a session that the project never had.
	Get(ctx context.Context, project protocol.ProjectID, id protocol.SessionID) (record.Session, error)
}

// relay is told what the relay has to know; it never calls back. Package turn implements it.
type relay interface {
	// STUN lists the URLs of the relay's STUN server.
	STUN() []string
	// Grant makes a grant usable and returns fresh credentials for it.
	Grant(id protocol.GrantID, role protocol.Role) ([]protocol.ICEServer, error)
	// Assign says whose the grant is and how many kilobits a second it may carry each way; 0 is no bound.
	Assign(id protocol.GrantID, project protocol.ProjectID, maxKbps int)
	// Allow adds a peer to those that the grant's allocations may talk to; port 0 stands for all ports.
	Allow(id protocol.GrantID, peer netip.AddrPort)
	// End closes the grant's allocations and refuses new ones.
	End(id protocol.GrantID)
}

// plans says how a project's sessions may go now, from memory. internal/usage implements it.
type plans interface {
	Plan(project protocol.ProjectID) record.Plan
}

// grants says which devices are shared with which other projects, and how their sessions may go, from memory: it never blocks.
// internal/access implements it.
type grants interface {
	// Granted returns the grant by which a project may look at a device of another; ok is false if there is none.
	Granted(device protocol.DeviceID, to protocol.ProjectID) (g record.DeviceGrant, ok bool)
	// DeviceTerms are how a device's sessions may go, within those of its project.
	DeviceTerms(device protocol.DeviceID) record.Terms
}

// tokens verifies viewer tokens without any look-up. auth.Keyring implements it.
type tokens interface {
	Verify(token string, now time.Time) (auth.Viewer, error)
}
