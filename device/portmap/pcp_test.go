package portmap

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// unhex reads what a person can check against the RFC: bytes, with spaces between the fields.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRequestsOfPCPAreAsTheRFCHasThem(t *testing.T) {
	client := netip.MustParseAddr("192.168.1.7")
	m := pcpMapping{
		nonce: pcpNonce([]byte("twelve bytes")), protocol: protocolTCP, internal: 5000,
		external: netip.MustParseAddrPort("5.6.7.8:443"),
	}
	const header, nonce = "02 01 0000 00000e10 00000000000000000000ffffc0a80107", "7477656c7665206279746573"
	tests := []struct {
		name      string
		got       []byte
		wantBytes string
	}{
		{"announce", encodePCP(opAnnounce, 0, client), "02 00 0000 00000000 00000000000000000000ffffc0a80107"},
		{"map", encodeMap(m, 3600, client), header + nonce + "06 000000 1388 01bb 00000000000000000000ffff05060708"},
		{
			"map to any", encodeMap(pcpMapping{nonce: m.nonce, protocol: protocolUDP, internal: 5000}, 3600, client),
			header + nonce + "11 000000 1388 0000 00000000000000000000ffff00000000",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(unhex(t, tt.wantBytes), tt.got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestResponsesOfPCPAreRead(t *testing.T) {
	got, err := decodePCP(unhex(t, "02 81 00 00 00000078 0000002a 000000000000000000000000 "+
		"7477656c7665206279746573 11 000000 1388 1389 00000000000000000000ffff05060708"))
	if err != nil {
		t.Fatal(err)
	}
	want := pcpResponse{opcode: opMap, lifetime: 120, epoch: 42, mapping: pcpMapping{
		nonce: pcpNonce([]byte("twelve bytes")), protocol: protocolUDP, internal: 5000,
		external: netip.MustParseAddrPort("5.6.7.8:5001"),
	}}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestADeviceThatLostItsPowerRecoversItsMapping(t *testing.T) {
	b := newBox()
	c := controlServer(t, b.answerPCP)
	before := &pcp{control: c, seed: []byte("of the device")}
	opened(t, before, anAsk, wished(5000))
	other := &pcp{control: c, seed: []byte("of another one")}
	if _, err := other.open(t.Context(), anAsk); !errors.Is(err, errRefused) {
		t.Errorf("another seed: got %v, want %v", err, errRefused)
	}
	opened(t, &pcp{control: c, seed: []byte("of the device")}, anAsk, wished(5000))
}

func TestEachPortHasANonceOfItsOwn(t *testing.T) {
	p := &pcp{seed: []byte("seed")}
	seen := make(map[pcpNonce]bool)
	for _, m := range []pcpMapping{p.mapping(udp, 1), p.mapping(tcp, 1), p.mapping(udp, 2), (&pcp{seed: []byte("seed2")}).mapping(udp, 1)} {
		if seen[m.nonce] {
			t.Errorf("nonce %x twice", m.nonce)
		}
		seen[m.nonce] = true
	}
}

func TestAClockThatDoesNotFollowOursBeganAnew(t *testing.T) {
	start := time.Now()
	type look struct {
		after  time.Duration
		server uint32
	}
	tests := []struct {
		name  string
		looks []look
		want  bool
	}{
		{"the first look", []look{{0, 5}}, false},
		{"in step", []look{{0, 5}, {time.Minute, 65}}, false},
		{"a little off", []look{{0, 1000}, {time.Hour, 1000 + 3600 - 200}}, false},
		{"two answers in the wrong order", []look{{0, 5}, {0, 4}}, false},
		{"back to zero", []look{{0, 1000}, {time.Minute, 0}}, true},
		{"back to zero and further on than before", []look{{0, 10}, {time.Minute, 30}}, true},
		{"too fast", []look{{0, 10}, {time.Minute, 90}}, true},
		{"stands still", []look{{0, 10}, {time.Minute, 10}}, true},
		{"its greatest number", []look{{0, 1<<32 - 1}, {time.Second, 0}}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var e epoch
			var got bool
			for _, l := range tt.looks {
				got = e.restarted(l.server, start.Add(l.after))
			}
			if got != tt.want {
				t.Errorf("restarted is %v, want %v", got, tt.want)
			}
		})
	}
}

func FuzzDecodePCP(f *testing.F) {
	f.Add(encodeMap(pcpMapping{nonce: pcpNonce([]byte("twelve bytes")), protocol: protocolUDP, internal: 1}, 1, loopback))
	f.Add(unhex(f, "02 80 00 00 00000000 0000002a 000000000000000000000000"))
	f.Add(unhex(f, "02 81 00 0b 00000078 0000002a 000000000000000000000000 7477656c7665206279746573 11 000000 1388 1389 00000000000000000000ffff05060708"))
	f.Add(bytes.Repeat([]byte{2}, maxDatagram+4))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodePCP(b)
		if err != nil {
			return
		}
		if len(b) > maxDatagram || len(b)%4 != 0 || b[0] != pcpVersion || b[1] < responseBit {
			t.Errorf("took %x", b)
		}
		if r.opcode == opMap && (!bytes.Equal(r.mapping.nonce[:], b[24:36]) || r.mapping.protocol != b[36]) {
			t.Errorf("read %+v from %x", r, b)
		}
	})
}
