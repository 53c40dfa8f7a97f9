package peer

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/turn/v5"
	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

// relayPortMin and relayPortMax are where the test's relay has its allocations: below the ports that systems give out
// by themselves, so that a port tells what is relayed.
const relayPortMin, relayPortMax = 20000, 20999

// relayAddress is an address that host candidates have too, so that the relay sees them come from it.
func relayAddress(t *testing.T) net.IP {
	t.Helper()
	h := newHost(t)
	for _, a := range h.mux.GetListenAddresses() {
		if udp, ok := a.(*net.UDPAddr); ok && udp.IP.To4() != nil {
			return udp.IP
		}
	}
	t.Fatal("no IPv4 address here")
	return nil
}

// newRelay is a TURN and STUN server.
func newRelay(t *testing.T) []protocol.ICEServer {
	t.Helper()
	ip := relayAddress(t)
	var listening net.ListenConfig
	conn, err := listening.ListenPacket(context.Background(), "udp4", net.JoinHostPort(ip.String(), "0"))
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	server, err := turn.NewServer(turn.ServerConfig{
		Realm: "test",
		AuthHandler: func(a *turn.RequestAttributes) (string, []byte, bool) {
			return a.Username, turn.GenerateAuthKey(a.Username, "test", "secret"), true
		},
		PacketConnConfigs: []turn.PacketConnConfig{{
			PacketConn: conn,
			RelayAddressGenerator: &turn.RelayAddressGeneratorPortRange{
				RelayAddress: ip, Address: ip.String(), MinPort: relayPortMin, MaxPort: relayPortMax,
			},
		}},
		LoggerFactory: loggers{slog.New(slog.DiscardHandler)},
	})
	if err != nil {
		t.Fatalf("start relay: %v", err)
	}
	t.Cleanup(func() { server.Close() })
	address := conn.LocalAddr().String()
	return []protocol.ICEServer{
		{URLs: []string{"stun:" + address}},
		{URLs: []string{"turn:" + address + "?transport=udp"}, Username: "device", Credential: "secret"},
	}
}

func fromRelay(_ []byte, from net.Addr) bool {
	udp, ok := from.(*net.UDPAddr)
	return ok && udp.Port >= relayPortMin && udp.Port <= relayPortMax
}

func TestNoRelayIsAllocatedWhileTheDirectPathWorks(t *testing.T) {
	v := newViewer(t, viewing{})
	s := open(t, newHost(t), v, func(o *Options) { o.ICEServers = newRelay(t) })
	s.mustOffer(nil)
	v.sees(webrtc.RTPCodecTypeVideo, 10)
	s.until("the end of candidates", func() bool { return s.peer.State().Candidates != nil && ended(s) })
	if got := s.peer.pc.GetConfiguration().ICEServers; len(got) != 0 {
		t.Errorf("ICE servers of a direct session: got %v, want none", got)
	}
}

func ended(s *session) bool {
	s.peer.mu.Lock()
	defer s.peer.mu.Unlock()
	return s.peer.local.ended
}

func TestDeviceTakesARelayWhenNothingElseConnects(t *testing.T) {
	v := newViewer(t, viewing{settings: behind(t, fromRelay)})
	s := open(t, newHost(t, func(c *Config) { c.RelayAfter = 300 * time.Millisecond }), v,
		func(o *Options) { o.ICEServers = newRelay(t) })
	s.mustOffer(nil)
	s.until("the wish for a restart", func() bool {
		return len(s.describes) == 2 && s.describes[1].Kind == protocol.DescribeRestart
	})
	s.mustOffer(&webrtc.OfferOptions{ICERestart: true})
	v.sees(webrtc.RTPCodecTypeVideo, 10)
	s.until("a path", func() bool { return len(s.paths) > 0 })
	got := s.paths[len(s.paths)-1]
	if got.Kind != protocol.PathRelay || got.Means != "relay" || got.Local != "relay" {
		t.Errorf("path: got %+v, want the device's relay", got)
	}
}

func TestDirectOnlySessionTakesNoRelayAndFails(t *testing.T) {
	v := newViewer(t, viewing{settings: behind(t, fromRelay)})
	s := open(t, newHost(t, func(c *Config) {
		c.RelayAfter, c.RestartTimeout = time.Millisecond, 200*time.Millisecond
		c.DisconnectedTimeout, c.FailedTimeout = 200*time.Millisecond, 200*time.Millisecond
	}), v, func(o *Options) {
		o.ICEServers = newRelay(t)
		o.Policy.Path = protocol.PathDirectOnly
	})
	s.mustOffer(nil)
	s.until("the end", func() bool { return slices.Equal(s.closed, []protocol.Reason{protocol.ReasonICEFailed}) })
	restarts := 0
	for _, d := range s.describes {
		if d.Kind == protocol.DescribeRestart {
			restarts++
		}
	}
	if restarts != 1 {
		t.Errorf("restarts asked for: got %d, want 1", restarts)
	}
}

func TestRelayOnlySessionUsesRelaysAtBothEnds(t *testing.T) {
	servers := newRelay(t)
	v := newViewer(t, viewing{config: webrtc.Configuration{
		ICETransportPolicy: webrtc.ICETransportPolicyRelay,
		ICEServers:         []webrtc.ICEServer{{URLs: servers[1].URLs, Username: "viewer", Credential: "secret"}},
	}})
	s := open(t, newHost(t), v, func(o *Options) {
		o.ICEServers = servers
		o.Policy.Path = protocol.PathRelayOnly
	})
	s.mustOffer(nil)
	v.sees(webrtc.RTPCodecTypeVideo, 10)
	s.until("a path", func() bool { return len(s.paths) > 0 })
	if got := s.paths[0]; got.Kind != protocol.PathRelay || got.Local != "relay" {
		t.Errorf("path: got %+v, want a relay at the device", got)
	}
	for _, c := range s.peer.State().Candidates {
		if !strings.Contains(c.Candidate, " typ relay ") {
			t.Errorf("candidate %q: want relays alone", c.Candidate)
		}
		if !strings.Contains(c.Candidate, " raddr 0.0.0.0 rport 9") {
			t.Errorf("candidate %q: want nothing of the device's own address", c.Candidate)
		}
	}
}

func TestViewersRelayMakesARelayPath(t *testing.T) {
	servers := newRelay(t)
	v := newViewer(t, viewing{config: webrtc.Configuration{
		ICETransportPolicy: webrtc.ICETransportPolicyRelay,
		ICEServers:         []webrtc.ICEServer{{URLs: servers[1].URLs, Username: "viewer", Credential: "secret"}},
	}})
	s := open(t, newHost(t), v)
	s.mustOffer(nil)
	v.sees(webrtc.RTPCodecTypeVideo, 10)
	s.until("a relay path", func() bool {
		return len(s.paths) > 0 && s.paths[len(s.paths)-1].Kind == protocol.PathRelay
	})
	if got := s.paths[len(s.paths)-1]; got.Remote != "relay" || got.Local == "relay" {
		t.Errorf("path: got %+v, want the relay at the viewer alone", got)
	}
}

func TestLostPacketsComeAgainAsRTX(t *testing.T) {
	var seen, dropped atomic.Int64
	v := newViewer(t, viewing{settings: behind(t, func(packet []byte, _ net.Addr) bool {
		const h264 = 112 // the viewer's payload type; its RTX is another
		if !isRTP(packet) || packet[1]&0x7f != h264 || seen.Add(1)%20 != 0 {
			return true
		}
		dropped.Add(1)
		return false
	})})
	s := open(t, newHost(t), v)
	s.mustOffer(nil)
	v.until("RTX", func() bool { return v.repairs >= 5 })
	if dropped.Load() == 0 {
		t.Error("no packet was dropped")
	}
}
