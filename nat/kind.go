package nat

import "github.com/sightline-rtc/sightline/protocol"

// Kind is the class of a network, by how far strangers can come in. The codes are stable; there may be more one day.
type Kind string

// The kinds, the most open first.
const (
	// KindOpen: a public address, and no firewall before it.
	KindOpen Kind = "open"
	// KindFirewall: a public address, and a firewall that lets answers in.
	KindFirewall Kind = "firewall"
	// KindFullCone, KindAddressRestricted and KindPortRestricted: a NAT with one port for all destinations, which lets in
	// everybody, every address that was written to, or every address and port.
	KindFullCone          Kind = "full_cone"
	KindAddressRestricted Kind = "address_restricted"
	KindPortRestricted    Kind = "port_restricted"
	// KindSymmetricSequential: a NAT with another port for each destination, of which the next one can be foretold.
	KindSymmetricSequential Kind = "symmetric_sequential"
	// KindSymmetric: the same without a pattern.
	KindSymmetric Kind = "symmetric"
	// KindUDPBlocked: nothing comes back over UDP.
	KindUDPBlocked Kind = "udp_blocked"
	// KindUnknown: too little has been found out.
	KindUnknown Kind = "unknown"
)

// KindOf returns the class of a network. Where the filtering is not known, it is taken for the strict one that most
// routers have.
func KindOf(n protocol.Network) Kind {
	open, byAddress := n.Filtering == protocol.NATEndpointIndependent, n.Filtering == protocol.NATAddressDependent
	switch {
	case n.UDPBlocked:
		return KindUDPBlocked
	case n.Public && open:
		return KindOpen
	case n.Public:
		return KindFirewall
	case symmetric(n) && n.PortStep != 0:
		return KindSymmetricSequential
	case symmetric(n):
		return KindSymmetric
	case n.Mapping != protocol.NATEndpointIndependent:
		return KindUnknown
	case open:
		return KindFullCone
	case byAddress:
		return KindAddressRestricted
	}
	return KindPortRestricted
}

// Words says the kind in a sentence, for people; empty for a code that this version does not know.
func (k Kind) Words() string { return kinds[k] }

var kinds = map[Kind]string{
	KindOpen:                "The address is public and no firewall stands before it: everybody gets through directly.",
	KindFirewall:            "The address is public, but a firewall may let in only answers: viewers get through directly unless their own router uses another port for every destination.",
	KindFullCone:            "The router keeps one port for all destinations and lets everybody in by it: everybody gets through directly.",
	KindAddressRestricted:   "The router keeps one port for all destinations and lets in whom was written to: nearly everybody gets through directly.",
	KindPortRestricted:      "The router keeps one port for all destinations and lets in only answers: viewers get through directly unless their own router uses another port for every destination.",
	KindSymmetricSequential: "The router uses another port for every destination (symmetric NAT), one after the other: most viewers get through directly, by a guess at the next one.",
	KindSymmetric:           "The router uses another port, at random, for every destination (symmetric NAT): only viewers get through directly whose own router lets in other ports than those it has written to.",
	KindUDPBlocked:          "Nothing comes back over UDP: pictures go through the relay, or over TCP.",
	KindUnknown:             "What the router does could not be found out.",
}
