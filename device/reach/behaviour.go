package reach

import (
	"context"
	"net/netip"
	"slices"

	"github.com/sightline-rtc/sightline/protocol"
)

// mapping finds out what the address that a NAT gives depends on (RFC 5780 section 4.3), by the port's own addresses: what
// another end of the same server sees, else what another server sees, else what the same one sees at another port. servers
// have answered, and are of one family.
func (p *Port) mapping(ctx context.Context, servers []server) protocol.NATBehaviour {
	first := servers[0]
	if first.other.IsValid() && first.other.Addr() != first.address.Addr() {
		elsewhere, err := p.seenBy(ctx, netip.AddrPortFrom(first.other.Addr(), first.address.Port()))
		switch {
		case err != nil:
		case elsewhere == first.mapped:
			return protocol.NATEndpointIndependent
		default:
			last, err := p.seenBy(ctx, first.other)
			if err == nil && last == elsewhere {
				return protocol.NATAddressDependent
			}
			return protocol.NATAddressAndPort
		}
	}
	if len(servers) < 2 {
		return ""
	}
	n := slices.IndexFunc(servers, func(s server) bool { return s.address.Addr() != first.address.Addr() })
	if servers[max(n, 1)].mapped == first.mapped {
		return protocol.NATEndpointIndependent // with one address: or by address alone, which is rare
	}
	return protocol.NATAddressAndPort // with one port: or by address alone, which is no better for whoever calls
}

func (p *Port) seenBy(ctx context.Context, server netip.AddrPort) (netip.AddrPort, error) {
	a, err := p.conn.ask(ctx, question{to: server, times: patiently})
	return a.mapped, err
}

// filtering finds out whose packets a NAT or a firewall lets in (RFC 5780 section 4.4), on a throw-away socket that has
// sent to nobody but the server. It returns nothing when the server cannot tell.
func (c *probe) filtering(ctx context.Context, s server) protocol.NATBehaviour {
	if _, err := c.ask(ctx, question{to: s.address, times: patiently}); err != nil {
		return ""
	}
	var both, port reply
	together(
		func() {
			both.answer, both.err = c.ask(ctx, question{to: s.address, change: changeAddress | changePort, times: patiently})
		},
		func() {
			port.answer, port.err = c.ask(ctx, question{to: s.address, change: changePort, times: patiently})
		},
	)
	able := s.other.IsValid() || both.refused // silence of a server that does not know the question is no filter
	switch {
	case ctx.Err() != nil:
		return ""
	case both.came() && both.from.Addr() != s.address.Addr():
		return protocol.NATEndpointIndependent
	case both.came(), port.refused, port.came() && port.from == s.address, !able:
		return ""
	case port.came():
		return protocol.NATAddressDependent
	}
	return protocol.NATAddressAndPort
}

// reply is an answer, or why there is none.
type reply struct {
	answer
	err error
}

func (r reply) came() bool { return r.err == nil && !r.refused }

// hairpin reports whether the NAT turns packets around that are for its own outside. The two sockets send to each other's
// address outside, so that no filter can be what keeps them apart.
func (p *Port) hairpin(ctx context.Context, c *probe, s server) bool {
	there, err := c.ask(ctx, question{to: s.address, times: patiently})
	if err != nil {
		return false
	}
	_, err = p.conn.ask(ctx, question{to: s.mapped, times: patiently, send: func(request []byte) error {
		if _, err := p.conn.WriteToAddrPort([]byte{0}, there.mapped); err != nil {
			return err
		}
		_, err := c.WriteToAddrPort(request, s.mapped)
		return err
	}})
	return err == nil
}

// maxStep is the widest step that counts as a pattern. Ports drawn from 65,536 come that close twice once in a million
// times.
const maxStep = 16

// step returns by how much each new mapping's port is above the one before it, 0 if there is no pattern.
func step(ports []uint16) int {
	var least, seen int
	for i := 1; i < len(ports); i++ {
		by := int(ports[i]) - int(ports[i-1])
		switch {
		case by == 0: // one mapping for both
			continue
		case by < 0 || by > maxStep:
			return 0
		case least == 0 || by < least:
			least = by
		}
		seen++
	}
	if seen < 2 {
		return 0
	}
	return least
}

// ports asks one server after another what port a throw-away socket has, the ends of the servers included.
func (c *probe) ports(ctx context.Context, servers []server) []uint16 {
	var ports []uint16
	for _, to := range ends(servers) {
		if a, err := c.ask(ctx, question{to: to}); err == nil {
			ports = append(ports, a.mapped.Port())
		}
	}
	return ports
}

// ends are all addresses and ports that servers are known to answer at, with each first those of one address.
func ends(servers []server) []netip.AddrPort {
	var all []netip.AddrPort
	for _, s := range servers {
		ends := []netip.AddrPort{s.address}
		if s.other.IsValid() {
			ends = append(ends, netip.AddrPortFrom(s.address.Addr(), s.other.Port()),
				netip.AddrPortFrom(s.other.Addr(), s.address.Port()), s.other)
		}
		for _, end := range ends {
			if !slices.Contains(all, end) {
				all = append(all, end)
			}
		}
	}
	return all[:min(len(all), maxEnds)]
}

// maxEnds is how many of them a pattern is looked for at.
const maxEnds = 4
