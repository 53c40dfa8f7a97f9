package portmap

import (
	"net/netip"
	"testing"
)

func TestAddressesAreSortedByWhatTheyAreGoodFor(t *testing.T) {
	tests := []struct {
		address           string
		plausible, behind bool
	}{
		{"5.6.7.8", true, false},
		{"223.255.255.255", true, false},
		{"10.0.0.1", true, true},
		{"172.31.255.255", true, true},
		{"172.32.0.0", true, false},
		{"192.168.0.1", true, true},
		{"100.64.0.1", true, true},
		{"100.128.0.1", true, false},
		{"192.0.0.2", true, true},
		{"198.19.0.1", true, true},
		{"0.0.0.0", false, false},
		{"0.1.2.3", false, false},
		{"127.0.0.1", false, false},
		{"169.254.0.1", false, false},
		{"224.0.0.1", false, false},
		{"240.0.0.1", false, false},
		{"255.255.255.255", false, false},
		{"::1", false, false},
		{"2001:db8::1", false, false},
		{"::ffff:5.6.7.8", false, false},
	}
	for _, tt := range tests {
		a := netip.MustParseAddr(tt.address)
		if plausible(a) != tt.plausible || behindNAT(a) != tt.behind {
			t.Errorf("%s: plausible %v, behind NAT %v, want %v and %v", a, plausible(a), behindNAT(a), tt.plausible, tt.behind)
		}
	}
	if plausible(netip.Addr{}) || behindNAT(netip.Addr{}) {
		t.Error("no address is taken for one")
	}
}
