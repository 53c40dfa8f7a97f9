package reach

import (
	"net/netip"
	"testing"

	"github.com/pion/stun/v4"
)

func message(tb testing.TB, setters ...stun.Setter) []byte {
	tb.Helper()
	m, err := stun.Build(append([]stun.Setter{stun.TransactionID}, setters...)...)
	if err != nil {
		tb.Fatal(err)
	}
	return m.Raw
}

func TestAnswersAreReadAndOthersAreNot(t *testing.T) {
	mapped := &stun.XORMappedAddress{IP: wan.AsSlice(), Port: 7}
	tests := []struct {
		name   string
		packet []byte
		want   string // empty for none
	}{
		{"the address", message(t, stun.BindingSuccess, mapped), "203.0.113.9:7"},
		{"of RFC 3489", message(t, stun.BindingSuccess, &stun.MappedAddress{IP: wan.AsSlice(), Port: 8}), "203.0.113.9:8"},
		{"no address", message(t, stun.BindingSuccess), ""},
		{"no port", message(t, stun.BindingSuccess, &stun.XORMappedAddress{IP: wan.AsSlice()}), ""},
		{"nobody's address", message(t, stun.BindingSuccess, &stun.XORMappedAddress{IP: make([]byte, 4), Port: 7}), ""},
		{"everybody's address", message(t, stun.BindingSuccess, &stun.XORMappedAddress{IP: []byte{255, 255, 255, 255}, Port: 7}), ""},
		{"a reserved address", message(t, stun.BindingSuccess, &stun.XORMappedAddress{IP: []byte{240, 0, 0, 1}, Port: 7}), ""},
		{"an address of one link", message(t, stun.BindingSuccess, &stun.XORMappedAddress{IP: []byte{169, 254, 0, 1}, Port: 7}), ""},
		{"cut short", message(t, stun.BindingSuccess, mapped)[:24], ""},
		{"nothing", nil, ""},
	}
	for _, tt := range tests {
		got, err := decode(tt.packet)
		if tt.want == "" && err == nil || tt.want != "" && (err != nil || got.mapped.String() != tt.want) {
			t.Errorf("%s: got %s and %v, want %q", tt.name, got.mapped, err, tt.want)
		}
	}
	if got, err := decode(message(t, stun.BindingError, stun.CodeUnknownAttribute)); err != nil || !got.refused {
		t.Errorf("a refusal: got %+v and %v", got, err)
	}
}

func TestServersOnTheInternetHaveNoEndInTheDevicesNetwork(t *testing.T) {
	for _, tt := range []struct {
		server, mapped, other string
		keeps, likely         bool
	}{
		{"203.0.113.1", "203.0.113.9:7", "203.0.113.2:3479", true, true},
		{"203.0.113.1", "203.0.113.9:7", "192.168.1.1:3479", false, true},
		{"203.0.113.1", "203.0.113.9:7", "127.0.0.1:3479", false, true},
		{"203.0.113.1", "192.168.1.9:7", "203.0.113.2:3479", true, true}, // a server in a container sees such
		{"203.0.113.1", "127.0.0.1:7", "203.0.113.2:3479", true, false},
		{"10.77.0.1", "10.77.1.2:7", "10.77.0.2:3479", true, true},
		{"127.0.0.1", "127.0.0.1:7", "127.0.0.2:3479", true, true},
	} {
		said := answer{mapped: netip.MustParseAddrPort(tt.mapped), other: netip.MustParseAddrPort(tt.other)}
		got, likely := said.believe(netip.MustParseAddr(tt.server))
		if got.other.IsValid() != tt.keeps || likely != tt.likely {
			t.Errorf("%s says %+v: got %+v, %v", tt.server, said, got, likely)
		}
	}
}

func FuzzDecodeAnswer(f *testing.F) {
	f.Add(message(f, stun.BindingSuccess, &stun.XORMappedAddress{IP: wan.AsSlice(), Port: 7}, stun.Fingerprint))
	f.Add(message(f, stun.BindingSuccess, &stun.MappedAddress{IP: make([]byte, 16), Port: 7},
		&stun.OtherAddress{IP: serverB.Addr().AsSlice(), Port: altPort}))
	f.Add(message(f, stun.BindingError, stun.CodeUnknownAttribute))
	f.Add(message(f, stun.BindingRequest))
	f.Fuzz(func(t *testing.T, packet []byte) {
		a, err := decode(packet)
		switch {
		case err != nil:
		case a.refused && (a.mapped.IsValid() || a.other.IsValid()):
			t.Errorf("a refusal with addresses: %+v", a)
		case !a.refused && !useful(a.mapped), a.other.IsValid() && !useful(a.other):
			t.Errorf("no use: %+v", a)
		}
	})
}

func TestServersOutsideNameNoAddressInside(t *testing.T) {
	tests := []struct {
		server, other string
		want          bool
	}{
		{"198.51.100.1:3478", "198.51.100.2:3479", true},
		{"198.51.100.1:3478", "192.168.1.1:80", false},
		{"198.51.100.1:3478", "127.0.0.1:80", false},
		{"198.51.100.1:3478", "169.254.169.254:80", false},
		{"198.51.100.1:3478", "100.64.0.1:80", false},
		{"[2001:db8::1]:3478", "[fd00::1]:80", false},
		{"192.168.1.1:3478", "192.168.1.2:3479", true},
		{"192.168.1.1:3478", "198.51.100.2:3479", false},
	}
	for _, tt := range tests {
		if got := alike(netip.MustParseAddrPort(tt.server), netip.MustParseAddrPort(tt.other)); got != tt.want {
			t.Errorf("%s names %s: got %v, want %v", tt.server, tt.other, got, tt.want)
		}
	}
	if alike(serverA, netip.AddrPort{}) {
		t.Error("no address is as good as the server's")
	}
}
