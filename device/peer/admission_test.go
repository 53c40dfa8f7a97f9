package peer

import (
	"net/netip"
	"testing"
)

func addresses(list ...string) []netip.Addr {
	var all []netip.Addr
	for _, a := range list {
		all = append(all, netip.MustParseAddr(a))
	}
	return all
}

// home is a device in a home network behind a carrier's NAT.
func home() surroundings {
	return surroundings{
		connected: []netip.Prefix{netip.MustParsePrefix("192.168.1.7/24"), netip.MustParsePrefix("2001:db8:1::7/64")},
		outside:   addresses("203.0.113.5"),
		hub:       addresses("198.51.100.1"),
		carrier:   addresses("100.64.3.4"),
	}
}

func TestDeviceSendsOnlyWhereAViewerCanBe(t *testing.T) {
	for to, want := range map[string]bool{
		// The Internet, in which documentation ranges count: they lead nowhere, and laboratories are made of them.
		"8.8.8.8:50000": true, "203.0.113.9:50000": true, "[2606:4700::1]:50000": true, "[2001:db8::9]:50000": true,
		// Its own subnets, where this viewer is not, also mapped into IPv6; one that others reach too, but not the device itself.
		"192.168.1.9:50000": false, "[::ffff:192.168.1.9]:50000": false, "192.168.1.7:50000": false,
		"[2001:db8:1::9]:50000": true, "[2001:db8:1::7]:50000": false,
		// Networks that only the device may know.
		"192.168.2.9:50000": false, "10.0.0.1:50000": false, "172.16.0.1:50000": false, "100.64.3.9:50000": false,
		"169.254.169.254:50000": false, "198.18.0.1:50000": false, "192.0.0.9:50000": false, "[fd00::9]:50000": false,
		"[fec0::9]:50000": false,
		// Itself, everybody and nobody.
		"127.0.0.1:50000": false, "[::1]:50000": false, "0.0.0.0:50000": false, "0.1.2.3:50000": false, "[::]:50000": false,
		"255.255.255.255:50000": false, "240.0.0.1:50000": false, "224.0.0.251:5353": false, "[ff02::fb]:5353": false,
		"[fe80::1]:50000": false, "[fe80::1%eth0]:50000": false, "[100::1]:50000": false,
		// IPv4 in other clothes.
		"[64:ff9b::8.8.8.8]:50000": true, "[64:ff9b::10.0.0.1]:50000": false, "[64:ff9b::127.0.0.1]:50000": false,
		"[2002:808:808::1]:50000": true, "[2002:c0a8:109::1]:50000": false, "[::8.8.8.8]:50000": false,
		"[64:ff9b:1::8.8.8.8]:50000": false,
		// Services.
		"8.8.8.8:53": false, "8.8.8.8:0": false, "8.8.8.8:1023": false, "8.8.8.8:443": true, "8.8.8.8:1024": true,
		"192.168.1.1:80": false,
	} {
		if got := home().admits(netip.MustParseAddrPort(to)); got != want {
			t.Errorf("admit %s: got %v, want %v", to, got, want)
		}
	}
}

func TestSubnetIsOpenToViewersBehindTheSameNAT(t *testing.T) {
	around := home()
	around.together = true
	for to, want := range map[string]bool{
		"192.168.1.9:50000": true, "[::ffff:192.168.1.9]:50000": true, "192.168.1.7:50000": true,
		// Not all of it at once, no services, and no other networks.
		"192.168.1.255:50000": false, "192.168.1.0:50000": false, "192.168.1.1:80": false, "192.168.2.9:50000": false,
	} {
		if got := around.admits(netip.MustParseAddrPort(to)); got != want {
			t.Errorf("admit %s: got %v, want %v", to, got, want)
		}
	}
}

func TestCarriersNetworkIsOpenToViewersBehindTheSameNAT(t *testing.T) {
	neighbour := netip.MustParseAddrPort("100.64.99.9:50000")
	for name, test := range map[string]struct {
		carrier  []netip.Addr
		together bool
		want     bool
	}{
		"the same address outside":     {addresses("100.64.3.4"), true, true},
		"another address outside":      {addresses("100.64.3.4"), false, false},
		"a device without a carrier":   {nil, true, false},
		"a carrier that uses 10.0.0.0": {addresses("10.1.2.3"), true, false},
	} {
		around := surroundings{carrier: test.carrier, together: test.together}
		if got := around.admits(neighbour); got != test.want {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}

func TestCompanysNetworkIsOpenWhenTheHubIsInIt(t *testing.T) {
	s := surroundings{connected: []netip.Prefix{netip.MustParsePrefix("10.77.1.2/24")}, hub: addresses("10.77.0.1")}
	for to, want := range map[string]bool{"10.99.1.1:50000": true, "192.168.1.1:50000": false} {
		if got := s.admits(netip.MustParseAddrPort(to)); got != want {
			t.Errorf("admit %s: got %v, want %v", to, got, want)
		}
	}
}

func TestLoopbackIsForDevicesWithoutANetwork(t *testing.T) {
	alone := surroundings{connected: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("::1/128")}}
	for _, to := range []string{"127.0.0.1:50000", "[::1]:50000"} {
		if !alone.admits(netip.MustParseAddrPort(to)) {
			t.Errorf("admit %s: got no, want yes", to)
		}
	}
	if (surroundings{}).admits(netip.MustParseAddrPort("127.0.0.1:50000")) {
		t.Error("admit loopback without knowing any network: got yes, want no")
	}
}

func TestPeerReflexiveCandidatesMayBePrivate(t *testing.T) {
	for ip, want := range map[string]bool{
		"192.168.77.1": true, "10.0.0.1": true, "127.0.0.1": false, "224.0.0.1": false, "192.168.1.255": false,
	} {
		if got := home().possible(netip.MustParseAddr(ip)); got != want {
			t.Errorf("possible %s: got %v, want %v", ip, got, want)
		}
	}
}

func FuzzAdmission(f *testing.F) {
	for _, a := range []string{"8.8.8.8", "192.168.1.9", "::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "::1", "fe80::1"} {
		b := netip.MustParseAddr(a).As16()
		f.Add(b[:], uint16(50000))
	}
	f.Fuzz(func(t *testing.T, b []byte, port uint16) {
		ip, ok := netip.AddrFromSlice(b)
		around := home()
		around.together = port%2 == 0
		if !ok || !around.admits(netip.AddrPortFrom(ip, port)) {
			return
		}
		plain := ip.Unmap()
		if plain.IsLoopback() || plain.IsMulticast() || plain.IsUnspecified() || plain.IsLinkLocalUnicast() {
			t.Errorf("admitted %s", ip)
		}
		if plain.IsPrivate() && !around.together {
			t.Errorf("admitted %s to a viewer elsewhere", ip)
		}
		if plain.IsPrivate() && !netip.MustParsePrefix("192.168.1.0/24").Contains(plain) {
			t.Errorf("admitted %s of a network that is not the device's", ip)
		}
		if port < 1024 && port != 443 {
			t.Errorf("admitted port %d", port)
		}
	})
}
