package turn

import (
	"fmt"
	"net/netip"

	"github.com/sightline-rtc/sightline/internal/special"
)

// minPeerPort is the lowest port of a peer: no browser or camera takes media on a system port (RFC 6335 section 6),
// but name servers, web servers and much else that a relay could be turned against listen there.
const minPeerPort = 1024

// refusal is why a relay may not talk to a peer; empty means that it may. The values label a metric.
type refusal string

// The refusals.
const (
	allowed          refusal = ""
	refusedMalformed refusal = "malformed"
	refusedPort      refusal = "port"
	refusedOwn       refusal = "own"
	refusedSpecial   refusal = "special"
	refusedStranger  refusal = "stranger"
	// These two are of the relay, not of the peer.
	refusedEnded      refusal = "ended"
	refusedPermission refusal = "permission"
)

// judge decides whom a relay may talk to. policy is the one there is; tests on loopback make exceptions from it.
type judge interface {
	// peer judges a transport address, as a packet has it.
	peer(netip.AddrPort) refusal
	// address judges all ports of an address at once, as a permission does.
	address(netip.Addr) refusal
}

// policy refuses every peer that is not on the public Internet or in an allowed range. An address is judged as what it
// says and as every IPv4 address that it carries; one refusal is enough.
type policy struct {
	// allow opens ranges, except what special.Never has and the host's own addresses.
	allow []netip.Prefix
	// own reports whether an address is this host's.
	own func(netip.Addr) bool
	// live reports whether a transport address is that of a live relay of ours: both ends of a session may be relayed.
	live func(netip.AddrPort) bool
}

func (p *policy) peer(peer netip.AddrPort) refusal {
	addr := peer.Addr().Unmap()
	if p.own(addr) && p.live(netip.AddrPortFrom(addr, peer.Port())) {
		return allowed
	}
	if peer.Port() < minPeerPort {
		return refusedPort
	}
	return p.address(addr)
}

func (p *policy) address(addr netip.Addr) refusal {
	if !addr.IsValid() || addr.Zone() != "" {
		return refusedMalformed
	}
	addr = addr.Unmap()
	if why := p.single(addr); why != allowed {
		return why
	}
	for _, inner := range special.Embedded(addr) {
		if why := p.single(inner); why != allowed {
			return why
		}
	}
	return allowed
}

func (p *policy) single(addr netip.Addr) refusal {
	switch {
	case special.Never(addr):
		return refusedSpecial
	case p.own(addr):
		return refusedOwn
	case special.Within(p.allow, addr):
		return allowed
	case special.Is(addr):
		return refusedSpecial
	}
	return allowed
}

// canonicalAllow brings the prefixes of an allow list into the form in which addresses are compared.
func canonicalAllow(list []netip.Prefix) ([]netip.Prefix, error) {
	var canonical []netip.Prefix
	for _, p := range list {
		switch {
		case !p.IsValid():
			return nil, fmt.Errorf("allow peers in %s: not a range of addresses", p)
		case p.Addr().Is4In6() && p.Bits() < 96:
			return nil, fmt.Errorf("allow peers in %s: write it as IPv4", p)
		case p.Addr().Is4In6():
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		canonical = append(canonical, p.Masked())
	}
	return canonical, nil
}
