//go:build linux

package natlab

import (
	"net/netip"
)

// The addresses of a town. The internet is a routable-looking network, since routers refuse to map ports, and relays to
// send, to what the special-purpose registries list; nothing leaves a town, whose namespaces have no way out. The IPv6
// prefix lies in 2d00::/8, which nobody has.
//
//	11.22.33.1             the internet's router, on every one of its links
//	11.22.33.10, .11       the server
//	11.22.33.21, .22       the outermost router of the device, of the viewer; after Renumber .23, .24 and so on
//	11.22.44.16/28, .32/28 the networks of an Open or Firewall end
//	100.64.1.0/24, .2.0/24 the carriers' networks
//	10.1.0.0/24, 10.2.0.0/24 the homes
//	2d00:0:0:1::/64, 2::/64  the homes; the internet has ff
var (
	internetGateway  = netip.MustParseAddr("11.22.33.1")
	serverAddr       = netip.MustParseAddr("11.22.33.10")
	serverAlternate  = netip.MustParseAddr("11.22.33.11")
	serverAddr6      = netip.MustParseAddr("2d00:0:0:ff::10")
	serverAlternate6 = netip.MustParseAddr("2d00:0:0:ff::11")
	// linkGateway is the upper end of every link between routers; the lower ends follow it.
	linkGateway = netip.MustParseAddr("fe80::1")
)

// outside is the address of an end's outermost router on the internet.
func outside(end byte) netip.Addr { return netip.AddrFrom4([4]byte{11, 22, 33, 20 + end}) }

// publicNet is the network of an end with public addresses.
func publicNet(end byte) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{11, 22, 44, 16 * end}), 28)
}

// homeNet is the network of an end whose addresses are translated.
func homeNet(end byte) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, end, 0, 0}), 24)
}

// carrierNet is the network of an end's carrier.
func carrierNet(end byte) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64, end, 0}), 24)
}

// homeNet6 is the IPv6 network of an end.
func homeNet6(end byte) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom16([16]byte{0: 0x2d, 7: end}), 64)
}

// outside6 is the IPv6 address of an end's outermost router.
func outside6(end byte) netip.Addr {
	return netip.AddrFrom16([16]byte{0: 0x2d, 7: 0xff, 15: 20 + end})
}

// nth is the nth address of a network; its router has the first.
func nth(network netip.Prefix, n byte) netip.Addr {
	b := network.Addr().AsSlice()
	b[len(b)-1] += n
	addr, _ := netip.AddrFromSlice(b)
	return addr
}
