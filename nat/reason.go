package nat

import (
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// Reason says why a session goes through a relay. The codes are stable; there may be more one day.
type Reason string

// The reasons.
const (
	// ReasonPolicy: the session may go no other way.
	ReasonPolicy Reason = "policy"
	// ReasonDeviceUDPBlocked and ReasonViewerUDPBlocked: the network of that end lets no UDP through.
	ReasonDeviceUDPBlocked Reason = "device_udp_blocked"
	ReasonViewerUDPBlocked Reason = "viewer_udp_blocked"
	// ReasonBothSymmetric: both NATs give every destination a port of its own.
	ReasonBothSymmetric Reason = "both_symmetric"
	// ReasonSymmetricAndPortFilter: one NAT does, and the other end's lets in only the address and port that were written to.
	ReasonSymmetricAndPortFilter Reason = "symmetric_and_port_filter"
	// ReasonNotYet: the direct path is still being looked for.
	ReasonNotYet Reason = "not_yet"
	// ReasonNoPathFound: what is known of the two networks allows a direct path, and none was found.
	ReasonNoPathFound Reason = "no_path_found"
	// ReasonUnknown: too little is known of the two networks.
	ReasonUnknown Reason = "networks_unknown"
)

// RelayReason returns why two ends that use a relay need one, judging by what they know of their networks. It never returns
// ReasonNotYet: see After.
func RelayReason(device, viewer protocol.Network, policy protocol.PathPolicy) Reason {
	switch {
	case policy == protocol.PathRelayOnly:
		return ReasonPolicy
	case device.UDPBlocked:
		return ReasonDeviceUDPBlocked
	case viewer.UDPBlocked:
		return ReasonViewerUDPBlocked
	case opened(device) || opened(viewer):
		return ReasonNoPathFound
	case symmetric(device) && symmetric(viewer):
		return ReasonBothSymmetric
	case symmetric(device) && filtersPorts(viewer), symmetric(viewer) && filtersPorts(device):
		return ReasonSymmetricAndPortFilter
	case device == (protocol.Network{}) || viewer == (protocol.Network{}):
		return ReasonUnknown
	}
	return ReasonNoPathFound
}

// Words says the reason in a sentence, for people; empty for a code that this version does not know.
func (r Reason) Words() string { return reasons[r] }

var reasons = map[Reason]string{
	ReasonPolicy:                 "The policy of this session allows the relay only.",
	ReasonDeviceUDPBlocked:       "The camera's network lets no UDP through, and nothing else of it was reached from outside.",
	ReasonViewerUDPBlocked:       "The viewer's network lets no UDP through, and no TCP way to the camera was found.",
	ReasonBothSymmetric:          "The routers of both ends use another port for every destination (symmetric NAT), so that neither can tell the other where it will be.",
	ReasonSymmetricAndPortFilter: "One end's router uses another port for every destination (symmetric NAT), and the other end's lets in only the very port that it has written to. A port mapping on either router would open the direct path.",
	ReasonNotYet:                 "The direct path is still being looked for.",
	ReasonNoPathFound:            "As far as the two networks are known a direct path should be possible, but none was found: a firewall, a router that forgets sooner than others, or loss.",
	ReasonUnknown:                "Too little is known of the two networks to say why no direct path was found.",
}

// opened reports whether everybody can write to the end, so that the other one's NAT does not matter.
func opened(n protocol.Network) bool {
	return n.PortMapping != "" || n.Filtering == protocol.NATEndpointIndependent &&
		(n.Public || n.Mapping == protocol.NATEndpointIndependent)
}

// symmetric is a mapping that another destination cannot be told of (RFC 4787 section 4.1).
func symmetric(n protocol.Network) bool {
	return n.Mapping == protocol.NATAddressDependent || n.Mapping == protocol.NATAddressAndPort
}

// filtersPorts takes a network of which the filtering is not known for the usual kind: a browser has no means to find out.
// One that is known to filter by address alone lets a symmetric peer in.
func filtersPorts(n protocol.Network) bool {
	return n.Filtering == protocol.NATAddressAndPort || n.Filtering == "" && n != (protocol.Network{})
}

// looking is how long the direct path of a session that has a relay is looked for: checks go on every few seconds, and by
// then every way has been tried several times.
const looking = 30 * time.Second

// After returns the reason for a session that has been on the relay for so long: at first a path that could be there may
// only not have been found yet.
func (r Reason) After(relayed time.Duration) Reason {
	if relayed < looking && (r == ReasonNoPathFound || r == ReasonUnknown) {
		return ReasonNotYet
	}
	return r
}
