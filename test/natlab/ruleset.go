//go:build linux

package natlab

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// gate is a router between lan0, the inside, and wan0, the outside.
type gate struct {
	kind Type
	wan  netip.Addr
	lan  netip.Prefix
	// hairpin: what is inside reaches what is inside by the address outside (RFC 4787 section 6).
	hairpin bool
	// keep is how long a mapping without traffic lives; zero means defaultKeep.
	keep time.Duration
	// carries: IPv6 passes, since a carrier leaves the firewall to the homes.
	carries bool
}

// defaultKeep is how long cones remember: Linux's own time for UDP that was answered (nf_conntrack_udp_timeout_stream is
// 120 s), and the half more that it takes to outlive it.
const defaultKeep = 180 * time.Second

// Where a translator that changes ports puts them. None is below 1024: no translator does that, and browsers write to no
// such port.
const (
	firstPort    = 30000
	seriesLength = 2000
	hashedLength = 16000
)

// ruleset is the gate's nftables text.
func (g gate) ruleset() (string, error) {
	mapping, err := g.mapping()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(`table ip nat {
%s	chain inward {
		type nat hook prerouting priority dstnat
%s	}
	chain outward {
		type nat hook postrouting priority srcnat
%s	}
}
table inet gate {
	chain input {
		type filter hook input priority filter; policy %s
		ct state established,related accept
		iifname { lo, lan0 } accept
		meta l4proto { icmp, ipv6-icmp } accept
	}
	chain forward {
		type filter hook forward priority filter; policy %s
%s	}
}
`, lines(1, g.memory()), lines(2, g.inward()), lines(2, mapping), g.strays(), g.stance(), lines(2, g.passes())), nil
}

// mapping are the rules that choose the address and port outside.
func (g gate) mapping() ([]string, error) {
	var port string
	switch g.kind {
	case Open, Firewall:
		return nil, nil
	case FullCone, AddressRestricted, PortRestricted, PortAnswering, UDPBlocked, OnlyWeb:
	case PortChanging:
		port = ":" + hashed("ip saddr . udp sport")
	case SymmetricAddress:
		port = ":" + hashed("ip saddr . udp sport . ip daddr")
	case SymmetricSequential:
		port = ":" + series()
	case Symmetric:
		return []string{"oifname wan0 masquerade fully-random"}, nil
	default:
		return nil, fmt.Errorf("%q is no translator", g.kind)
	}
	var rules []string
	if g.hairpins() {
		// The source too is what it is outside (REQ-9). No input interface is known in postrouting.
		rules = append(rules, fmt.Sprintf("ip saddr %s ip daddr %[1]s ct status dnat meta l4proto udp snat to %s%s", g.lan, g.wan, port))
	}
	if port != "" {
		rules = append(rules, "oifname wan0 meta l4proto udp masquerade to "+port)
	}
	return append(rules, "oifname wan0 masquerade"), nil
}

// series counts through a range of ports.
func series() string { return fmt.Sprintf("numgen inc mod %d %s", seriesLength, ports(seriesLength)) }

// hashed takes the port that belongs to some fields of a packet.
func hashed(fields string) string {
	return fmt.Sprintf("jhash %s mod %d seed 0x5eed %s", fields, hashedLength, ports(hashedLength))
}

// ports maps numbers to ports. nftables counts in the machine's byte order and ports are in the network's: the map makes
// one more mean one more.
func ports(count int) string {
	list := make([]string, count)
	for i := range list {
		list[i] = fmt.Sprintf("%d : %d", i, firstPort+i)
	}
	return "map { " + strings.Join(list, ", ") + " }"
}

// memory is what a translator knows beyond the kernel's own connection tracking, which finds only answers: whose port
// outside is whose inside, and whom it has spoken to. It learns behind the mapping rules, where the port is chosen.
func (g gate) memory() []string {
	if !g.remembers() {
		return nil
	}
	keep := strconv.Itoa(int(g.keepFor().Seconds())) + "s"
	return []string{
		"map owners { type inet_service : ipv4_addr . inet_service; flags dynamic,timeout; timeout " + keep + "; }",
		"set spoken { type inet_service . ipv4_addr; flags dynamic,timeout; timeout " + keep + "; }",
		"chain learn {",
		"	type filter hook postrouting priority srcnat + 10",
		"	meta l4proto udp ct direction original ct status snat update @owners { ct reply proto-dst : ct original ip saddr . ct original proto-src }",
		"	meta l4proto udp ct direction original ct status snat update @spoken { ct reply proto-dst . ip daddr }",
		// What answers a stranger keeps the port open too (REQ-6).
		"	meta l4proto udp ct direction reply ct status dnat update @owners { ct original proto-dst : ct reply ip saddr . ct reply proto-src }",
		"}",
	}
}

// inward are the rules that let strangers in, or a host inside that comes by way of the outside.
func (g gate) inward() []string {
	var rules []string
	if g.hairpins() {
		rules = append(rules, fmt.Sprintf("iifname lan0 ip daddr %s dnat ip to udp dport map @owners", g.wan))
	}
	switch g.kind {
	case FullCone:
		rules = append(rules, "iifname wan0 dnat ip to udp dport map @owners")
	case AddressRestricted:
		rules = append(rules, "iifname wan0 udp dport . ip saddr @spoken dnat ip to udp dport map @owners")
	}
	return rules
}

// passes are the rules for what is forwarded.
func (g gate) passes() []string {
	var rules []string
	switch g.kind {
	case Open:
		return nil
	case UDPBlocked:
		rules = []string{"meta l4proto udp drop"}
	case OnlyWeb:
		return []string{"ct state established,related accept", "iifname lan0 tcp dport { 80, 443 } accept"}
	}
	rules = append(rules, "ct state established,related accept", "iifname lan0 accept")
	if g.kind != UDPBlocked {
		rules = append(rules, "ct status dnat accept")
	}
	if g.carries {
		rules = append(rules, "meta nfproto ipv6 accept")
	}
	return rules
}

// stance is what becomes of a packet that no rule of passes names.
func (g gate) stance() string {
	if g.kind == Open {
		return "accept"
	}
	return "drop"
}

// strays is what becomes of a packet for the router itself. It drops: an accepted one is tracked, and the tracked port is
// taken when the host inside wants it next. PortAnswering is such a router.
func (g gate) strays() string {
	if g.kind == Open || g.kind == PortAnswering {
		return "accept"
	}
	return "drop"
}

func (g gate) hairpins() bool {
	switch g.kind {
	case FullCone, AddressRestricted, PortRestricted, PortChanging:
		return g.hairpin
	}
	return false
}

func (g gate) remembers() bool {
	return g.kind == FullCone || g.kind == AddressRestricted || g.hairpins()
}

func (g gate) keepFor() time.Duration {
	if g.keep == 0 {
		return defaultKeep
	}
	return g.keep
}

// lines indents rules by tabs and ends each with a newline.
func lines(tabs int, rules []string) string {
	var b strings.Builder
	for _, r := range rules {
		b.WriteString(strings.Repeat("\t", tabs) + r + "\n")
	}
	return b.String()
}
