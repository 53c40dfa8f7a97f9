package peer

import (
	"context"
	"log/slog"
	"math"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/transport/v4/vnet"
	"github.com/pion/turn/v5"
	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/device/reach"
	"github.com/sightline-rtc/sightline/protocol"
)

// The types of NAT of a scene, in the words of RFC 4787. Its symmetric NATs count.
var (
	portRestricted = vnet.NATType{MappingBehavior: vnet.EndpointIndependent, FilteringBehavior: vnet.EndpointAddrPortDependent}
	symmetric      = vnet.NATType{MappingBehavior: vnet.EndpointAddrPortDependent, FilteringBehavior: vnet.EndpointAddrPortDependent}
)

// scene is an Internet in memory: a server that is STUN and TURN, at two addresses, and two homes. Packets take a time
// from one to another and some are lost.
type scene struct {
	t      *testing.T
	wan    *vnet.Router
	device *vnet.Net
	viewer *vnet.Net
	// direct counts packets between the homes that are neither STUN nor DTLS.
	mu     sync.Mutex // guards what follows
	dice   *rand.Rand
	loss   int
	direct int
}

const (
	sceneServer = "203.0.113.10"
	sceneSTUN   = "203.0.113.11"
	deviceHome  = "203.0.113.2"
	viewerHome  = "203.0.113.3"
)

func must[T any](value T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// making is held while a scene is made: the library counts its interfaces without a lock.
var making sync.Mutex

// newScene makes a scene with a time from home to home and a loss of so many packets of a hundred.
func newScene(t *testing.T, delay time.Duration, loss int, device, viewer vnet.NATType) *scene {
	t.Helper()
	making.Lock()
	defer making.Unlock()
	s := &scene{t: t, loss: loss, dice: rand.New(rand.NewPCG(1, 2))}
	quiet := loggers{slog.New(slog.DiscardHandler)}
	s.wan = must(vnet.NewRouter(&vnet.RouterConfig{CIDR: "203.0.113.0/24", MinDelay: delay, LoggerFactory: quiet}))(t)
	s.wan.AddChunkFilter(s.pass)
	server := must(vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{sceneServer, sceneSTUN}}))(t)
	s.add(s.wan, server)
	s.device = s.home(deviceHome, "192.168.1.0/24", device, quiet)
	s.viewer = s.home(viewerHome, "192.168.2.0/24", viewer, quiet)
	if err := s.wan.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.wan.Stop(); err != nil {
			t.Errorf("stop the network: %v", err)
		}
	})
	s.serve(server, quiet)
	return s
}

func (s *scene) add(r *vnet.Router, n vnet.NIC) {
	s.t.Helper()
	if err := r.AddNet(n); err != nil {
		s.t.Fatal(err)
	}
}

// home is a machine behind a NAT.
func (s *scene) home(address, subnet string, nat vnet.NATType, quiet loggers) *vnet.Net {
	s.t.Helper()
	router := must(vnet.NewRouter(&vnet.RouterConfig{
		CIDR: subnet, StaticIPs: []string{address}, NATType: &nat, LoggerFactory: quiet,
	}))(s.t)
	machine := must(vnet.NewNet(&vnet.NetConfig{}))(s.t)
	s.add(router, machine)
	if err := s.wan.AddRouter(router); err != nil {
		s.t.Fatal(err)
	}
	return machine
}

// pass loses packets, and counts what goes from home to home.
func (s *scene) pass(c vnet.Chunk) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dice.IntN(100) < s.loss {
		return false
	}
	if strings.HasPrefix(c.SourceAddr().String(), deviceHome+":") && strings.HasPrefix(c.DestinationAddr().String(), viewerHome+":") &&
		isRTP(c.UserData()) {
		s.direct++
	}
	return true
}

// serve runs the STUN and TURN server.
func (s *scene) serve(machine *vnet.Net, quiet loggers) {
	s.t.Helper()
	var conns []turn.PacketConnConfig
	for _, ip := range []string{sceneServer, sceneSTUN} {
		conns = append(conns, turn.PacketConnConfig{
			PacketConn: must(machine.ListenPacket("udp4", ip+":3478"))(s.t),
			RelayAddressGenerator: &turn.RelayAddressGeneratorStatic{
				RelayAddress: net.ParseIP(sceneServer), Address: sceneServer, Net: machine,
			},
		})
	}
	server := must(turn.NewServer(turn.ServerConfig{
		Realm: "test",
		AuthHandler: func(a *turn.RequestAttributes) (string, []byte, bool) {
			return a.Username, turn.GenerateAuthKey(a.Username, "test", "secret"), true
		},
		PacketConnConfigs: conns, LoggerFactory: quiet,
	}))(s.t)
	s.t.Cleanup(func() { server.Close() })
}

// closer is a socket that says like the kernel's that it is closed.
type closer struct{ net.PacketConn }

func (c closer) Close() error {
	if c.PacketConn.Close() != nil {
		return net.ErrClosed
	}
	return nil
}

// host is the device, which knows where it is by the time that this returns.
func (s *scene) host() *Host {
	s.t.Helper()
	at := func(port int) (net.PacketConn, error) {
		conn, err := s.device.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP("192.168.1.1"), Port: port})
		return closer{conn}, err
	}
	h := must(NewHost(Config{Net: s.device}))(s.t)
	port := must(reach.Open(reach.Config{
		Socket: must(at(5000))(s.t), Probe: func() (net.PacketConn, error) { return at(0) },
		Servers: []string{"stun:" + sceneServer + ":3478", "stun:" + sceneSTUN + ":3478"},
	}))(s.t)
	if err := h.Listen(port); err != nil {
		s.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = port.Run(ctx) })
	s.t.Cleanup(func() {
		stop()
		if err := h.Close(); err != nil {
			s.t.Errorf("close host: %v", err)
		}
		running.Wait()
	})
	port.Assessed(s.t.Context())
	return h
}

// browser is a viewer that goes on checking and moves to a better pair by itself, as browsers do.
func (s *scene) browser(relay bool) *viewer {
	s.t.Helper()
	config := webrtc.Configuration{ICEServers: []webrtc.ICEServer{{URLs: []string{"stun:" + sceneSTUN + ":3478"}}}}
	if relay {
		config.ICEServers = append(config.ICEServers, webrtc.ICEServer{
			URLs: []string{"turn:" + sceneServer + ":3478"}, Username: "viewer", Credential: "secret",
		})
	}
	return newViewer(s.t, viewing{config: config, settings: func(e *webrtc.SettingEngine) {
		e.SetNet(s.viewer)
		e.SetIncludeLoopbackCandidate(false)
		e.SetICEMaxBindingRequests(math.MaxUint16) // browsers check as long as there is a session
		if err := e.SetICERenomination(webrtc.WithRenominationInterval(200 * time.Millisecond)); err != nil {
			s.t.Fatal(err)
		}
	}})
}

// last is the newest path. It is for the conditions of until.
func (s *session) last() protocol.Path {
	if len(s.paths) == 0 {
		return protocol.Path{}
	}
	return s.paths[len(s.paths)-1]
}

// told is what the device has told so far.
func (s *session) told() (path protocol.Path, describes []protocol.Describe, closed []protocol.Reason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last(), slices.Clone(s.describes), slices.Clone(s.closed)
}
