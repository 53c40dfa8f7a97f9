package portmap

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// route is a line of the kernel's table, whose addresses are numbers of the machine's byte order.
func route(iface, destination, gateway, flags string, metric int, mask string) string {
	number := func(s string) string {
		a := netip.MustParseAddr(s).As4()
		return fmt.Sprintf("%08X", binary.NativeEndian.Uint32(a[:]))
	}
	return fmt.Sprintf("%s\t%s\t%s\t%s\t0\t0\t%d\t%s\t0\t0\t0\n", iface, number(destination), number(gateway), flags, metric, number(mask))
}

func TestTheGatewayIsThatOfTheBestDefaultRoute(t *testing.T) {
	const head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
	wired := route("eth0", "0.0.0.0", "192.168.1.1", "0003", 100, "0.0.0.0")
	wireless := route("wlan0", "0.0.0.0", "10.0.0.1", "0003", 600, "0.0.0.0")
	tests := []struct{ name, table, want string }{
		{"one", head + wired, "192.168.1.1"},
		{"the better one", head + wireless + wired, "192.168.1.1"},
		{"the better one first", head + wired + wireless, "192.168.1.1"},
		{"only a network", head + route("eth0", "192.168.1.0", "0.0.0.0", "0001", 0, "255.255.255.0"), ""},
		{"half of the world, as of a VPN", head + route("tun0", "0.0.0.0", "10.8.0.1", "0003", 0, "128.0.0.0") + wired, "192.168.1.1"},
		{"a line without a router", head + route("ppp0", "0.0.0.0", "0.0.0.0", "0001", 0, "0.0.0.0") + wired, "192.168.1.1"},
		{"one that is down", head + route("eth1", "0.0.0.0", "10.0.0.2", "0002", 0, "0.0.0.0") + wired, "192.168.1.1"},
		{"nonsense", head + "eth0 00000000 xyz 0003 0 0 0 00000000\n" + "eth0\n", ""},
		{"nothing", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := defaultGateway(strings.NewReader(tt.table))
			if want, err := netip.ParseAddr(tt.want); got != want || ok != (err == nil) {
				t.Errorf("got %v, %v, want %q", got, ok, tt.want)
			}
		})
	}
}

func FuzzDefaultGateway(f *testing.F) {
	f.Add(route("eth0", "0.0.0.0", "192.168.1.1", "0003", 100, "0.0.0.0"))
	f.Add("eth0 00000000 0101A8C0 FFFF 0 0 99999999999999999999 00000000")
	f.Fuzz(func(t *testing.T, table string) {
		if a, ok := defaultGateway(strings.NewReader(table)); ok != a.Is4() {
			t.Errorf("got %v, %v", a, ok)
		}
	})
}
