package reach

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// assessInterval is the least time between two assessments of one network: some NATs give another port whenever they are
// asked, and an assessment can take 120 packets. unsureInterval is the same while the NAT's mapping is not known.
const (
	assessInterval = 5 * time.Minute
	unsureInterval = 30 * time.Second
)

// evidence is what an assessment rests on: another is due when it has changed.
type evidence struct {
	epoch  int
	mapped []netip.AddrPort
	opened netip.AddrPort // by the router
}

func (e evidence) equal(other evidence) bool {
	return e.same(other) && slices.Equal(e.mapped, other.mapped)
}

// same reports whether neither the network nor the router's mapping is another one.
func (e evidence) same(other evidence) bool {
	return e.epoch == other.epoch && e.opened == other.opened
}

// evidence is what is at hand now. It needs mu.
func (p *Port) evidence() evidence {
	e := evidence{epoch: p.epoch, opened: p.opened.UDP}
	for _, s := range p.servers {
		e.mapped = append(e.mapped, s.mapped)
	}
	return e
}

// assessor finds out what network this is whenever something has changed, until the context ends. It is never in the way
// of a call.
func (p *Port) assessor(ctx context.Context) {
	var last evidence
	var at time.Time
	wait := unsureInterval
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.asked:
		}
		p.mu.Lock()
		now, blocked := p.evidence(), p.network.UDPBlocked
		if len(now.mapped) == 0 {
			closeOnce(p.assessed) // no server is found: no more can be
		}
		p.mu.Unlock()
		early := now.same(last) && !blocked && time.Since(at) < wait
		if len(now.mapped) == 0 || now.equal(last) || early {
			continue
		}
		network, broken := p.assess(ctx)
		if ctx.Err() != nil {
			return
		}
		last, at, wait = now, time.Now(), assessInterval
		if network.Mapping == "" && !network.Public {
			wait = unsureInterval
		}
		p.change(func() {
			if p.epoch == now.epoch {
				p.network, p.broken = network, broken
				p.judged = true
				if now.same(p.evidence()) {
					closeOnce(p.assessed)
				}
			}
		})
	}
}

// assess runs the tests, those at once that do not disturb each other.
func (p *Port) assess(ctx context.Context) (n protocol.Network, broken bool) {
	v4, v6 := p.answering()
	if len(v4)+len(v6) == 0 {
		n.UDPBlocked = p.silent(ctx)
		return n, false
	}
	n.IPv6 = len(v6) > 0
	servers := v4
	if len(v4) == 0 {
		servers = v6
	}
	first := servers[0]
	n.Public = slices.Contains(p.Addresses(), first.mapped)
	n.PortPreserved = !n.Public && first.mapped.Port() == p.Number()
	tests := []func(){
		func() {
			p.withProbe(ctx, func(ctx context.Context, c *probe) { n.Filtering = c.filtering(ctx, first) })
		},
	}
	if !n.Public {
		tests = append(tests,
			func() { n.Mapping = p.mapping(ctx, servers) },
			func() { p.withProbe(ctx, func(ctx context.Context, c *probe) { n.Hairpin = p.hairpin(ctx, c, first) }) })
	}
	if len(v4) > 0 {
		tests = append(tests, func() { broken = p.shut(ctx, first) })
	}
	together(tests...)
	if n.Mapping == protocol.NATAddressDependent || n.Mapping == protocol.NATAddressAndPort {
		var ports []uint16
		for range 2 { // two sockets, because two servers alone give one step
			p.withProbe(ctx, func(ctx context.Context, c *probe) { ports = append(ports, c.ports(ctx, servers)...) })
		}
		n.PortStep = step(ports)
	}
	return n, broken
}

// together does several things at once, and waits.
func together(what ...func()) {
	var work sync.WaitGroup
	for _, do := range what {
		work.Go(do)
	}
	work.Wait()
}

// answering returns the servers that have answered, those that can tell most first.
func (p *Port) answering() (v4, v6 []server) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.servers {
		switch {
		case !s.mapped.IsValid():
		case s.address.Addr().Is4():
			v4 = append(v4, s)
		default:
			v6 = append(v6, s)
		}
	}
	for _, servers := range [][]server{v4, v6} {
		slices.SortStableFunc(servers, func(a, b server) int {
			switch {
			case a.other.IsValid() == b.other.IsValid():
				return 0
			case a.other.IsValid():
				return -1
			}
			return 1
		})
	}
	return v4, v6
}

// silent asks all servers with patience, and reports whether none of them answers.
func (p *Port) silent(ctx context.Context) bool {
	p.mu.Lock()
	servers := slices.Clone(p.servers)
	p.mu.Unlock()
	ctx, found := context.WithCancel(ctx)
	defer found()
	heard := make(chan struct{}, len(servers))
	each(servers, func(s server) {
		if _, err := p.conn.ask(ctx, question{to: s.address, times: patiently}); err == nil {
			heard <- struct{}{}
			found()
		}
	})
	if len(heard) > 0 {
		p.poke()
	}
	return len(heard) == 0 && len(servers) > 0
}

// Assessed returns when what Network says has been found out, or cannot be for want of a server, or when the context ends.
func (p *Port) Assessed(ctx context.Context) {
	p.mu.Lock()
	assessed := p.assessed
	p.mu.Unlock()
	select {
	case <-assessed:
	case <-ctx.Done():
	}
}

// Network returns what is known of the network that the device is in; zero while that is nothing.
func (p *Port) Network() protocol.Network {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known()
}

// known needs mu.
func (p *Port) known() protocol.Network {
	if !p.judged && p.opened.Protocol == "" {
		return protocol.Network{}
	}
	n := p.network
	n.MappingFault, n.DoubleNAT = p.fault, p.doubled()
	switch {
	case n.DoubleNAT:
		n.MappingFault = protocol.MappingDoubleNAT
	case p.broken && p.fault == "":
		n.MappingFault = protocol.MappingBroken
	case p.fault == "":
		n.PortMapping = p.opened.Protocol
		n.TCP = p.opened.TCP.IsValid()
	}
	n.TCP = n.TCP || p.listener != nil && n.Public && n.Filtering == protocol.NATEndpointIndependent
	return n
}
