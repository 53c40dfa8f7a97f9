package api

import (
	"time"

	"github.com/sightline-rtc/sightline/nat"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// Path is how a session's media goes, or how one end sees it.
type Path struct {
	Kind     protocol.PathKind `json:"kind" enum:"direct,relay"`
	Means    protocol.Means    `json:"means" doc:"What made the path: ice, predicted, mapped, ipv6, tcp, relay or other; there may be more one day"`
	Local    string            `json:"local" doc:"The type of the end's own candidate: host, srflx, prflx or relay. Of a session's path that is the viewer's, or the device's where only that has told"`
	Remote   string            `json:"remote" doc:"The type of the other end's candidate"`
	Protocol string            `json:"protocol" doc:"udp or tcp"`
	RTTMS    float64           `json:"rtt_ms,omitempty"`
	AfterMS  int64             `json:"after_ms,omitempty" doc:"How long after its open (a viewer) or its invite (a device) the end had the path"`
	Pairs    int               `json:"pairs,omitempty" doc:"How many candidate pairs the end has tried"`
}

// SessionDetails is a session and how its media went.
type SessionDetails struct {
	Session
	Policy       protocol.PathPolicy `json:"policy,omitempty" doc:"How it may go: direct_only, prefer_direct or relay_only"`
	RelayReason  *RelayReason        `json:"relay_reason,omitempty" doc:"Why it goes through the relay; absent while it does not"`
	FirstPathMS  int64               `json:"first_path_ms,omitempty" doc:"How long after the open there was a path"`
	DirectPathMS int64               `json:"direct_path_ms,omitempty" doc:"How long after the open there was a direct path; absent if there was none"`
	Direct       Carried             `json:"direct" doc:"What went directly, as the ends count it"`
	Relay        Carried             `json:"relay" doc:"What went through the relay, as the ends count it; the relay's own count is relayed"`
	Upgraded     bool                `json:"upgraded,omitempty" doc:"It began on the relay and left it when plain ICE would have stayed"`
	Paths        []PathChange        `json:"paths" nullable:"false" doc:"What the ends told, the oldest first"`
	PathsOmitted int                 `json:"paths_omitted,omitempty" doc:"How many are left out of the middle of paths"`
	Ends         Ends                `json:"ends"`
}

// RelayReason says why a session goes through the relay.
type RelayReason struct {
	Code nat.Reason `json:"code" doc:"policy, device_udp_blocked, viewer_udp_blocked, both_symmetric, symmetric_and_port_filter, not_yet, no_path_found or networks_unknown; there may be more one day"`
	Text string     `json:"text" doc:"The reason in words"`
}

// Carried is how much media went one way.
type Carried struct {
	TimeS float64 `json:"time_s"`
	Bytes uint64  `json:"bytes" doc:"RTP packets as the device sent them, or as the viewer got them where only it has told; up to some 10 s behind"`
}

// PathChange is what one end told of its path.
type PathChange struct {
	At    time.Time         `json:"at"`
	By    protocol.Role     `json:"by" enum:"device,viewer"`
	Path  Path              `json:"path" doc:"As that end sees it"`
	Kind  protocol.PathKind `json:"kind,omitempty" doc:"How the media went from then on, as both ends see it together: direct or relay; absent while the other end had yet to tell"`
	Means protocol.Means    `json:"means,omitempty"`
}

// Ends are the two ends of a session.
type Ends struct {
	Device End `json:"device"`
	Viewer End `json:"viewer"`
}

// End is what one end has told last.
type End struct {
	Path    *Path    `json:"path,omitempty"`
	Quality *Quality `json:"quality,omitempty" doc:"How the media went, as the end counts and measures it; nobody checks that it is so. Up to some 10 s behind"`
	Network *Network `json:"network,omitempty" doc:"The network that it is in"`
}

// Network is what an end knows of its network, and what that means.
type Network struct {
	protocol.Network
	Kind   nat.Kind  `json:"kind" doc:"open, firewall, full_cone, address_restricted, port_restricted, symmetric_sequential, symmetric, udp_blocked or unknown; there may be more one day"`
	Text   string    `json:"text" doc:"The kind in words"`
	Advice []string  `json:"advice,omitempty" nullable:"false" doc:"What would let more viewers reach the device directly"`
	Told   time.Time `json:"told,omitzero" doc:"Since when it is like that, as far as the device has told"`
}

func sessionDetails(s record.Session, now time.Time) SessionDetails {
	a := &s.Account
	out := SessionDetails{
		Session: session(s), Policy: a.Policy, RelayReason: relayReason(s, now),
		FirstPathMS: a.FirstPath().Milliseconds(), DirectPathMS: a.DirectPath().Milliseconds(), Upgraded: a.Upgraded,
		Direct: carried(a.On(protocol.PathDirect)), Relay: carried(a.On(protocol.PathRelay)),
		Paths: each(a.Changes, pathChange), PathsOmitted: a.Omitted,
		Ends: Ends{Device: end(a.Device), Viewer: end(a.Viewer)},
	}
	return out
}

// relayReason is nil for a session that does not go through the relay, or did not in the end.
func relayReason(s record.Session, now time.Time) *RelayReason {
	if s.Account.Kind != protocol.PathRelay {
		return nil
	}
	if !s.Ended.IsZero() {
		now = s.Ended
	}
	device, viewer := s.Account.Networks()
	code := nat.RelayReason(device, viewer, s.Account.Policy).After(now.Sub(s.Account.Relayed))
	return &RelayReason{Code: code, Text: code.Words()}
}

func carried(t time.Duration, bytes uint64) Carried {
	return Carried{TimeS: t.Round(time.Millisecond).Seconds(), Bytes: bytes}
}

func pathChange(c record.PathChange) PathChange {
	return PathChange{At: c.At, By: c.By, Path: Path(c.Path), Kind: c.Kind, Means: c.Means}
}

func end(e record.End) End {
	out := End{Network: network(e.Network), Quality: quality(e.Quality)}
	if e.Path.Kind != "" {
		path := Path(e.Path)
		out.Path = &path
	}
	return out
}

// network is nil where nothing is known.
func network(n *protocol.Network) *Network {
	if n == nil {
		return nil
	}
	kind := nat.KindOf(*n)
	return &Network{Network: *n, Kind: kind, Text: kind.Words()}
}
