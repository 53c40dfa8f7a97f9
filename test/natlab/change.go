//go:build linux

package natlab

import (
	"context"
	"fmt"
	"net/netip"
)

// Add gives the host another address of its network, besides those that it has.
func (h *Host) Add(ctx context.Context, addr netip.Addr) error {
	return batch(ctx, h.Namespace, h.own(addr))
}

// Readdress gives the host another address of its network, of either family, in place of all that it has, as a new lease
// does. What was bound to the old ones is cut off. It must not be called while others look at its addresses.
func (h *Host) Readdress(ctx context.Context, addr netip.Addr) error {
	if addr.Is6() {
		h.addr6 = addr
	} else {
		h.Addr = addr
	}
	return batch(ctx, h.Namespace, "addr flush dev eth0\n"+h.plug())
}

// Unplug takes the host off its network until Plug.
func (h *Host) Unplug(ctx context.Context) error {
	return batch(ctx, h.Namespace, "link set eth0 down\n")
}

// Plug puts the host back on its network, with the address that it had.
func (h *Host) Plug(ctx context.Context) error {
	if err := batch(ctx, h.Namespace, "link set eth0 down\naddr flush dev eth0\n"+h.plug()); err != nil {
		return err
	}
	return h.ready(ctx)
}

// LeaveIPv4 takes the host's IPv4 address away until Plug.
func (h *Host) LeaveIPv4(ctx context.Context) error {
	return batch(ctx, h.Namespace, fmt.Sprintf("addr del %s/%d dev eth0\n", h.Addr, h.bits))
}

// Renumber gives the outermost router of an end another IPv4 address outside in place of the one that it has, as a provider
// does at night: what was mapped to the old one is gone. The end must have a translator of its own.
func (t *Town) Renumber(ctx context.Context, side Side) error {
	e := t.side(side)
	if e.kind.public() || !e.online() {
		return fmt.Errorf("renumber the %s: it has no translator of its own", side)
	}
	old := e.wan
	e.wan = old.Next().Next() // the other end has the one between
	g := t.outermost(e)
	rules, err := g.ruleset()
	if err != nil {
		return err
	}
	router := e.router
	if carriers[e.kind] != "" {
		router = e.carrier
	}
	if err := batch(ctx, router.Namespace, fmt.Sprintf("addr add %s/32 dev wan0\naddr del %s/32 dev wan0\n", e.wan, old)); err != nil {
		return err
	}
	if err := batch(ctx, t.internet.Namespace, fmt.Sprintf("route add %s dev %s\nroute del %s dev %[2]s\n", e.wan, side, old)); err != nil {
		return err
	}
	return router.Filter(ctx, "delete table ip nat\ndelete table inet gate\n"+rules)
}

// plug are the commands that put a host without addresses on its network. It announces those that it has when its link comes
// up: a router may be about to give it up.
func (h *Host) plug() string {
	commands := h.own(h.Addr, h.second)
	if h.gateway6.IsValid() {
		commands += h.own(h.addr6, h.second6)
	}
	commands += fmt.Sprintf("link set eth0 up\nroute add default via %s dev eth0 onlink\n", h.gateway)
	if h.gateway6.IsValid() {
		commands += fmt.Sprintf("route add default via %s dev eth0\n", h.gateway6)
	}
	return commands
}

// own are the commands that give the host addresses; zero ones are left out.
func (h *Host) own(addrs ...netip.Addr) string {
	commands := ""
	for _, a := range addrs {
		switch {
		case a.Is4():
			commands += fmt.Sprintf("addr add %s/%d dev eth0\n", a, h.bits)
		case a.Is6():
			commands += fmt.Sprintf("addr add %s/%d dev eth0 nodad\n", a, h.bits6)
		}
	}
	return commands
}

// Divert lets the router take TCP connections to an address for itself, on a port of its own.
func (l *Lab) Divert(ctx context.Context, to netip.AddrPort, port int) error {
	return l.router.Filter(ctx, fmt.Sprintf(`table ip divert%d {
	chain prerouting {
		type nat hook prerouting priority dstnat
		ip daddr %s tcp dport %d redirect to :%d
	}
}`, port, to.Addr(), to.Port(), port))
}
