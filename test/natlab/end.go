//go:build linux

package natlab

import (
	"fmt"
	"net/netip"
)

// end is a device or a viewer with what stands before it.
type end struct {
	side   Side
	number byte
	kind   Type
	// router and carrier are there only if the kind has them.
	host, router, carrier *Host
	neighbour             *end
	// wan is where the internet sees the end: the address of its outermost router. Zero before it was built.
	wan netip.Addr
}

func (t *Town) end(side Side, number byte) *end {
	name := string(side)
	return &end{
		side: side, number: number, host: t.host(name), router: t.host(name + "-router"), carrier: t.host(name + "-carrier"),
	}
}

// home is the end whose router this end is behind.
func (e *end) home() *end {
	if e.kind == SameLAN {
		return e.neighbour
	}
	return e
}

// online: the end has a link to the internet of its own.
func (e *end) online() bool { return e.kind != SameLAN && e.kind != SameCarrier }

// net is the network that the end's host is in.
func (e *end) net() netip.Prefix {
	if e.kind.public() {
		return publicNet(e.number)
	}
	return homeNet(e.number)
}

// building is a town whose ends are being sketched.
type building struct {
	*Town
	*sketch

	internet *machine
	homes    map[*end]*machine // routers of ends
	carriers map[*end]*machine
}

// ends sketches everything between the internet and the two hosts.
func (t *Town) ends(s *sketch, internet, device, viewer *machine) error {
	t.device.kind, t.viewer.kind, t.viewer.neighbour = t.config.Device, t.config.Viewer, t.device
	t.device.wan, t.viewer.wan = outside(t.device.number), outside(t.viewer.number)
	b := building{Town: t, sketch: s, internet: internet, homes: make(map[*end]*machine), carriers: make(map[*end]*machine)}
	for _, e := range []*end{t.device, t.viewer} {
		if err := b.routers(e); err != nil {
			return err
		}
	}
	b.move(t.device, device)
	b.move(t.viewer, viewer)
	return nil
}

// routers sketches the routers of an end.
func (b *building) routers(e *end) error {
	switch {
	case e.kind == SameLAN:
		return nil
	case e.kind == SameCarrier:
		return b.subscribe(e, e.neighbour)
	case carriers[e.kind] != "":
		carrier, err := b.router(e.carrier, b.outermost(e))
		if err != nil {
			return err
		}
		b.carriers[e] = carrier
		b.connect(e, carrier)
		return b.subscribe(e, e)
	default:
		router, err := b.router(e.router, b.outermost(e))
		if err != nil {
			return err
		}
		b.homes[e] = router
		b.connect(e, router)
		return nil
	}
}

// outermost is what an end has between itself and the internet's router.
func (t *Town) outermost(e *end) gate {
	if kind := carriers[e.kind]; kind != "" {
		return t.gate(gate{kind: kind, wan: e.wan, lan: carrierNet(e.number), carries: true})
	}
	return t.gate(gate{kind: e.kind, wan: e.wan, lan: e.net()})
}

// gate is one as the town has them.
func (t *Town) gate(g gate) gate {
	g.hairpin, g.keep = t.config.Hairpin, t.config.UDPTimeout
	return g
}

// router sketches a router with an inside, whose address is the network's first.
func (b *building) router(h *Host, g gate) (*machine, error) {
	rules, err := g.ruleset()
	if err != nil {
		return nil, fmt.Errorf("rules of %s: %w", h.Name, err)
	}
	m := b.add(h, append(forwarding(), forgetting(b.config.UDPTimeout)...))
	m.ruleset = rules
	h.cone = g.remembers()
	m.run("link add lan0 type bridge mcast_snooping 0")
	m.run("link set lan0 up")
	m.run("addr add %s/%d dev lan0", nth(g.lan, 1), g.lan.Bits())
	if b.config.IPv6 {
		m.run("addr add %s/64 dev lan0 nodad", linkGateway)
	}
	return m, nil
}

// connect puts an end's outermost router on the internet. Its address is a network of its own: whatever two ends say to
// each other passes the internet's router, as a real hop.
func (b *building) connect(e *end, outermost *machine) {
	port := string(e.side)
	b.wire(b.internet, port, outermost, "wan0")
	b.internet.run("link set dev %s up", port)
	b.internet.run("addr add %s/32 dev %s", internetGateway, port)
	b.internet.run("route add %s dev %s", e.wan, port)
	outermost.run("link set wan0 up")
	outermost.run("addr add %s/32 dev wan0", e.wan)
	outermost.run("route add default via %s dev wan0 onlink", internetGateway)
	if e.kind.public() {
		b.internet.run("route add %s via %s dev %s onlink", e.net(), e.wan, port)
	}
	if b.config.IPv6 {
		below := linkGateway.Next()
		b.internet.run("addr add %s/64 dev %s nodad", linkGateway, port)
		b.internet.run("route add %s via %s dev %s", outside6(e.number), below, port)
		b.internet.run("route add %s via %s dev %s", homeNet6(e.number), below, port)
		outermost.run("addr add %s/64 dev wan0 nodad", below)
		outermost.run("addr add %s/128 dev wan0 nodad", outside6(e.number))
		outermost.run("route add default via %s dev wan0", linkGateway)
	}
}

// subscribe puts a home behind the carrier of an end, its own or its neighbour's.
func (b *building) subscribe(e, of *end) error {
	network := carrierNet(of.number)
	wan := nth(network, 1+e.number)
	router, err := b.router(e.router, b.gate(gate{kind: PortRestricted, wan: wan, lan: e.net()}))
	if err != nil {
		return err
	}
	b.homes[e] = router
	carrier := b.carriers[of]
	port := "home" + string(e.side)
	b.wire(carrier, port, router, "wan0")
	carrier.run("link set dev %s up master lan0", port)
	router.run("link set wan0 up")
	router.run("addr add %s/%d dev wan0", wan, network.Bits())
	router.run("route add default via %s", nth(network, 1))
	if b.config.IPv6 {
		link := nth(netip.PrefixFrom(linkGateway, 64), e.number)
		router.run("addr add %s/64 dev wan0 nodad", link)
		router.run("route add default via %s dev wan0", linkGateway)
		carrier.run("route add %s via %s dev lan0", homeNet6(e.number), link)
		if e != of {
			b.internet.run("route add %s via %s dev %s", homeNet6(e.number), linkGateway.Next(), of.side)
		}
	}
	return nil
}

// move puts an end's host behind the router of its home.
func (b *building) move(e *end, host *machine) {
	home := e.home()
	router := b.homes[home]
	port := "host" + string(e.side)
	b.wire(router, port, host, "eth0")
	router.run("link set dev %s up master lan0", port)
	network := home.net()
	if b.config.IPv6 && e == home {
		router.run("addr add %s/64 dev lan0 nodad", nth(homeNet6(e.number), 1))
	}
	h := e.host
	h.Addr, h.bits, h.gateway = nth(network, 1+e.number), network.Bits(), nth(network, 1)
	h.addr6, h.gateway6 = netip.Addr{}, netip.Addr{}
	if b.config.IPv6 {
		h.addr6, h.bits6, h.gateway6 = nth(homeNet6(home.number), 1+e.number), 64, linkGateway
	}
	host.with(h.plug())
}
