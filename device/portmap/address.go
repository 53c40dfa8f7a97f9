package portmap

import "net/netip"

// inner are the IPv4 ranges behind which there is another NAT (RFC 6890): private ones (RFC 1918), those of carriers
// (RFC 6598), DS-Lite (RFC 6333), and benchmarking (RFC 2544), which carriers use as if it were theirs.
var inner = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
}

// behindNAT reports whether a router's own address is behind another router.
func behindNAT(a netip.Addr) bool {
	for _, p := range inner {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// plausible reports whether an address can be a router's own at all, so that it may be told to others.
func plausible(a netip.Addr) bool {
	const lastUnicast = 223 // 224.0.0.0/4 is multicast, 240.0.0.0/4 reserved
	return a.Is4() && a.As4()[0] != 0 && a.As4()[0] <= lastUnicast && !a.IsLoopback() && !a.IsLinkLocalUnicast()
}
