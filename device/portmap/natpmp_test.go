package portmap

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRequestsOfNATPMPAreAsTheRFCHasThem(t *testing.T) {
	for want, got := range map[string][]byte{
		"00 00":                         encodeAddress(),
		"00 02 0000 1388 01bb 00000e10": encodeNATPMP(opMapTCP, 5000, 443, 3600),
	} {
		if diff := cmp.Diff(unhex(t, want), got); diff != "" {
			t.Errorf("request (-want +got):\n%s", diff)
		}
	}
}

func TestResponsesOfNATPMPAreRead(t *testing.T) {
	tests := []struct {
		name, bytes string
		want        natpmpResponse
		bad         bool
	}{
		{"address", "00 80 0000 0000002a 05060708", natpmpResponse{opcode: opAddress, epoch: 42, address: netip.MustParseAddr("5.6.7.8")}, false},
		{"port", "00 81 0000 0000002a 1388 1389 00000078", natpmpResponse{opcode: opMapUDP, epoch: 42, internal: 5000, external: 5001, lifetime: 120}, false},
		{"refusal", "00 82 0002 0000002a", natpmpResponse{opcode: opMapTCP, result: 2, epoch: 42}, false},
		{"a request", "00 01 0000 1388 1389 00000078", natpmpResponse{}, true},
		{"pcp", "02 81 0000 0000002a 1388 1389 00000078", natpmpResponse{}, true},
		{"an address cut short", "00 80 0000 0000002a 0506", natpmpResponse{}, true},
		{"a port with more behind", "00 81 0000 0000002a 1388 1389 00000078 00", natpmpResponse{}, true},
		{"a port as an address", "00 80 0000 0000002a 1388 1389 00000078", natpmpResponse{}, true},
		{"an opcode of nobody", "00 83 0000 0000002a 1388 1389 00000078", natpmpResponse{}, true},
		{"next to nothing", "00 80", natpmpResponse{}, true},
		{"nothing", "", natpmpResponse{}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := decodeNATPMP(unhex(t, tt.bytes))
			if got != tt.want || (err != nil) != tt.bad {
				t.Errorf("got %+v and error %v, want %+v and an error: %v", got, err, tt.want, tt.bad)
			}
		})
	}
}

func FuzzDecodeNATPMP(f *testing.F) {
	for _, s := range []string{
		"00 80 0000 0000002a 05060708", "00 81 0000 0000002a 1388 1389 00000078", "00 82 0002 0000002a", "00 83 0000 0000002a", "",
	} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeNATPMP(b)
		if err != nil {
			return
		}
		if len(b) < errorAnswer || b[0] != natpmpVersion || b[1] != r.opcode|responseBit {
			t.Errorf("read %+v from %x", r, b)
		}
		if r.result == natpmpSucceeds && r.opcode == opAddress && !r.address.Is4() {
			t.Errorf("no address in %+v", r)
		}
	})
}
