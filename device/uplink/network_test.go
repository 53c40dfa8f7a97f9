package uplink

import (
	"net"
	"testing"
)

func at(t *testing.T, gateway string, cidrs ...string) Network {
	t.Helper()
	var addresses []net.Addr
	for _, cidr := range cidrs {
		ip, subnet, err := net.ParseCIDR(cidr)
		if err != nil {
			t.Fatal(err)
		}
		addresses = append(addresses, &net.IPNet{IP: ip, Mask: subnet.Mask})
	}
	return networkOf(addresses, gateway)
}

func TestNetworkIsItsSubnetsAndItsGateway(t *testing.T) {
	home := at(t, "wlan0 0100000A", "127.0.0.1/8", "10.0.0.5/24", "2001:db8::1/64", "fe80::1/64")
	tests := []struct {
		name        string
		other       Network
		key, places bool
	}{
		{"the same in another order", at(t, "wlan0 0100000A", "2001:db8::1/64", "10.0.0.5/24"), true, true},
		{"another IPv6 address of the subnet", at(t, "wlan0 0100000A", "10.0.0.5/24", "2001:db8::77/64", "2001:db8::78/64"), true, true},
		{"another IPv4 address", at(t, "wlan0 0100000A", "10.0.0.6/24", "2001:db8::1/64"), true, false},
		{"another gateway", at(t, "wlan0 0200000A", "10.0.0.5/24", "2001:db8::1/64"), false, false},
		{"another subnet", at(t, "wlan0 0100000A", "10.0.1.5/24", "2001:db8::1/64"), false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if (tt.other.Key == home.Key) != tt.key || (tt.other.Place == home.Place) != tt.places {
				t.Errorf("got %+v beside %+v", tt.other, home)
			}
		})
	}
	if none := at(t, "", "127.0.0.1/8", "fe80::1/64"); none != (Network{}) {
		t.Errorf("a machine without addresses is at %+v", none)
	}
}
