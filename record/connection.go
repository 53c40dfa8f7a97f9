package record

import (
	"net/netip"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// Connection is one socket of a device, open or ended: what somebody looks at who asks why a camera drops.
type Connection struct {
	// ID names the connection, unique over all devices and time.
	ID     string
	Device protocol.DeviceID
	// Link is what the socket carried. A link that is resumed has had several connections.
	Link       protocol.LinkID
	Generation uint64
	// Address is where the socket came from, past trusted proxies; it may be invalid.
	Address   netip.Addr
	Transport protocol.Transport
	// Fallback is why it is no WebSocket, as the device says; nil if it is one.
	Fallback *protocol.Fallback
	// Program is what the device says of its software.
	Program protocol.Client

	Opened time.Time
	Closed time.Time
	// Cause is why it ended, in a word for programs, and Detail in some for people. Both are empty while it is open.
	Cause  Cause
	Detail string
	// Bye says that the device announced its end.
	Bye bool
}

// Cause is why a connection ended.
type Cause string

// The causes. docs/operations.md says what to do about each.
const (
	CauseBye        Cause = "bye"        // the device said that it goes
	CauseLost       Cause = "lost"       // the socket ended from the device's side or on the way, without a bye
	CauseSilent     Cause = "silent"     // nothing was heard for the ping interval and its grace
	CauseTooSlow    Cause = "too_slow"   // the device did not read what it was sent
	CauseReplaced   Cause = "replaced"   // the device came on another socket and named this one's link
	CauseSuperseded Cause = "superseded" // somebody with the same device key opened a newer link
	CauseRevoked    Cause = "revoked"    // the device was removed
	CauseGoingAway  Cause = "going_away" // the server stopped
	CauseProtocol   Cause = "protocol"   // the device sent what it must not
	CauseInternal   Cause = "internal"   // a fault of the server
	CauseHubLost    Cause = "hub_lost"   // the server ended without closing it
)

// Presence is a change of a device's presence, as a hub has seen it.
type Presence struct {
	Device     protocol.DeviceID
	Status     protocol.Status
	Generation uint64
	// At is when it changed, Since from when on the device is online or when it was last seen.
	At, Since time.Time
	// Transport is the door by which it is online.
	Transport protocol.Transport
	// Cause is why its last connection ended, where it is not online.
	Cause Cause
}

// Alert is what a person should look at of a device.
type Alert struct {
	Device protocol.DeviceID
	Kind   AlertKind
	At     time.Time
}
