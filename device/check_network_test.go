package device

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/stun/v4"

	"github.com/sightline-rtc/sightline/nat"
	"github.com/sightline-rtc/sightline/protocol"
)

// newSTUN is a STUN server on loopback with one address and one port.
func newSTUN(t *testing.T) string {
	t.Helper()
	conn, err := new(net.ListenConfig).ListenPacket(context.Background(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for b := make([]byte, 1500); ; {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			request := &stun.Message{Raw: b[:n]}
			if request.Decode() != nil {
				continue
			}
			at := from.(*net.UDPAddr)
			says := []stun.Setter{stun.NewTransactionIDSetter(request.TransactionID), stun.BindingSuccess, &stun.XORMappedAddress{IP: at.IP, Port: at.Port}}
			if request.Contains(stun.AttrChangeRequest) {
				says = []stun.Setter{says[0], stun.BindingError, stun.CodeUnknownAttribute}
			}
			answer, err := stun.Build(says...)
			if err != nil {
				t.Errorf("build an answer: %v", err)
				return
			}
			if _, err := conn.WriteTo(answer.Raw, from); err != nil {
				return
			}
		}
	})
	t.Cleanup(func() {
		conn.Close()
		serving.Wait()
	})
	return "stun:" + conn.LocalAddr().String()
}

func TestNetworksArePutIntoWords(t *testing.T) {
	symmetric := protocol.Network{Mapping: protocol.NATAddressAndPort, Filtering: protocol.NATAddressAndPort}
	mapped, absent := symmetric, symmetric
	mapped.PortMapping, mapped.IPv6 = protocol.PortMappingUPnP, true
	absent.MappingFault, absent.IPv6 = protocol.MappingAbsent, true
	tests := []struct {
		name    string
		network protocol.Network
		faults  []error
		mark    string
		lines   []string
	}{
		{"a port is open", mapped, nil, "ok ", []string{
			nat.KindSymmetric.Words() + " It has opened a port for the camera (UPnP), so that everybody gets through directly. IPv6 works.",
		}},
		{"none is", absent, nil, "but", append([]string{nat.KindSymmetric.Words() + " IPv6 works."}, nat.Advice(absent)...)},
		{
			"a wrong server",
			protocol.Network{},
			[]error{errors.New("stun:192.0.2.1:3478 does not answer")},
			"but",
			append([]string{
				nat.KindUnknown.Words(),
				"STUN server: stun:192.0.2.1:3478 does not answer. Its name, its address or its port is wrong, or a firewall is in the way.",
			}, nat.Advice(protocol.Network{})...),
		},
	}
	for _, tt := range tests {
		mark, lines := verdict(tt.network, tt.faults)
		if diff := cmp.Diff(tt.lines, lines); mark != tt.mark || diff != "" {
			t.Errorf("%s: got %s, want %s: %s", tt.name, mark, tt.mark, diff)
		}
	}
}

func TestCheckSaysThatASTUNServerIsWrong(t *testing.T) {
	h := newHub(t)
	h.refusesAll()
	c := settings(t, h)
	c.Reach.Servers = []string{"stun:127.0.0.1:9"}
	got, err := checked(t, c)
	if err != nil {
		t.Errorf("got %v, want a check that does not fail for it", err)
	}
	for _, want := range []string{"but  network    Nothing comes back over UDP", "STUN server: stun:127.0.0.1:9 does not answer.", "Let UDP out"} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant in it %q", got, want)
		}
	}
}

func TestHubIsToldOfTheNetworkAfterEveryWelcome(t *testing.T) {
	h := newHub(t)
	run(t, settings(t, h))
	w := h.lives()
	want := &protocol.Network{Public: true, MappingFault: protocol.MappingOff}
	if _, got := w.until(protocol.TypeNetwork); !cmp.Equal(got, protocol.Message(want)) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	w.conn.Close()
	again := h.resumes(w)
	if _, got := again.until(protocol.TypeNetwork); !cmp.Equal(got, protocol.Message(want)) {
		t.Errorf("after a resumption: got %+v, want %+v", got, want)
	}
}
