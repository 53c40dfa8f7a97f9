package peer

import (
	"net/netip"
	"slices"
)

// surroundings are the networks that the device is in. They decide which addresses a viewer may have it send to: a
// candidate is the word of a stranger, and the device must not be made to knock at doors that only it can reach.
type surroundings struct {
	// connected are the subnets of the device's interfaces.
	connected []netip.Prefix
	// outside are the addresses that others see it at.
	outside []netip.Addr
	// hub are the addresses of the hub's STUN servers and relays. Where the hub is, viewers are.
	hub []netip.Addr
	// carrier are its addresses inside a carrier's network.
	carrier []netip.Addr
	// together says that the viewer comes from the device's own address outside, by the hub's word.
	together bool
}

// private are the ranges that mean something else in each network: RFC 1918, RFC 6598 (carriers), RFC 3927 (link-local),
// RFC 2544 (benchmarks), RFC 6890 (protocol assignments), RFC 4193 (unique local), with its predecessor of RFC 3879, and
// RFC 8215 (a network's own NAT64).
var private = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("fec0::/10"),
	netip.MustParsePrefix("64:ff9b:1::/48"),
}

// never are the ranges that no viewer is in: this network, reserved and broadcast (RFC 1122), multicast, link-local
// IPv6, which needs a zone that a candidate cannot name, IPv4-compatible addresses, and the discard range of RFC 6666.
var never = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("224.0.0.0/3"),
	netip.MustParsePrefix("::/96"), netip.MustParsePrefix("ff00::/8"), netip.MustParsePrefix("fe80::/10"),
	netip.MustParsePrefix("100::/64"),
}

// translated are the ranges with an IPv4 address inside, and the byte where it begins: NAT64 (RFC 6052) and 6to4
// (RFC 3056).
var translated = []struct {
	prefix netip.Prefix
	at     int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12}, {netip.MustParsePrefix("2002::/16"), 2},
}

// httpsPort is the only well-known port that a viewer can have: relays and routers' mappings stand there to pass
// firewalls. Others below firstPort are those of services, which a check must not reach.
const (
	httpsPort = 443
	firstPort = 1024
)

// admits reports whether the device may send to an address that a viewer named.
func (s surroundings) admits(to netip.AddrPort) bool {
	if to.Port() < firstPort && to.Port() != httpsPort {
		return false
	}
	ip := to.Addr().Unmap()
	if !s.possible(ip) || s.own(ip) && !s.together && !s.alone() {
		return false
	}
	block, ok := blockOf(ip)
	return !ok || s.near(ip, block)
}

// possible reports whether a packet can come from an address at all. It is asked about peer-reflexive candidates too,
// whose private addresses need no other proof than the authenticated check that came from there.
func (s surroundings) possible(ip netip.Addr) bool {
	ip = ip.Unmap()
	if !ip.IsValid() || ip.Zone() != "" || slices.ContainsFunc(never, func(p netip.Prefix) bool { return p.Contains(ip) }) {
		return ip == netip.IPv6Loopback() && s.alone()
	}
	if ip.IsLoopback() {
		return s.alone()
	}
	for _, t := range translated {
		if t.prefix.Contains(ip) {
			inside, _ := netip.AddrFromSlice(ip.AsSlice()[t.at : t.at+4])
			_, hidden := blockOf(inside)
			return !hidden && s.possible(inside)
		}
	}
	return !slices.ContainsFunc(s.connected, func(p netip.Prefix) bool { return broadcasts(p, ip) })
}

// near reports whether an address of a private block is in a network that the device shares with the viewer: the block that
// the hub is in or that the device shows outside, as in a company's network; and when both ends have the same address
// outside, a subnet of the device's own, and behind a carrier's NAT the carrier's block. A viewer elsewhere loses nothing: one
// in the device's subnet is heard by its own checks.
func (s surroundings) near(ip netip.Addr, block netip.Prefix) bool {
	if slices.ContainsFunc(s.outside, block.Contains) || slices.ContainsFunc(s.hub, block.Contains) {
		return true
	}
	return s.together && (slices.ContainsFunc(s.carrier, block.Contains) ||
		slices.ContainsFunc(s.connected, func(p netip.Prefix) bool { return p.Contains(ip) }))
}

// own reports whether an address is the device's, where its other services listen.
func (s surroundings) own(ip netip.Addr) bool {
	return slices.ContainsFunc(s.connected, func(p netip.Prefix) bool { return p.Addr() == ip })
}

// alone reports whether the device has no address but those of loopback, as in a test without a network.
func (s surroundings) alone() bool {
	return len(s.connected) > 0 && !slices.ContainsFunc(s.connected, func(p netip.Prefix) bool { return !p.Addr().IsLoopback() })
}

// blockOf returns the private range that an address is in.
func blockOf(ip netip.Addr) (netip.Prefix, bool) {
	n := slices.IndexFunc(private, func(p netip.Prefix) bool { return p.Contains(ip) })
	if n < 0 {
		return netip.Prefix{}, false
	}
	return private[n], true
}

// broadcasts reports whether an address speaks to all of an IPv4 subnet: its first or last (RFC 919, RFC 922).
func broadcasts(subnet netip.Prefix, ip netip.Addr) bool {
	if !subnet.Contains(ip) || !ip.Is4() || subnet.Bits() > 30 {
		return false
	}
	first := subnet.Masked().Addr()
	last := first.As4()
	for bit := subnet.Bits(); bit < 32; bit++ {
		last[bit/8] |= 0x80 >> (bit % 8)
	}
	return ip == first || ip == netip.AddrFrom4(last)
}
