//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/sightline-rtc/sightline/device/door"
	"github.com/sightline-rtc/sightline/link"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/signal"
	"github.com/sightline-rtc/sightline/test/soak"
)

const (
	// churners come and go at the same time.
	churners = 8
	// roundsPerSecond keeps what the hub remembers on purpose, such as used tokens, within its bounds.
	roundsPerSecond = 100
	// remembered is what may stay of a link that has come and gone: the tokens of the last minutes, mostly. A link that
	// is not let go holds ten times as much.
	remembered = 512
	// noise is by how much the heap of a process that does nothing differs from one collection to another.
	noise = 512 << 10
)

// TestChurnLeavesNothingBehind opens links and sessions and ends them in all ways, with bye and without, for ten
// minutes when it soaks. The hub's windows are the real ones then, too.
func TestChurnLeavesNothingBehind(t *testing.T) {
	window := soak.Duration(time.Second, protocol.ResumeWindow)
	silence := soak.Duration(5*time.Second, protocol.MediaTimeout) // no session of a busy machine takes as long
	data := filepath.Join(t.TempDir(), "data")
	h, err := openHousehold(t.Context(), data, signal.Config{
		Link:     link.Config{Grace: soak.Duration(time.Second, protocol.PingGrace)},
		PollWait: soak.Duration(time.Second, protocol.PollWait), PollPing: soak.Duration(2*time.Second, protocol.PingIntervalPoll),
		ResumeWindow: window, MediaTimeout: silence, SuspectWindow: min(window, protocol.SuspectWindow),
		MaxParked: 1 << 10, Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		t.Fatal(err)
	}
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stop := h.serve(t.Context(), listener)
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	// Each churner has devices of its own, enough of them that the sessions which it leaves open find room.
	r, err := newRoster(t.Context(), h.records, churners*soak.Count(4, 128))
	if err != nil {
		t.Fatal(err)
	}
	c := &churn{hub: h.hub, roster: r, url: "http://" + listener.Addr().String(), limit: rate.NewLimiter(roundsPerSecond, 1)}
	idle := runtime.NumGoroutine()
	c.run(t, soak.Duration(time.Second, 10*time.Second)) // the pools and caches fill
	c.settle(t, window+silence, idle)
	before := holdingsOf(t, data)
	c.links.Store(0)
	c.run(t, soak.Duration(8*time.Second, 10*time.Minute))
	c.settle(t, window+silence, idle)
	after := holdingsOf(t, data)
	links := c.links.Load()
	t.Logf("%d links came and went; before: %s; after: %s", links, before, after)
	if links < 100 {
		t.Errorf("only %d links came and went", links)
	}
	if after.files > before.files {
		t.Errorf("got %s, want what there was before: %s", after, before)
	}
	if most := before.heap + noise + remembered*links; after.heap > most {
		t.Errorf("got a heap of %d bytes after %d links, want at most %d", after.heap, links, most)
	}
}

// holdings are what a process has of what can leak.
type holdings struct {
	goroutines, files int
	heap              int64
}

func (h holdings) String() string {
	return fmt.Sprintf("%d goroutines, %d files, %d KiB of heap", h.goroutines, h.files, h.heap>>10)
}

// holdingsOf does not count the files of the store, which keeps as many connections to its database as it once needed at
// a time, within a bound of its own.
func holdingsOf(t *testing.T, store string) holdings {
	t.Helper()
	for range collections {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	descriptors, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for _, descriptor := range descriptors {
		if name, err := os.Readlink(descriptor); err == nil && !strings.HasPrefix(name, store) {
			files++
		}
	}
	return holdings{goroutines: runtime.NumGoroutine(), files: files, heap: int64(m.HeapAlloc)} //nolint:gosec // far from 2^63
}

// churn is many links that come and go.
type churn struct {
	hub    *signal.Hub
	roster *roster
	url    string
	limit  *rate.Limiter
	links  atomic.Int64
}

// run churns for a while, then lets the last rounds end.
func (c *churn) run(t *testing.T, length time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	group, running := errgroup.WithContext(ctx)
	for n := range churners {
		group.Go(func() error {
			for round := n; c.limit.Wait(running) == nil; round += churners {
				if err := c.round(t.Context(), round%len(c.roster.devices), round/churners); err != nil {
					return fmt.Errorf("round %d: %w", round, err)
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

// settle waits until the hub has given up all that has ended, and no more goroutines run than did when it was idle.
func (c *churn) settle(t *testing.T, windows time.Duration, goroutines int) {
	t.Helper()
	deadline := time.After(windows + time.Minute)
	for c.hub.Counts() != (signal.Counts{}) || runtime.NumGoroutine() > goroutines {
		select {
		case <-time.After(100 * time.Millisecond):
		case <-deadline:
			t.Fatalf("the hub still has %+v, and %d goroutines run that were %d", c.hub.Counts(), runtime.NumGoroutine(), goroutines)
		}
	}
}

// round opens links of the n-th device and of a viewer and a session between them, and ends them in one of the ways
// there are.
func (c *churn) round(ctx context.Context, n, way int) error {
	device, err := c.open(ctx, n, protocol.RoleDevice, nil)
	if err != nil {
		return err
	}
	viewer, err := c.open(ctx, n, protocol.RoleViewer, nil)
	if err != nil {
		device.close()
		return err
	}
	p := newPair(viewer, device, c.roster.devices[n].id)
	serving, hangUp := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		hangUp(p.serve(serving)) // which ends the session, too
	}()
	defer func() { hangUp(nil); <-ended }()
	if err := session(serving, p); err != nil {
		return err
	}
	endings := []func(context.Context, int, *pair) error{c.sayBye, c.cut, c.leaveSession, c.comeBack, c.changeDoors, c.takeOver, c.sayNothing}
	return endings[way%len(endings)](ctx, n, p)
}

// session runs a session that ends as it should. The hub welcomes a device a moment before it lets viewers in to it.
func session(ctx context.Context, p *pair) error {
	ctx, cancel := context.WithTimeout(ctx, sessionTimeout)
	defer cancel()
	for {
		_, err := p.session(ctx)
		if !errors.Is(err, &protocol.Error{Code: protocol.CodeOffline}) {
			return err
		}
	}
}

// open opens the link of the n-th device or of a viewer of it, or resumes one.
func (c *churn) open(ctx context.Context, n int, role protocol.Role, resume *protocol.Resume) (*endpoint, error) {
	c.links.Add(1)
	return dial(ctx, c.url, sourceOf(n), func() ([]byte, error) {
		hello, err := c.hello(n, role, resume)
		if err != nil {
			return nil, err
		}
		e := protocol.Must(protocol.TypeHello, "", hello)
		return e.Encode()
	})
}

func (c *churn) hello(n int, role protocol.Role, resume *protocol.Resume) (*protocol.Hello, error) {
	token, err := c.roster.token(role, n*rosterStep(role), c.url)
	return &protocol.Hello{
		Version: protocol.Version, Role: role, Token: token, Client: protocol.Client{Name: "churn"}, Resume: resume,
	}, err
}

func rosterStep(role protocol.Role) int {
	if role == protocol.RoleViewer {
		return viewersPerDevice
	}
	return 1
}

func (c *churn) sayBye(_ context.Context, _ int, p *pair) error {
	return errors.Join(p.viewer.send(protocol.Envelope{Type: protocol.TypeBye}), p.device.send(protocol.Envelope{Type: protocol.TypeBye}))
}

// cut resets both connections.
func (c *churn) cut(_ context.Context, _ int, p *pair) error {
	return errors.Join(p.viewer.reset(), p.device.reset())
}

// leaveSession cuts both ends of a session that is open: it has to end by itself.
func (c *churn) leaveSession(ctx context.Context, n int, p *pair) error {
	open := protocol.Must(protocol.TypeOpen, newSessionID(), &protocol.Open{
		Device: p.camera, Owner: secret(), Media: protocol.Media{Video: true}, Offer: &protocol.Offer{Revision: 1, SDP: sdp},
	})
	if err := p.viewer.send(open); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sessionTimeout)
	defer cancel()
	if _, err := p.next(ctx, protocol.TypeDescribe); err != nil {
		return err
	}
	return c.cut(ctx, n, p)
}

// comeBack resumes the device's link, twice: after a cut, and while its socket lives.
func (c *churn) comeBack(ctx context.Context, n int, p *pair) error {
	if err := p.device.reset(); err != nil {
		return err
	}
	for range 2 {
		again, err := c.open(ctx, n, protocol.RoleDevice, p.device.resume())
		if err != nil {
			return err
		}
		defer again.close()
		if !again.welcome.Resumed {
			return fmt.Errorf("not resumed: %s", again.welcome.Reason)
		}
	}
	return nil
}

// changeDoors resumes the device's link over the long poll, after a cut, and leaves in the middle of a poll.
func (c *churn) changeDoors(ctx context.Context, n int, p *pair) error {
	if err := p.device.reset(); err != nil {
		return err
	}
	hub, err := url.Parse(c.url)
	if err != nil {
		return err
	}
	hello, err := c.hello(n, protocol.RoleDevice, p.device.resume())
	if err != nil {
		return err
	}
	c.links.Add(1)
	dialer := door.NewDialer(door.Config{Hub: hub})
	defer dialer.Forget()
	opened, welcome, err := dialer.Open(ctx, protocol.TransportLongPoll, hello, func() uint64 { return hello.Resume.Received })
	if err != nil {
		return err
	}
	if !welcome.Resumed {
		return fmt.Errorf("not resumed: %s", welcome.Reason)
	}
	ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	for err == nil {
		_, err = opened.Read(ctx)
	}
	return opened.Close()
}

// takeOver opens a newer link of the same device.
func (c *churn) takeOver(ctx context.Context, n int, _ *pair) error {
	newer, err := c.open(ctx, n, protocol.RoleDevice, nil)
	if err != nil {
		return err
	}
	newer.close()
	return nil
}

// sayNothing opens a connection that says too little: nothing at all, or no hello.
func (c *churn) sayNothing(ctx context.Context, n int, _ *pair) error {
	c.links.Add(1)
	_, err := dial(ctx, c.url, sourceOf(n), func() ([]byte, error) { return []byte(`{"type":"bye"}`), nil })
	if err == nil {
		return errors.New("a link opened without a hello")
	}
	return nil
}

// reset ends the link's connection as a network does that has forgotten it.
func (p *endpoint) reset() error {
	conn, ok := p.conn.NetConn().(*net.TCPConn)
	if !ok {
		return errors.New("not a TCP connection")
	}
	defer p.close()
	return conn.SetLinger(0)
}

// resume is what a hello says that goes on with the link.
func (p *endpoint) resume() *protocol.Resume {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &protocol.Resume{Link: p.welcome.Link, Key: p.welcome.Key, Received: p.link.Received()}
}
