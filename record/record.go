// Package record holds what the store keeps, as plain types without behaviour of their own.
//
// Times are UTC. A zero time means "not yet" or "never".
package record

import (
	"cmp"
	"crypto/ed25519"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// Project is a partner's own space.
type Project struct {
	ID      protocol.ProjectID
	Name    string
	Created time.Time
}

// Device is a camera that has enrolled.
type Device struct {
	ID        protocol.DeviceID
	Project   protocol.ProjectID
	Name      string
	Model     string
	PublicKey ed25519.PublicKey
	// Generation counts the device's links.
	Generation uint64
	Created    time.Time
	LastSeen   time.Time
	Revoked    time.Time
	// Terms are how its sessions may go, within those of the project. They bind every token.
	Terms Terms
	// Network is what the device last told of the network that it is in, and NetworkTold when; nil before it has.
	Network     *protocol.Network
	NetworkTold time.Time
	// Bearer is when the device's bearer token was made, of which PublicKey is then kept; zero for a device with an agent.
	Bearer time.Time
}

// DeviceNetwork is what a device has told of the network that it is in.
type DeviceNetwork struct {
	Device  protocol.DeviceID
	Network protocol.Network
	Told    time.Time
}

// SessionKind tells sessions that people look through from those that a measuring tool asked for.
type SessionKind string

// The kinds of a session.
const (
	SessionLive SessionKind = "live"
	SessionTest SessionKind = "test"
)

// Session is one viewer looking at one device.
type Session struct {
	ID   protocol.SessionID
	Kind SessionKind
	// Project is the viewer's.
	Project protocol.ProjectID
	Device  protocol.DeviceID
	// DeviceProject is the device's where that is another, which shares it; empty where both are one. Payer is who pays for
	// the relay where that is not Project: PaidBy says it for all sessions.
	DeviceProject protocol.ProjectID
	Payer         protocol.ProjectID
	// Key is the API key that minted the viewer's token, or the partner key that signed it; Viewer is the token's subject.
	Key    protocol.KeyID
	Viewer string
	Rights []protocol.Right
	// Door is what the viewer came by; empty for a test session.
	Door protocol.Transport
	// Owner is the SHA-256 of the viewer's owner secret.
	Owner []byte
	Media protocol.Media
	// Terms are those of the viewer's token.
	Terms Terms
	// ViewerGrant and DeviceGrant are the relay grants of the two ends.
	ViewerGrant protocol.GrantID
	DeviceGrant protocol.GrantID

	Created time.Time
	Expires time.Time
	// Answered is when the device's first answer passed.
	Answered time.Time
	Ended    time.Time
	Reason   protocol.Reason
	// Path is how the media goes, as both ends see it together; the rest of it is as the viewer tells, or the device where
	// only that has told.
	Path protocol.Path
	// Account is how it went. Lists leave it out.
	Account Account
	// Relayed is what went through the relay, all allocations of both grants together. The store fills it.
	Relayed Traffic
}

// PaidBy is the project whose relay budget the session uses.
func (s *Session) PaidBy() protocol.ProjectID { return cmp.Or(s.Payer, s.Project) }

// Traffic counts payload: the data of ChannelData and Data or Send indications, without any header.
// Up is from the TURN client to its peer.
type Traffic struct {
	UpBytes, UpPackets     uint64
	DownBytes, DownPackets uint64
}

// Usage is the cumulative count of one relay allocation: recording it twice is harmless.
type Usage struct {
	// Allocation names the allocation, unique over all nodes and time.
	Allocation string
	Grant      protocol.GrantID
	// Project is whose grant it is; empty where only the grant's session tells.
	Project protocol.ProjectID
	Role    protocol.Role
	// Transport is how the TURN client reaches the relay: udp, tcp or tls.
	Transport string
	Traffic   Traffic
	Started   time.Time
	Updated   time.Time
	// Ended is set with the last count.
	Ended time.Time
	// Cut says that it ended because the relay did, not because its client or session had.
	Cut bool
}

// SigningKey is the server's own: it signs the viewer tokens that API keys ask for.
type SigningKey struct {
	ID      string
	Private ed25519.PrivateKey
	Created time.Time
}

// RelaySecret signs TURN credentials.
type RelaySecret struct {
	ID      string
	Secret  []byte
	Created time.Time
}

// RelaySecretOverlap is how long a relay secret makes allocations after its successor was made: the longest life of
// credentials, an hour for those of measuring tools, and five minutes in which all processes get to know the successor.
const RelaySecretOverlap = 65 * time.Minute
