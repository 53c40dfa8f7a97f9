package doors

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/device"
	"github.com/sightline-rtc/sightline/device/reach"
	"github.com/sightline-rtc/sightline/internal/app"
	"github.com/sightline-rtc/sightline/internal/config"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/test/middlebox"
)

// patience bounds what a test waits for; nothing is asserted about how long things take.
const patience = 60 * time.Second

// stage is a server with a middlebox on the way to it.
type stage struct {
	t     *testing.T
	data  config.Data
	box   *middlebox.Proxy
	url   *url.URL // through the middlebox
	plain string   // around it
	key   string
	log   *kept
}

// newStage starts both. The middlebox has the server's port at another address, which the server knows for its own.
func newStage(t *testing.T, box middlebox.Config) *stage {
	t.Helper()
	s := &stage{t: t, data: config.Data{Data: t.TempDir()}, log: &kept{}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the agents say\n%s", s.log)
		}
	})
	server, listener := s.open()
	s.plain = server.Ready().URL
	s.url = &url.URL{Scheme: "http", Host: listener.Addr().String()}
	box.Target = strings.TrimPrefix(s.plain, "http://")
	var err error
	if s.box, err = middlebox.New(box); err != nil {
		t.Fatal(err)
	}
	s.runs(server.Run)
	s.runs(func(ctx context.Context) error { return s.box.Serve(ctx, listener) })
	var key struct{ Key string }
	s.says(&key, func(out *bytes.Buffer) error {
		return app.CreateKey(t.Context(), config.KeyCreate{Data: s.data, Project: "default", Name: "test", JSON: true}, out, slog.New(slog.DiscardHandler))
	})
	s.key = key.Key
	return s
}

// open opens a server, and the same port at another address for the middlebox: there is one that both have free.
func (s *stage) open() (*app.Server, net.Listener) {
	s.t.Helper()
	for range 20 {
		listener, err := new(net.ListenConfig).Listen(s.t.Context(), "tcp", "127.0.0.2:0")
		if err != nil {
			s.t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(listener.Addr().String())
		server, err := app.Open(s.t.Context(), config.Serve{
			Data: s.data, Listen: net.JoinHostPort("127.0.0.1", port), TurnListen: "127.0.0.1:0", MetricsListen: "off",
			PublicIP: []netip.Addr{netip.MustParseAddr("127.0.0.2")}, AcceptRate: 500, AddressRate: 500, DrainDeadline: time.Second,
		}, slog.New(slog.DiscardHandler))
		if err == nil {
			return server, listener
		}
		s.t.Log(err)
		listener.Close()
	}
	s.t.Fatal("no port is free at both addresses")
	panic("unreachable")
}

// runs runs something until the test ends; what was started last ends first.
func (s *stage) runs(run func(context.Context) error) {
	s.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	s.t.Cleanup(func() {
		stop()
		select {
		case err := <-done:
			if err != nil {
				s.t.Error(err)
			}
		case <-time.After(patience):
			s.t.Error("something does not end")
		}
	})
}

// says reads what a command of the server prints.
func (s *stage) says(answer any, command func(*bytes.Buffer) error) {
	s.t.Helper()
	var out bytes.Buffer
	if err := command(&out); err != nil {
		s.t.Fatal(err)
	}
	if err := json.Unmarshal(out.Bytes(), answer); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) code() string {
	s.t.Helper()
	var code struct{ Code string }
	s.says(&code, func(out *bytes.Buffer) error {
		return app.CreateEnrolment(s.t.Context(), config.EnrollCreate{Data: s.data, Project: "default", Name: "garden", JSON: true}, out, slog.New(slog.DiscardHandler))
	})
	return code.Code
}

func (s *stage) token(id protocol.DeviceID) string {
	s.t.Helper()
	var token struct{ Token string }
	s.says(&token, func(out *bytes.Buffer) error {
		return app.CreateToken(s.t.Context(), config.TokenCreate{
			Data: s.data, Device: string(id), Subject: "viewer", Grants: []string{"view"}, TTL: time.Hour, JSON: true,
		}, out, slog.New(slog.DiscardHandler))
	})
	return token.Token
}

// camera is the configuration of an agent behind the middlebox that waits for little.
func (s *stage) camera() device.Config {
	return device.Config{
		Hub: s.url.String(), Cameras: []device.CameraConfig{{Enrol: auth.NewSecret(s.code())}}, State: s.t.TempDir(), Version: "test",
		Reach: reach.Config{Listen: "127.0.0.1:0"}, NoPortMapping: true, HelloTimeout: 500 * time.Millisecond,
		MinBackoff: 10 * time.Millisecond, MaxBackoff: 100 * time.Millisecond, Probes: []time.Duration{time.Hour},
		NetworkInterval: -1, Logger: slog.New(slog.NewTextHandler(s.log, nil)),
	}
}

// agent runs an agent until the test ends, and waits until it is ready.
func (s *stage) agent(c device.Config) protocol.DeviceID {
	s.t.Helper()
	ready := make(chan protocol.DeviceID, 1)
	c.Ready = func(id protocol.DeviceID) { ready <- id }
	a, err := device.New(c)
	if err != nil {
		s.t.Fatal(err)
	}
	s.runs(a.Run)
	select {
	case id := <-ready:
		return id
	case <-time.After(patience):
		s.t.Fatalf("the agent is not ready: %s", s.log)
		panic("unreachable")
	}
}

// presence is what the API says of a camera.
func (s *stage) presence(id protocol.DeviceID) protocol.Presence {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.plain+"/v1/devices/"+string(id), http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+s.key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	var d struct {
		Presence protocol.Presence `json:"presence"`
	}
	if err := json.NewDecoder(response.Body).Decode(&d); err != nil {
		s.t.Fatal(err)
	}
	return d.Presence
}

// until waits until the camera's presence is what the test wants.
func (s *stage) until(id protocol.DeviceID, what string, good func(protocol.Presence) bool) protocol.Presence {
	s.t.Helper()
	deadline := time.Now().Add(patience)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		p := s.presence(id)
		if good(p) {
			return p
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("waited in vain for %s; the camera is %+v", what, p)
		}
		<-ticker.C
	}
}

// kept is an agent's log.
type kept struct {
	mu   sync.Mutex
	text []byte
}

func (k *kept) Write(b []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.text = append(k.text, b...)
	return len(b), nil
}

func (k *kept) String() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return string(slices.Clone(k.text))
}

func (k *kept) count(text string) int { return strings.Count(k.String(), text) }
