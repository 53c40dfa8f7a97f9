package peer

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

// outside is the address that a NAT would give to the media port.
const outside = "203.0.113.77"

// newSTUN answers each binding request with an address that is not the sender's.
func newSTUN(t *testing.T) []protocol.ICEServer {
	t.Helper()
	var listening net.ListenConfig
	conn, err := listening.ListenPacket(context.Background(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			request := &stun.Message{Raw: buf[:n]}
			if request.Decode() != nil {
				continue
			}
			response, err := stun.Build(request, stun.BindingSuccess,
				&stun.XORMappedAddress{IP: net.ParseIP(outside), Port: 4321}, stun.Fingerprint)
			if err != nil {
				t.Errorf("build response: %v", err)
				return
			}
			if _, err := conn.WriteTo(response.Raw, from); err != nil {
				t.Errorf("respond: %v", err)
			}
		}
	})
	t.Cleanup(func() {
		conn.Close()
		serving.Wait()
	})
	return []protocol.ICEServer{{URLs: []string{"stun:" + conn.LocalAddr().String()}}}
}

func TestMappedAddressOfTheMediaPortIsACandidate(t *testing.T) {
	host := newHost(t)
	servers := newSTUN(t)
	first := open(t, host, newViewer(t, viewing{}), func(o *Options) { o.ICEServers = servers })
	first.mustOffer(nil)
	known := func(s *session) int {
		lines := 0
		for _, c := range s.peer.State().Candidates {
			if strings.Contains(c.Candidate, outside+" 4321 typ srflx") {
				lines++
			}
		}
		return lines
	}
	first.until("the end of candidates", func() bool { return ended(first) })
	if got := known(first); got != 1 {
		t.Errorf("mapped candidates: got %d, want 1", got)
	}
	second := open(t, host, newViewer(t, viewing{}), func(o *Options) { o.ICEServers, o.Trickle = servers, false })
	second.mustOffer(nil)
	second.viewer.sees(webrtc.RTPCodecTypeVideo, 1)
	if got := second.describes[0].SDP; !strings.Contains(got, outside+" 4321 typ srflx") {
		t.Errorf("answer: want the mapped address in\n%s", got)
	}
}

func TestSTUNServersArePickedBeforeRelays(t *testing.T) {
	got := stunServers([]protocol.ICEServer{
		{URLs: []string{"turn:a:1?transport=udp", "turn:a:1?transport=tcp", "turns:a:2"}},
		{URLs: []string{"stun:b:3", "stun:b:3"}},
	})
	if want := []string{"stun:b:3", "stun:a:1"}; !cmp.Equal(got, want) {
		t.Errorf("servers: %s", cmp.Diff(want, got))
	}
}

func TestHostCandidatesAreNotLoopbackUnlessThereIsNothingElse(t *testing.T) {
	loopback, other := 0, 0
	for _, a := range newHost(t).socket.GetListenAddresses() {
		if a.(*net.UDPAddr).IP.IsLoopback() {
			loopback++
		} else {
			other++
		}
	}
	if loopback == 0 == (other == 0) {
		t.Errorf("addresses: got %d of loopback and %d others, want one kind", loopback, other)
	}
}
