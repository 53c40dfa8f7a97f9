//go:build linux

package natlab

import (
	"context"
	"fmt"
	"net/netip"
)

// AddIPv6 gives every host an IPv6 address besides its IPv4 address, and the router the ways between them.
func (l *Lab) AddIPv6(ctx context.Context) error {
	for name, h := range l.hosts {
		own, gateway := h.addr6(2), h.addr6(1)
		if err := batch(ctx, l.router.Namespace, fmt.Sprintf("addr add %s/64 dev %s nodad\n", gateway, name)); err != nil {
			return err
		}
		if err := batch(ctx, h.Namespace, fmt.Sprintf(
			"addr add %s/64 dev eth0 nodad\nroute add default via %s\n", own, gateway,
		)); err != nil {
			return err
		}
	}
	return nil
}

// Addr6 is the host's IPv6 address once the lab has them: fd77:N::2 for the host at 10.77.N.2.
func (h *Host) Addr6() netip.Addr { return h.addr6(2) }

func (h *Host) addr6(last byte) netip.Addr {
	return netip.AddrFrom16([16]byte{0: 0xfd, 1: 0x77, 3: h.Addr.As4()[2], 15: last})
}
