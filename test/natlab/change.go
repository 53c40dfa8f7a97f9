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
	return batch(ctx, h.Namespace, "addr flush dev eth0\n"+h.plug())
}

// plug are the commands that put a host without addresses on its network.
func (h *Host) plug() string {
	commands := "link set eth0 up\n" + h.own(h.Addr, h.second)
	commands += fmt.Sprintf("route add default via %s dev eth0 onlink\n", h.gateway)
	if h.gateway6.IsValid() {
		commands += h.own(h.addr6, h.second6) + fmt.Sprintf("route add default via %s dev eth0\n", h.gateway6)
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
