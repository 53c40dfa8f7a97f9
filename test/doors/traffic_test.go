package doors

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/device/uplink"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/test/middlebox"
)

// client is a device or a viewer without media: what it hears on its link.
type client struct {
	link *uplink.Link
	// changed has room for one: something was heard.
	changed chan struct{}

	// mu guards what follows.
	mu         sync.Mutex
	candidates []string
	ups        []uplink.Up
	opened     bool
	closed     protocol.Reason
}

// Welcomed implements uplink.Handler.
func (c *client) Welcomed(up uplink.Up) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ups = append(c.ups, up)
	c.tell()
}

// Handle implements uplink.Handler.
func (c *client) Handle(_ context.Context, e protocol.Envelope, body protocol.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch m := body.(type) {
	case *protocol.Candidate:
		c.candidates = append(c.candidates, m.Candidate)
	case *protocol.Opened:
		c.opened = true
	case *protocol.Closed:
		c.closed = m.Reason
	case *protocol.Invite:
		c.opened = true
		reply := protocol.Must(protocol.TypeReply, e.Session, &protocol.Reply{})
		reply.Re = e.ID
		_ = c.link.Send(reply)
	}
	c.tell()
}

func (c *client) tell() {
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// until waits until the client is as the test wants it.
func (c *client) until(t *testing.T, what string, good func() bool) {
	t.Helper()
	deadline := time.After(patience)
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		c.mu.Lock()
		done := good()
		c.mu.Unlock()
		if done {
			return
		}
		select {
		case <-c.changed:
		case <-again.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s; %d candidates came, the session is closed for %q", what, len(c.candidates), c.closed)
		}
	}
}

// moves asks for a door until the link is on it: an attempt that a cut connection ends is not made again by itself.
func (c *client) moves(t *testing.T, transport protocol.Transport) {
	t.Helper()
	c.until(t, "the "+string(transport), func() bool {
		if c.on(transport)() {
			return true
		}
		c.link.Use(transport)
		return false
	})
}

func (c *client) on(transport protocol.Transport) func() bool {
	return func() bool { return len(c.ups) > 0 && c.ups[len(c.ups)-1].Transport == transport }
}

// joins runs a link with a hello.
func (s *stage) joins(hello func(time.Time) (*protocol.Hello, error), change func(*uplink.Config)) *client {
	s.t.Helper()
	c := &client{changed: make(chan struct{}, 1)}
	config := uplink.Config{
		Hub: s.url, Hello: hello, Handler: c, NetworkInterval: -1, HelloTimeout: 500 * time.Millisecond,
		MinBackoff: 10 * time.Millisecond, MaxBackoff: 100 * time.Millisecond, Probes: []time.Duration{time.Hour},
		Logger: slog.New(slog.NewTextHandler(s.log, nil)),
	}
	if change != nil {
		change(&config)
	}
	link, err := uplink.New(config)
	if err != nil {
		s.t.Fatal(err)
	}
	c.link = link
	s.runs(func(ctx context.Context) error {
		link.Run(ctx)
		return nil
	})
	return c
}

// device enrols a device and runs its link.
func (s *stage) device(change func(*uplink.Config)) (*client, protocol.DeviceID) {
	s.t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	body, err := json.Marshal(map[string]any{"code": s.code(), "public_key": public, "name": "garden"})
	if err != nil {
		s.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.plain+"/v1/enroll", bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	var id struct{ Device protocol.DeviceID }
	if err := json.NewDecoder(response.Body).Decode(&id); err != nil || !id.Device.Valid() {
		s.t.Fatalf("%s: %+v, %v", response.Status, id, err)
	}
	return s.joins(func(now time.Time) (*protocol.Hello, error) {
		token, err := auth.SignDevice(private, id.Device, s.url.String(), now)
		return &protocol.Hello{
			Version: protocol.Version, Role: protocol.RoleDevice, Token: token, Client: protocol.Client{Name: "test"},
		}, err
	}, change), id.Device
}

func (s *stage) viewer(id protocol.DeviceID) *client {
	s.t.Helper()
	token := s.token(id)
	return s.joins(func(time.Time) (*protocol.Hello, error) {
		return &protocol.Hello{
			Version: protocol.Version, Role: protocol.RoleViewer, Token: token, Client: protocol.Client{Name: "test"},
		}, nil
	}, nil)
}

func TestNothingIsLostRepeatedOrReorderedWhileLinksChangeDoors(t *testing.T) {
	s := newStage(t, middlebox.Config{})
	camera, id := s.device(nil)
	camera.until(t, "a welcome", camera.on(protocol.TransportWebSocket))
	viewer := s.viewer(id)
	viewer.until(t, "a welcome", viewer.on(protocol.TransportWebSocket))
	session := protocol.SessionID(uuid.Must(uuid.NewV7()).String())
	owner := make([]byte, 16)
	_, _ = rand.Read(owner)
	open := protocol.Must(protocol.TypeOpen, session, &protocol.Open{
		Device: id, Owner: hex.EncodeToString(owner), Media: protocol.Media{Video: true},
	})
	open.ID = 1
	if err := viewer.link.Send(open); err != nil {
		t.Fatal(err)
	}
	camera.until(t, "the invite", func() bool { return camera.opened })
	viewer.until(t, "the answer to the open", func() bool { return viewer.opened })

	// More than the burst that a session may send, so that some wait on the way at each change.
	const rounds, each = 6, 20
	var want []string
	doors := []protocol.Transport{protocol.TransportLongPoll, protocol.TransportWebSocket}
	for round := range rounds {
		for _, c := range []*client{camera, viewer} { // within a session's share of what may wait
			c.until(t, "the round before", func() bool { return len(c.candidates) >= len(want) })
		}
		for range each {
			text := fmt.Sprintf("candidate:%d 1 udp 1 192.0.2.1 9 typ host", len(want))
			want = append(want, text)
			for _, c := range []*client{camera, viewer} {
				if err := c.link.Send(protocol.Must(protocol.TypeCandidate, session, &protocol.Candidate{Revision: 1, Candidate: text})); err != nil {
					t.Fatal(err)
				}
			}
		}
		camera.moves(t, doors[round%2])
		viewer.moves(t, doors[(round/2)%2])
		if round%3 == 2 {
			s.box.Set(middlebox.Pass) // which cuts every connection
		}
	}
	for name, c := range map[string]*client{"camera": camera, "viewer": viewer} {
		c.until(t, "everything at the "+name, func() bool { return len(c.candidates) >= len(want) })
		if diff := cmp.Diff(want, c.candidates); diff != "" {
			t.Errorf("the %s heard (-want +got):\n%s", name, diff)
		}
		for i, up := range c.ups {
			if i > 0 && !up.Welcome.Resumed {
				t.Errorf("the %s's link was not resumed: %s", name, up.Welcome.Reason)
			}
		}
	}
}

func TestLinkThatMovesToAnotherNetworkChangesItsSocketAtOnce(t *testing.T) {
	s := newStage(t, middlebox.Config{})
	var mu sync.Mutex
	network := uplink.Network{Key: "home", Place: "home"}
	camera, id := s.device(func(c *uplink.Config) {
		c.NetworkInterval = 10 * time.Millisecond
		c.Network = func() uplink.Network {
			mu.Lock()
			defer mu.Unlock()
			return network
		}
	})
	camera.until(t, "a welcome", camera.on(protocol.TransportWebSocket))
	for n, place := range []string{"garden", "street", "home"} {
		mu.Lock()
		network = uplink.Network{Key: place, Place: place}
		mu.Unlock()
		camera.until(t, "another socket", func() bool { return len(camera.ups) == n+2 })
		if up := camera.ups[n+1]; !up.Welcome.Resumed {
			t.Errorf("the link was not resumed: %s", up.Welcome.Reason)
		}
	}
	if got := s.presence(id); got.Generation != 1 || got.Status != protocol.StatusOnline {
		t.Errorf("the camera is %+v", got)
	}
	if s.log.count("link lost") != 0 {
		t.Errorf("the link was lost:\n%s", s.log)
	}
}
