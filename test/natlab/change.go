//go:build linux

package natlab

import (
	"context"
	"fmt"
	"net/netip"
)

// Add gives the host another address of its network, besides those that it has.
func (h *Host) Add(ctx context.Context, addr netip.Addr) error {
	return batch(ctx, h.Namespace, fmt.Sprintf("addr add %s/24 dev eth0\n", addr))
}

// Readdress gives the host another address of its network in place of all that it has, as a new lease does. What was
// bound to the old ones is cut off. It must not be called while others look at Addr.
func (h *Host) Readdress(ctx context.Context, addr netip.Addr) error {
	h.Addr = addr
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
	return fmt.Sprintf("addr add %s/24 dev eth0\nlink set eth0 up\nroute add default via %s\n", h.Addr, h.gateway())
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
