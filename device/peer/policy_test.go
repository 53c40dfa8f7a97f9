package peer

import (
	"net"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

// throughRelay makes a viewer that has nothing but a relay, and that relay's servers.
func throughRelay(t *testing.T) (*viewer, []protocol.ICEServer) {
	t.Helper()
	servers := newRelay(t)
	return newViewer(t, viewing{config: webrtc.Configuration{
		ICETransportPolicy: webrtc.ICETransportPolicyRelay,
		ICEServers:         []webrtc.ICEServer{{URLs: servers[1].URLs, Username: "viewer", Credential: "secret"}},
	}}), servers
}

func restarts(s *session) int {
	n := 0
	for _, d := range s.describes {
		if d.Kind == protocol.DescribeRestart {
			n++
		}
	}
	return n
}

func TestPathThatIsNotAllowedAnyMoreIsLeftAtOnce(t *testing.T) {
	v, _ := throughRelay(t)
	s := open(t, newHost(t, func(c *Config) { c.RestartTimeout = time.Second }), v)
	s.mustOffer(nil)
	v.sees(webrtc.RTPCodecTypeVideo, 10)
	s.until("a relay path", func() bool { return len(s.paths) > 0 && s.paths[len(s.paths)-1].Kind == protocol.PathRelay })
	s.peer.SetPolicy(protocol.Policy{Path: protocol.PathDirectOnly, Expires: time.Now().Add(time.Hour)})
	s.until("the wish for a restart", func() bool { return restarts(s) == 1 })
	for before := s.peer.meter.refused.Load(); s.peer.meter.refused.Load() == before; {
		runtime.Gosched() // until the packet that was under way has left
	}
	sent := s.peer.meter.packets.Load()
	s.until("the end", func() bool { return slices.Equal(s.closed, []protocol.Reason{protocol.ReasonICEFailed}) })
	if got := s.peer.meter.packets.Load(); got != sent {
		t.Errorf("packets over the relay: got %d more, want none", got-sent)
	}
}

func TestMediaGoesOnOverAPathThatIsAllowed(t *testing.T) {
	servers := newRelay(t)
	v := newViewer(t, viewing{config: webrtc.Configuration{
		ICEServers: []webrtc.ICEServer{{URLs: servers[1].URLs, Username: "viewer", Credential: "secret"}},
	}})
	s := open(t, newHost(t), v, func(o *Options) { o.ICEServers = servers })
	s.mustOffer(nil)
	v.sees(webrtc.RTPCodecTypeVideo, 10)
	s.peer.SetPolicy(protocol.Policy{Path: protocol.PathRelayOnly, Expires: time.Now().Add(time.Hour)})
	s.until("the wish for a restart", func() bool { return restarts(s) == 1 })
	s.mustOffer(&webrtc.OfferOptions{ICERestart: true})
	s.until("a path over the device's relay", func() bool { return s.paths[len(s.paths)-1].Local == "relay" })
	v.sees(webrtc.RTPCodecTypeVideo, 50)
	_, describes, _ := s.told()
	last := describes[len(describes)-1].SDP
	if strings.Contains(last, "typ host") || strings.Contains(last, "typ srflx") {
		t.Errorf("answer under a policy of relays alone: got\n%s", last)
	}
}

func TestTimeOverTheRelayEndsTheSession(t *testing.T) {
	v, _ := throughRelay(t)
	s := open(t, newHost(t), v, func(o *Options) { o.Policy.MaxRelayS = 1 })
	s.mustOffer(nil)
	s.until("the end", func() bool { return slices.Equal(s.closed, []protocol.Reason{protocol.ReasonQuota}) })
}

func TestBitRateIsBoundedOverRelaysAlone(t *testing.T) {
	dropped := func(s *session) uint64 {
		s.peer.mu.Lock()
		defer s.peer.mu.Unlock()
		return s.peer.flow.Stats().Dropped
	}
	bounded := func(o *Options) { o.Policy.MaxKbps = 64 } // a tenth of the stream
	direct := open(t, newHost(t), newViewer(t, viewing{}), bounded)
	direct.mustOffer(nil)
	direct.viewer.sees(webrtc.RTPCodecTypeVideo, 200)
	if got := dropped(direct); got != 0 {
		t.Errorf("pictures left out of a direct session: got %d, want none", got)
	}
	v, _ := throughRelay(t)
	relayed := open(t, newHost(t), v)
	relayed.mustOffer(nil)
	v.sees(webrtc.RTPCodecTypeVideo, 50)
	relayed.peer.SetPolicy(protocol.Policy{MaxKbps: 64, Expires: time.Now().Add(time.Hour)})
	relayed.until("pictures left out", func() bool { return dropped(relayed) > 20 })
}

func TestStatsComeBeforeAnotherPath(t *testing.T) {
	network, err := newRelayNetwork(nil)
	if err != nil {
		t.Fatalf("make network: %v", err)
	}
	var free atomic.Bool
	servers := newRelay(t)
	v := newViewer(t, viewing{
		settings: func(e *webrtc.SettingEngine) {
			e.SetNet(network)
			behind(t, func(packet []byte, from net.Addr) bool { return free.Load() || fromRelay(packet, from) })(e)
		},
		config: webrtc.Configuration{
			ICEServers: []webrtc.ICEServer{{URLs: servers[1].URLs, Username: "viewer", Credential: "secret"}},
		},
	})
	s := open(t, newHost(t, func(c *Config) { c.ReportInterval = time.Hour }), v)
	s.mustOffer(nil)
	v.sees(webrtc.RTPCodecTypeVideo, 20)
	s.until("a relay path", func() bool { return len(s.paths) > 0 && s.paths[len(s.paths)-1].Kind == protocol.PathRelay })
	free.Store(true)
	s.mustOffer(&webrtc.OfferOptions{ICERestart: true})
	s.until("a direct path", func() bool { return s.paths[len(s.paths)-1].Kind == protocol.PathDirect })
	relayed := slices.Index(s.order, "relay")
	direct := slices.Index(s.order, "direct")
	if relayed < 0 || direct < 0 || !slices.Contains(s.order[relayed:direct], "stats") {
		t.Errorf("events: got %v, want stats between the relay and the direct path", s.order)
	}
	if got := s.stats[len(s.stats)-1].Bytes; got == 0 {
		t.Error("bytes before the direct path: got none, want some")
	}
	if got := s.paths[len(s.paths)-1]; got.AfterMS <= s.paths[0].AfterMS || got.Pairs == 0 {
		t.Errorf("path: got %+v, want a time after that of %+v and pairs", got, s.paths[0])
	}
}

func TestBoundOfRelaysFitsAnIntOf32Bits(t *testing.T) {
	for kbps, want := range map[int]int{0: 0, 800: 800_000, 100_000_000: 2_000_000_000} {
		p := &Peer{policy: protocol.Policy{MaxKbps: kbps}}
		if got := p.relayLimit(); got != want {
			t.Errorf("%d kbit/s: got %d bit/s, want %d", kbps, got, want)
		}
	}
}
