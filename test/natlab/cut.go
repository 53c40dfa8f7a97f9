//go:build linux

package natlab

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
)

// Cut is a place where packets are dropped, until Mend. Nobody is told: to who sends, it looks like a network that loses them.
type Cut struct {
	host  *Host
	table string // with its family
}

var cuts atomic.Int64

// Mend lets packets pass again.
func (c *Cut) Mend(ctx context.Context) error {
	return c.host.Filter(ctx, "delete table "+c.table)
}

// Cut drops what travels between two hosts, both ways: proto is "udp", "tcp", or "" for everything.
func (l *Lab) Cut(ctx context.Context, a, b *Host, proto string) (*Cut, error) {
	match := ""
	if proto != "" {
		match = "meta l4proto " + proto + " "
	}
	c := &Cut{host: l.router, table: fmt.Sprintf("inet cut%d", cuts.Add(1))}
	err := l.router.Filter(ctx, fmt.Sprintf(`table %s {
	chain forward {
		type filter hook forward priority 0
		ip saddr %[2]s ip daddr %[3]s %[4]sdrop
		ip saddr %[3]s ip daddr %[2]s %[4]sdrop
	}
}`, c.table, a.Addr, b.Addr, match))
	if err != nil {
		return nil, fmt.Errorf("cut %s from %s: %w", a.Name, b.Name, err)
	}
	return c, nil
}

// DropUDP drops the host's UDP, both ways.
func (h *Host) DropUDP(ctx context.Context) (*Cut, error) {
	return h.cut(ctx, []string{"meta l4proto udp drop"}, []string{"meta l4proto udp drop"})
}

// OnlyHTTPS drops the host's UDP, and its TCP but for what it asks of port 443.
func (h *Host) OnlyHTTPS(ctx context.Context) (*Cut, error) {
	return h.cut(ctx, []string{"meta l4proto udp drop", "tcp sport != 443 drop"}, []string{"meta l4proto udp drop", "tcp dport != 443 drop"})
}

// Lose drops a part of the host's packets at random, each way: 0 to 99 percent. What a sender hands over in one piece
// (UDP_SEGMENT) is lost packet by packet, as on a wire: virtual ones would carry it whole.
func (h *Host) Lose(ctx context.Context, percent int) (*Cut, error) {
	for _, end := range h.wire {
		if err := batch(ctx, end.namespace, fmt.Sprintf("link set dev %s gso_max_segs 1\n", end.port)); err != nil {
			return nil, fmt.Errorf("have %s lose packets: %w", h.Name, err)
		}
	}
	lose := []string{fmt.Sprintf("meta protocol { ip, ip6 } numgen random mod 100 < %d drop", percent)}
	return h.cut(ctx, lose, lose)
}

// Sever leaves the device only the server and its own router, both of which tell others of it but bring nobody to it: the
// one way between device and viewer is a relay. Multicast passes, and ICMPv6, by which neighbours find each other.
func (t *Town) Sever(ctx context.Context) (*Cut, error) {
	server, device := t.server, t.device.host
	except := func(end string) []string {
		rules := []string{fmt.Sprintf("ip %s { %s } accept", end, join(server.Addr, server.second, device.gateway))}
		if server.addr6.IsValid() {
			rules = append(rules, "meta l4proto ipv6-icmp accept", fmt.Sprintf("ip6 %s { %s } accept", end, join(server.addr6, server.second6)))
		}
		return append(rules, "meta protocol { ip, ip6 } drop")
	}
	in, out := except("saddr"), except("daddr")
	multicast := []string{"ip daddr 224.0.0.0/4 accept", "ip6 daddr ff00::/8 accept"}
	return device.cut(ctx, append(multicast, in...), append(multicast, out...))
}

func join(addrs ...netip.Addr) string {
	text := make([]string, len(addrs))
	for i, a := range addrs {
		text[i] = a.String()
	}
	return strings.Join(text, ", ")
}

// cut drops at the host's interface, where a program that sends is told nothing. It goes with the interface: a rebuilt town
// has none.
func (h *Host) cut(ctx context.Context, in, out []string) (*Cut, error) {
	c := &Cut{host: h, table: fmt.Sprintf("netdev cut%d", cuts.Add(1))}
	err := h.Filter(ctx, fmt.Sprintf(`table %s {
	chain in {
		type filter hook ingress device eth0 priority 0
%s	}
	chain out {
		type filter hook egress device eth0 priority 0
%s	}
}`, c.table, lines(2, in), lines(2, out)))
	if err != nil {
		return nil, fmt.Errorf("cut %s: %w", h.Name, err)
	}
	return c, nil
}
