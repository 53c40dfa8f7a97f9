package signal

import (
	"context"
	"crypto/ed25519"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const (
	hubURL = "https://hub.example"

	project protocol.ProjectID = "home"
	camera  protocol.DeviceID  = "camera"
	other   protocol.DeviceID  = "other"    // of the same project
	foreign protocol.DeviceID  = "neighbor" // of another project
	apiKey  protocol.KeyID     = "key1"
)

// stage is a hub with its clients' way to it.
type stage struct {
	*world
	hub     *Hub
	keyring *auth.Keyring
	keys    map[protocol.DeviceID]ed25519.PrivateKey
	config  Config
	// connect makes a socket to the hub.
	connect func(*testing.T) wire
	url     string // of a stage with real sockets
	home    string // where the next client comes from, if coming is in the configuration
	// patience is how long to wait for what must come.
	patience time.Duration
	pumps    sync.WaitGroup
	halt     context.CancelFunc
	halted   chan error
}

func newStage(t testing.TB, configure func(*Config)) *stage {
	t.Helper()
	s := &stage{world: newWorld(), keys: map[protocol.DeviceID]ed25519.PrivateKey{}, patience: 10 * time.Second}
	for id, in := range map[protocol.DeviceID]protocol.ProjectID{camera: project, other: project, foreign: "next"} {
		public, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		s.keys[id] = private
		s.devices[id] = record.Device{ID: id, Project: in, Name: string(id) + " at the door", PublicKey: public}
	}
	_, signing, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.keyring = auth.NewKeyring([]record.SigningKey{{ID: "k", Private: signing, Created: time.Now()}})
	s.config = Config{
		Directory: s, Sessions: s, Relay: s, Tokens: s.keyring, Plans: s, Node: "node",
		Audience: func(url string) bool { return url == hubURL }, GoawayGrace: time.Millisecond,
	}
	if configure != nil {
		configure(&s.config)
	}
	return s
}

// start runs a hub on the stage's world; after stop, another one.
func (s *stage) start(t *testing.T) {
	t.Helper()
	s.hub = New(s.config)
	if err := s.hub.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.halt, s.halted = cancel, make(chan error, 1)
	hub, halted := s.hub, s.halted
	s.pumps.Go(func() { halted <- hub.Run(ctx) })
	s.until(t, "the hub is ready", hub.Ready)
}

// stop ends the hub and waits for it.
func (s *stage) stop(t *testing.T) {
	t.Helper()
	s.halt()
	select {
	case err := <-s.halted:
		if err != nil {
			t.Errorf("Run: %v", err)
		}
	case <-time.After(s.patience):
		t.Error("the hub does not stop")
	}
	s.halted <- nil
}

// until waits for a state that no message tells.
func (s *stage) until(t *testing.T, what string, reached func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(s.patience)
	for !reached() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// onSockets gives a test a hub behind real WebSockets, and checks that nothing of it is left at the end.
func onSockets(t *testing.T, configure func(*Config)) *stage {
	t.Helper()
	s := newStage(t, configure)
	s.start(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.hub.ServeHTTP(w, r) }))
	s.url = strings.Replace(server.URL, "http", "ws", 1)
	s.connect = func(t *testing.T) wire {
		t.Helper()
		conn, response, err := (&websocket.Dialer{Subprotocols: []string{protocol.Subprotocol}}).DialContext(t.Context(), s.url, http.Header{homeHeader: {s.home}})
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		return webWire{conn}
	}
	t.Cleanup(func() {
		s.stop(t)
		server.Close()
		s.pumps.Wait()
		s.until(t, "all goroutines of the hub have ended: "+strings.Join(hubGoroutines(), "\n\n"), func() bool { return len(hubGoroutines()) == 0 })
	})
	return s
}

const homeHeader = "X-Home"

// coming makes clients come from where stage.from says, as a trusted proxy would.
func coming(c *Config) {
	c.ClientAddress = func(r *http.Request) netip.Addr {
		address, _ := netip.ParseAddr(r.Header.Get(homeHeader)) // none is none
		return address.Unmap()
	}
}

// from says where the next clients come from.
func (s *stage) from(address string) *stage {
	s.home = address
	return s
}

// inBubble runs a test in which time is faked and sockets are in memory. A bubble cannot end with a goroutine left.
func inBubble(t *testing.T, configure func(*Config), test func(*testing.T, *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, configure)
		s.patience = time.Hour
		s.start(t)
		s.connect = func(*testing.T) wire {
			m := newMemoryWire(protocol.WriteTimeout)
			hub := s.hub
			hub.work.Go(func() { m.serve(hub, netip.MustParseAddr("192.0.2.1")) })
			return m
		}
		t.Cleanup(func() {
			s.stop(t)
			s.pumps.Wait()
		})
		test(t, s)
	})
}

// hubGoroutines are the stacks of goroutines that a hub has started.
func hubGoroutines() []string {
	b := make([]byte, 1<<20)
	var found []string
	for stack := range strings.SplitSeq(string(b[:runtime.Stack(b, true)]), "\n\n") {
		if strings.Contains(stack, "signal.(*Hub).serve") || strings.Contains(stack, "signal.(*client)") || strings.Contains(stack, "signal.farewell") || strings.Contains(stack, "signal.(*pollSocket)") || strings.Contains(stack, "signal.(*guest)") || strings.Contains(stack, "signal.(*kvsSocket)") {
			found = append(found, stack)
		}
	}
	return found
}

// token mints a viewer token for the stage's camera.
func (s *stage) token(t testing.TB, change func(*auth.Viewer)) string {
	t.Helper()
	v := auth.Viewer{Project: project, Subject: "alice", Key: apiKey, Device: camera}
	if change != nil {
		change(&v)
	}
	token, err := s.keyring.Mint(v, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return token
}
