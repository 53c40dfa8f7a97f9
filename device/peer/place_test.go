package peer

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"
)

// outside is the address that a NAT would give to the media port.
const outside = "203.0.113.77"

// newSTUN answers each binding request with an address that is not the sender's.
func newSTUN(t *testing.T) []string {
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
			if _, err := conn.WriteTo(response.Raw, from); err != nil && !errors.Is(err, net.ErrClosed) {
				t.Errorf("respond: %v", err)
			}
		}
	})
	t.Cleanup(func() {
		conn.Close()
		serving.Wait()
	})
	return []string{"stun:" + conn.LocalAddr().String()}
}

func TestMappedAddressOfTheMediaPortIsACandidate(t *testing.T) {
	host := newHost(t)
	host.mux.port.SetServers(newSTUN(t))
	first := open(t, host, newViewer(t, viewing{}))
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
	second := open(t, host, newViewer(t, viewing{}), func(o *Options) { o.Trickle = false })
	second.mustOffer(nil)
	second.viewer.sees(webrtc.RTPCodecTypeVideo, 1)
	if got := second.describes[0].SDP; !strings.Contains(got, outside+" 4321 typ srflx") {
		t.Errorf("answer: want the mapped address in\n%s", got)
	}
}
