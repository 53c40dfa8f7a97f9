//go:build linux

package natlab

import (
	"context"
	"fmt"
	"net/netip"
)

// AddIPv6 gives every host its IPv6 address besides its IPv4 address, and the router the ways between them.
func (l *Lab) AddIPv6(ctx context.Context) error {
	for name, h := range l.hosts {
		gateway := nth(netip.PrefixFrom(h.addr6, h.bits6).Masked(), 1)
		if err := batch(ctx, l.router.Namespace, fmt.Sprintf("addr add %s/64 dev %s nodad\n", gateway, name)); err != nil {
			return err
		}
		if err := batch(ctx, h.Namespace, h.own(h.addr6)+fmt.Sprintf("route add default via %s\n", gateway)); err != nil {
			return err
		}
	}
	return nil
}
