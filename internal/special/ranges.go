// Package special knows which addresses are not of the public Internet, in whatever form they are written. The relay's
// peers and the endpoints of webhooks are judged by it.
package special

import "net/netip"

// never lists what no configuration opens: addresses that mean this host or this wire, and those at which clouds
// hand out an instance's secrets.
var never = prefixes(
	"0.0.0.0/8",          // this host (RFC 1122 section 3.2.1.3); Linux connects 0.0.0.0 to itself
	"127.0.0.0/8",        // loopback
	"169.254.0.0/16",     // link-local, and the metadata of AWS, Google, Azure and others
	"224.0.0.0/4",        // multicast
	"255.255.255.255/32", // limited broadcast
	"100.100.100.200/32", // metadata of Alibaba Cloud
	"168.63.129.16/32",   // Azure's platform address
	"192.0.0.192/32",     // metadata of Oracle Cloud
	"::/128",             // unspecified
	"::1/128",            // loopback
	"fe80::/10",          // link-local
	"ff00::/8",           // multicast
	"fd00:ec2::/32",      // metadata of AWS
	"fd20:ce::254/128",   // metadata of Google
	"fd00:42::42/128",    // metadata of Scaleway
)

// special lists the IPv4 ranges of the IANA special-purpose registry (RFC 6890) that are not in never, and the
// IPv6 ranges of theirs within 2000::/3.
var special = prefixes(
	"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", // private use
	"100.64.0.0/10",                                     // shared address space, carrier-grade NAT
	"192.0.0.0/24",                                      // IETF protocol assignments
	"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", // documentation
	"192.88.99.0/24", // 6to4 relay anycast
	"198.18.0.0/15",  // benchmarking
	"240.0.0.0/4",    // reserved
	"2001::/23",      // IETF protocol assignments, Teredo and ORCHID among them
	"2001:db8::/32",  // documentation
	"2002::/16",      // 6to4
	"3fff::/20",      // documentation
)

// routable lists the IPv6 ranges outside of which everything is special: unique and site local, the discard
// prefix, segment routing, local NAT64, and what IANA has not given out.
var routable = []netip.Prefix{netip.MustParsePrefix("2000::/3"), nat64}

func prefixes(list ...string) []netip.Prefix {
	parsed := make([]netip.Prefix, len(list))
	for i, s := range list {
		parsed[i] = netip.MustParsePrefix(s)
	}
	return parsed
}

// Within reports whether an address is in any of the ranges.
func Within(list []netip.Prefix, addr netip.Addr) bool {
	for _, p := range list {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// Never reports whether an address is one that no configuration should open. IPv4 is judged as such: Unmap it first.
func Never(addr netip.Addr) bool { return Within(never, addr) }

// Is reports whether an address is for a special purpose, except that Never has more. IPv4 is judged as such: Unmap it first.
func Is(addr netip.Addr) bool {
	return Within(special, addr) || addr.Is6() && !Within(routable, addr)
}

// Public reports whether an address, and every IPv4 address that it carries, is of the public Internet.
func Public(addr netip.Addr) bool {
	if !addr.IsValid() || addr.Zone() != "" {
		return false
	}
	addr = addr.Unmap()
	for _, a := range append(Embedded(addr), addr) {
		if Never(a) || Is(a) {
			return false
		}
	}
	return true
}
