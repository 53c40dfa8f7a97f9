package turn

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
)

var (
	ownAddr   = netip.MustParseAddr("9.9.9.1")
	ownAddr6  = netip.MustParseAddr("2600::9")
	liveRelay = netip.MustParseAddrPort("9.9.9.1:50000")
)

func testPolicy(allow ...string) *policy {
	list, err := canonicalAllow(prefixes(allow...))
	if err != nil {
		panic(err)
	}
	return &policy{
		allow: list,
		own:   func(a netip.Addr) bool { return a == ownAddr || a == ownAddr6 },
		live:  func(a netip.AddrPort) bool { return a == liveRelay },
	}
}

func prefixes(list ...string) []netip.Prefix {
	parsed := make([]netip.Prefix, len(list))
	for i, s := range list {
		parsed[i] = netip.MustParsePrefix(s)
	}
	return parsed
}

// deniedV4 has the first and last address of each range that design 03 section 4 names.
var deniedV4 = []string{
	"0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255",
	"127.0.0.0", "127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.169.254", "169.254.255.255",
	"172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.255", "192.0.2.0", "192.0.2.255",
	"192.88.99.0", "192.88.99.255", "192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255",
	"198.51.100.0", "198.51.100.255", "203.0.113.0", "203.0.113.255", "224.0.0.0", "239.255.255.255",
	"240.0.0.0", "255.255.255.254", "255.255.255.255", "168.63.129.16", "100.100.100.200", "9.9.9.1",
}

var deniedV6 = []string{
	"::", "::1", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "100::", "100::ffff:ffff:ffff:ffff",
	"2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
	"2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
	"5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	"fe80::", "fe80::1", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	"ff00::", "ff02::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fd00:ec2::254", "4000::", "2600::9",
}

var publicAddrs = []string{
	"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
	"172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
	"223.255.255.255", "2000::1", "2001:200::1", "2606:4700::1111", "2a00::1", "3ffe::1", "64:ff9b::808:808",
}

// encodings are the ways in which an IPv6 address carries an IPv4 address.
var encodings = map[string]func(v4 [4]byte) [16]byte{
	"mapped":     func(v [4]byte) [16]byte { return [16]byte{10: 0xff, 11: 0xff, 12: v[0], 13: v[1], 14: v[2], 15: v[3]} },
	"compatible": func(v [4]byte) [16]byte { return [16]byte{12: v[0], 13: v[1], 14: v[2], 15: v[3]} },
	"translated": func(v [4]byte) [16]byte { return [16]byte{8: 0xff, 9: 0xff, 12: v[0], 13: v[1], 14: v[2], 15: v[3]} },
	"6to4":       func(v [4]byte) [16]byte { return [16]byte{0x20, 0x02, v[0], v[1], v[2], v[3], 15: 1} },
	"nat64":      func(v [4]byte) [16]byte { return [16]byte{0, 0x64, 0xff, 0x9b, 12: v[0], 13: v[1], 14: v[2], 15: v[3]} },
	"nat64 /96": func(v [4]byte) [16]byte {
		return [16]byte{0, 0x64, 0xff, 0x9b, 0, 1, 12: v[0], 13: v[1], 14: v[2], 15: v[3]}
	},
	"nat64 /64": func(v [4]byte) [16]byte {
		return [16]byte{0, 0x64, 0xff, 0x9b, 0, 1, 9: v[0], 10: v[1], 11: v[2], 12: v[3]}
	},
	"nat64 /56": func(v [4]byte) [16]byte {
		return [16]byte{0, 0x64, 0xff, 0x9b, 0, 1, 7: v[0], 9: v[1], 10: v[2], 11: v[3]}
	},
	"nat64 /48": func(v [4]byte) [16]byte { return [16]byte{0, 0x64, 0xff, 0x9b, 0, 1, v[0], v[1], 0, v[2], v[3]} },
	"teredo host": func(v [4]byte) [16]byte {
		return [16]byte{0x20, 1, 4: 8, 5: 8, 6: 8, 7: 8, 12: ^v[0], 13: ^v[1], 14: ^v[2], 15: ^v[3]}
	},
	"teredo server": func(v [4]byte) [16]byte {
		return [16]byte{0x20, 1, 4: v[0], 5: v[1], 6: v[2], 7: v[3], 12: 0xf7, 13: 0xf7, 14: 0xf7, 15: 0xf7}
	},
	"isatap": func(v [4]byte) [16]byte {
		return [16]byte{0x2a, 0, 10: 0x5e, 11: 0xfe, 12: v[0], 13: v[1], 14: v[2], 15: v[3]}
	},
	"isatap global": func(v [4]byte) [16]byte {
		return [16]byte{0x2a, 0, 8: 2, 10: 0x5e, 11: 0xfe, 12: v[0], 13: v[1], 14: v[2], 15: v[3]}
	},
}

func TestPolicyRefusesEverySpecialRange(t *testing.T) {
	p := testPolicy()
	for _, s := range slices.Concat(deniedV4, deniedV6) {
		addr := netip.MustParseAddr(s)
		if p.address(addr) == allowed || p.peer(netip.AddrPortFrom(addr, 5000)) == allowed {
			t.Errorf("%s is allowed", s)
		}
	}
}

func TestPolicyAllowsThePublicInternet(t *testing.T) {
	p := testPolicy()
	for _, s := range publicAddrs {
		addr := netip.MustParseAddr(s)
		if got := p.peer(netip.AddrPortFrom(addr, 1024)); got != allowed {
			t.Errorf("%s: got refused as %s", s, got)
		}
	}
}

func TestPolicyRefusesEverySpecialRangeInEveryEncoding(t *testing.T) {
	p := testPolicy()
	// Even with every range open that carries addresses, what is carried is judged.
	open := testPolicy("::/0", "1.0.0.0/8")
	for _, s := range deniedV4 {
		inner := netip.MustParseAddr(s)
		for name, encode := range encodings {
			outer := netip.AddrFrom16(encode(inner.As4()))
			if p.address(outer) == allowed {
				t.Errorf("%s as %s, %s, is allowed", s, name, outer)
			}
			if open.address(outer) == allowed {
				t.Errorf("%s as %s, %s, is allowed when the outer range is open", s, name, outer)
			}
		}
	}
}

func TestPolicyReadsAddressesThatAnAllowedRangeCarries(t *testing.T) {
	p := testPolicy("::/0")
	for name, encode := range encodings {
		switch name {
		case "nat64 /96", "nat64 /64", "nat64 /56":
			continue // As a shorter prefix they read as an address that begins with 0.
		}
		outer := netip.AddrFrom16(encode([4]byte{8, 8, 4, 4}))
		if got := p.address(outer); got != allowed {
			t.Errorf("8.8.4.4 as %s, %s: got refused as %s", name, outer, got)
		}
	}
}

func TestPolicyRefusesZonesAndNoAddress(t *testing.T) {
	p := testPolicy("::/0", "0.0.0.0/0")
	for _, addr := range []netip.Addr{{}, netip.MustParseAddr("2a00::1%eth0"), netip.MustParseAddr("fe80::1%1")} {
		if got := p.address(addr); got != refusedMalformed {
			t.Errorf("%q: got %q, want malformed", addr, got)
		}
	}
}

func TestPolicyRefusesSystemPorts(t *testing.T) {
	p := testPolicy("10.0.0.0/8")
	for _, port := range []uint16{0, 22, 53, 443, 1023} {
		for _, s := range []string{"8.8.8.8", "10.1.1.1", "2a00::1"} {
			if got := p.peer(netip.AddrPortFrom(netip.MustParseAddr(s), port)); got != refusedPort {
				t.Errorf("%s port %d: got %q", s, port, got)
			}
		}
	}
}

func TestAllowedPeersOpenAllButWhatIsNeverOpen(t *testing.T) {
	p := testPolicy("0.0.0.0/0", "::/0", "::ffff:0:0/96")
	for _, s := range []string{
		"10.1.2.3", "192.168.1.1", "172.16.0.1", "100.64.0.1", "192.0.2.7", "198.18.0.1", "240.0.0.1",
		"fd12::1", "2001:db8::1", "fec0::1", "::ffff:10.1.2.3",
	} {
		if got := p.address(netip.MustParseAddr(s)); got != allowed {
			t.Errorf("%s: got refused as %s", s, got)
		}
	}
	for _, s := range []string{
		"0.0.0.0", "127.0.0.1", "169.254.169.254", "169.254.1.1", "224.0.0.1", "255.255.255.255", "168.63.129.16",
		"100.100.100.200", "192.0.0.192", "9.9.9.1", "::", "::1", "fe80::1", "ff02::1", "fd00:ec2::254", "2600::9",
		"::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1",
	} {
		if p.address(netip.MustParseAddr(s)) == allowed {
			t.Errorf("%s is allowed", s)
		}
	}
}

func TestPolicyAllowsOwnAddressOnLiveRelayPortsOnly(t *testing.T) {
	for _, p := range []*policy{testPolicy(), testPolicy("0.0.0.0/0")} {
		for peer, want := range map[string]refusal{
			"9.9.9.1:50000":          allowed,
			"[::ffff:9.9.9.1]:50000": allowed,
			"9.9.9.1:50001":          refusedOwn,
			"9.9.9.1:3478":           refusedOwn,
			"9.9.9.1:443":            refusedPort,
			"[2600::9]:50000":        refusedOwn,
		} {
			if got := p.peer(netip.MustParseAddrPort(peer)); got != want {
				t.Errorf("%s: got %q, want %q", peer, got, want)
			}
		}
		// Only as itself: another way there would pass by the router.
		if p.peer(netip.MustParseAddrPort("[64:ff9b::909:901]:50000")) == allowed {
			t.Error("the live relay is allowed through NAT64")
		}
	}
}

func TestAllowListRefusesWhatIsNoRange(t *testing.T) {
	for _, p := range []netip.Prefix{{}, netip.MustParsePrefix("::ffff:0:0/90")} {
		if _, err := canonicalAllow([]netip.Prefix{p}); err == nil {
			t.Errorf("%v is taken", p)
		}
	}
}

func TestBroadcastAddressesAreTheHostsOwn(t *testing.T) {
	for network, want := range map[string]string{
		"192.168.1.7/24": "[192.168.1.0 192.168.1.255]", "10.1.2.3/30": "[10.1.2.0 10.1.2.3]",
		"10.0.0.1/31": "[]", "10.0.0.1/32": "[]", "2a00::1/64": "[]", "172.16.5.4/12": "[172.16.0.0 172.31.255.255]",
	} {
		if got := fmt.Sprint(broadcasts(netip.MustParsePrefix(network))); got != want {
			t.Errorf("%s: got %s, want %s", network, got, want)
		}
	}
}

// FuzzPolicyLetsNoDeniedAddressThrough holds the policy against the standard library's own idea of an address, and writes
// to what is denied: nothing may arrive at the socket.
func FuzzPolicyLetsNoDeniedAddressThrough(f *testing.F) {
	for _, s := range slices.Concat(deniedV4, deniedV6, publicAddrs) {
		f.Add(netip.MustParseAddr(s).AsSlice(), uint16(5000))
	}
	for _, encode := range encodings {
		b := encode([4]byte{127, 0, 0, 1})
		f.Add(b[:], uint16(3478))
	}
	f.Add([]byte{8, 8, 8, 8}, uint16(53))
	p := testPolicy()
	f.Fuzz(func(t *testing.T, b []byte, port uint16) {
		addr, _ := netip.AddrFromSlice(b)
		peer := netip.AddrPortFrom(addr, port)
		plain := addr.Unmap()
		verdict := p.peer(peer)
		if denied := denies(plain, port); denied && verdict == allowed {
			t.Fatalf("%s is allowed", peer)
		}
		if verdict != p.peer(netip.AddrPortFrom(plain, port)) {
			t.Fatalf("%s is judged otherwise than %s", peer, plain)
		}
		if verdict == allowed {
			return
		}
		// A nil socket panics when written to.
		r := &relay{peers: p, table: newRelays(), counts: newCounts()}
		if n, err := r.WriteTo([]byte("x"), &net.UDPAddr{IP: b, Port: int(port)}); n != 1 || err != nil {
			t.Fatalf("%s: got %d, %v", peer, n, err)
		}
	})
}

// denies is a second opinion, by other means than the policy's tables.
func denies(addr netip.Addr, port uint16) bool {
	if !addr.IsValid() || addr.IsLoopback() || addr.IsPrivate() || addr.IsMulticast() || addr.IsUnspecified() ||
		addr.IsLinkLocalUnicast() {
		return true
	}
	if netip.AddrPortFrom(addr, port) == liveRelay {
		return false
	}
	if port < 1024 || addr == ownAddr || addr == ownAddr6 {
		return true
	}
	if addr.Is6() {
		first := binary.BigEndian.Uint16(addr.AsSlice())
		return first>>13 != 1 && first != 0x64
	}
	v4 := addr.As4()
	return v4[0] == 0 || v4[0] >= 240
}
