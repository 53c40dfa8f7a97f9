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

// evidence is what is at hand now: what the servers of one family see, of IPv4 if there are any. It needs mu.
func (p *Port) evidence() evidence {
	e := evidence{epoch: p.epoch, opened: p.opened.UDP}
	for _, s := range p.family() {
		e.mapped = append(e.mapped, s.mapped)
	}
	return e
}

// complete reports whether no more evidence is to be had for now: the servers have answered, or had time to. It needs mu.
func (p *Port) complete() bool {
	select {
	case <-p.settled:
		return true
	default:
		servers := p.family()
		return len(servers) > 0 && !slices.ContainsFunc(servers, func(s server) bool { return !s.mapped.IsValid() })
	}
}

// family are the servers of IPv4, or those of IPv6 where there are no others. It needs mu.
func (p *Port) family() []server {
	is4 := slices.ContainsFunc(p.servers, func(s server) bool { return s.address.Addr().Is4() })
	var servers []server
	for _, s := range p.servers {
		if s.address.Addr().Is4() == is4 {
			servers = append(servers, s)
		}
	}
	return servers
}

// verdict is what the last assessment rested on, when it was, and how long it holds although the evidence has changed.
type verdict struct {
	on   evidence
	at   time.Time
	life time.Duration
}

// assessor finds out what network this is whenever something has changed, until the context ends. It is never in the way
// of a call.
func (p *Port) assessor(ctx context.Context) {
	var last verdict
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.asked:
		}
		now, due := p.due(last)
		if !due || !p.assess(ctx, now) {
			continue
		}
		last = verdict{now, time.Now(), assessInterval}
		if n := p.Network(); n.Mapping == "" && !n.Public {
			last.life = unsureInterval
		}
	}
}

// due reports whether the network has to be assessed anew, and by what.
func (p *Port) due(last verdict) (now evidence, due bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now = p.evidence()
	switch {
	case !p.complete():
		return now, false
	case len(now.mapped) == 0:
		closeOnce(p.assessed) // no server is found: no more can be
		return now, false
	case now.equal(last.on):
		return now, false
	}
	urgent := p.network.UDPBlocked || p.doubtful || !now.same(last.on)
	if !urgent && time.Since(last.at) < last.life {
		return now, false
	}
	p.doubtful = false
	return now, true
}

// assess runs the tests: first those that tell what a call that comes now must know, and then those that wait for silence.
// It reports whether it came to its end in the same network.
func (p *Port) assess(ctx context.Context, e evidence) bool {
	servers := p.answering()
	if len(servers) == 0 {
		p.judge(e, protocol.Network{UDPBlocked: true}, false)
		blocked := p.silent(ctx)
		return ctx.Err() == nil && p.judge(e, protocol.Network{UDPBlocked: blocked}, blocked) && blocked
	}
	n := p.translation(ctx, servers)
	if ctx.Err() != nil || !p.judge(e, n, false) {
		return false
	}
	var broken bool
	first := servers[0]
	tests := []func(){
		func() {
			p.withProbe(ctx, func(ctx context.Context, c *probe) { n.Filtering = c.filtering(ctx, first) })
		},
		func() { broken = p.shut(ctx, first) },
	}
	if !n.Public {
		tests = append(tests, func() {
			p.withProbe(ctx, func(ctx context.Context, c *probe) { n.Hairpin = p.hairpin(ctx, c, first) })
		})
	}
	together(tests...)
	if ctx.Err() != nil {
		return false
	}
	p.change(func() { p.broken = broken && e.same(p.evidence()) })
	return p.judge(e, n, true)
}

// judge puts what was found out in place, unless it was in another network, which it reports. whole says that nothing is
// left to be found out.
func (p *Port) judge(e evidence, n protocol.Network, whole bool) (here bool) {
	p.change(func() {
		if here = p.epoch == e.epoch; !here {
			return
		}
		if !whole && !n.UDPBlocked { // what was known stays until it is known better
			n.Filtering, n.Hairpin = p.network.Filtering, p.network.Hairpin
		}
		p.network, p.judged = n, true
		if whole && e.same(p.evidence()) {
			closeOnce(p.assessed)
		}
	})
	return here
}

// translation finds out what the NAT does with the port's address.
func (p *Port) translation(ctx context.Context, servers []server) protocol.Network {
	var n protocol.Network
	first := servers[0]
	if n.Public = slices.Contains(p.Addresses(), first.mapped); n.Public {
		return n
	}
	n.PortPreserved = first.mapped.Port() == p.Number()
	n.Mapping = p.mapping(ctx, servers)
	if n.Mapping == protocol.NATAddressDependent || n.Mapping == protocol.NATAddressAndPort {
		var ports []uint16
		for range 2 { // two sockets, because two servers alone give one step
			p.withProbe(ctx, func(ctx context.Context, c *probe) { ports = append(ports, c.ports(ctx, servers)...) })
		}
		n.PortStep = step(ports)
	}
	return n
}

// together does several things at once, and waits.
func together(what ...func()) {
	var work sync.WaitGroup
	for _, do := range what {
		work.Go(do)
	}
	work.Wait()
}

// answering returns the servers of one family that have answered, those that can tell most first.
func (p *Port) answering() []server {
	p.mu.Lock()
	servers := slices.DeleteFunc(p.family(), func(s server) bool { return !s.mapped.IsValid() })
	if len(servers) == 0 {
		servers = slices.DeleteFunc(slices.Clone(p.servers), func(s server) bool { return !s.mapped.IsValid() })
	}
	p.mu.Unlock()
	slices.SortStableFunc(servers, func(a, b server) int {
		switch {
		case a.other.IsValid() == b.other.IsValid():
			return 0
		case a.other.IsValid():
			return -1
		}
		return 1
	})
	return servers
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
	n.IPv6 = slices.ContainsFunc(p.servers, func(s server) bool { return s.mapped.Addr().Is6() })
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
