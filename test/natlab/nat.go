//go:build linux

package natlab

import (
	"context"
	"fmt"
	"net/netip"
)

// NAT is how a translator before a host behaves, in the words of RFC 4787.
type NAT string

// The translators. All filter by address and port: who was not spoken to cannot answer.
const (
	// NATPortRestricted maps a port of the host to the same port outside, whoever it speaks to.
	NATPortRestricted NAT = "port-restricted"
	// NATSymmetric maps to another port for each transport address that the host speaks to.
	NATSymmetric NAT = "symmetric"
	// NATSplit does that, and TCP leaves by another address than UDP, as where it passes a proxy.
	NATSplit NAT = "split"
	// NATCarrier takes another address of a large pool for each transport address that the host speaks to: "arbitrary"
	// pooling (section 4.1), which RFC 6888 tells carriers not to have.
	NATCarrier NAT = "carrier"
)

// poolSize is how many addresses a NATCarrier has.
const poolSize = 64

// Translate puts a translator before the host, whose own address nobody reaches any more. Two hosts behind translators of
// one lab never reach each other: their translators are the same router, which sends nothing back that comes from
// within.
func (l *Lab) Translate(ctx context.Context, h *Host, kind NAT) error {
	inside := h.Addr.As4()
	outside := func(n int) netip.Addr {
		return netip.AddrFrom4([4]byte{inside[0], inside[1], 100 + inside[2], byte(n)})
	}
	rule := func(proto, to string) string {
		return fmt.Sprintf("\t\tip saddr %s meta l4proto %s snat to %s\n", h.Addr, proto, to)
	}
	var rules string
	switch kind {
	case NATPortRestricted:
		rules = rule("{ tcp, udp }", outside(1).String())
	case NATSymmetric:
		rules = rule("{ tcp, udp }", outside(1).String()+" fully-random")
	case NATSplit:
		rules = rule("udp", outside(1).String()+" fully-random") + rule("tcp", outside(2).String())
	case NATCarrier:
		pool := ""
		for n := range poolSize {
			pool += fmt.Sprintf("%d : %s, ", n, outside(n+1))
		}
		rules = rule("{ tcp, udp }", fmt.Sprintf("numgen random mod %d map { %s}", poolSize, pool))
	default:
		return fmt.Errorf("put a translator before %s: %q is none", h.Name, kind)
	}
	err := l.router.Filter(ctx, fmt.Sprintf(`table ip translate%d {
	chain outward {
		type nat hook postrouting priority srcnat
%s	}
	chain inward {
		type filter hook forward priority 0
		ip daddr %s ct direction original drop
	}
}`, inside[2], rules, h.Addr))
	if err != nil {
		return fmt.Errorf("put a %s translator before %s: %w", kind, h.Name, err)
	}
	return nil
}
