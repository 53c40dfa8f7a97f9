package uplink

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sightline-rtc/sightline/protocol"
)

// patience bounds what a test waits for; nothing is asserted about how long things take.
const patience = 20 * time.Second

// host is a hub that welcomes everybody to a link of its own.
type host struct {
	t    *testing.T
	name string
	// gone makes it refuse whoever comes.
	gone atomic.Bool
	// sockets gets each that was welcomed.
	sockets chan *websocket.Conn
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{t: t, sockets: make(chan *websocket.Conn, 8)}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	h.name = strings.TrimPrefix(server.URL, "http://")
	return h
}

// ServeHTTP implements http.Handler.
func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.gone.Load() {
		http.Error(w, "gone", http.StatusServiceUnavailable)
		return
	}
	upgrader := websocket.Upgrader{Subprotocols: []string{protocol.Subprotocol}}
	conn, err := upgrader.Upgrade(w, r, http.Header{protocol.ServerHeader: {h.name}})
	if err != nil {
		h.t.Error(err)
		return
	}
	if _, _, err := conn.ReadMessage(); err != nil {
		h.t.Errorf("no hello: %v", err)
	}
	h.say(conn, protocol.TypeWelcome, &protocol.Welcome{
		Link: protocol.LinkID(h.name), Key: "key", PingS: 20, Reason: protocol.ResumeNodeLost, Now: time.Now(),
	})
	h.sockets <- conn
}

func (h *host) say(conn *websocket.Conn, kind protocol.Type, body protocol.Message) {
	e := protocol.Must(kind, "", body)
	message, err := e.Encode()
	if err == nil {
		err = conn.WriteMessage(websocket.TextMessage, message)
	}
	if err != nil {
		h.t.Errorf("say %s: %v", kind, err)
	}
}

// next waits for a client.
func (h *host) next() *websocket.Conn {
	h.t.Helper()
	select {
	case conn := <-h.sockets:
		h.t.Cleanup(func() { _ = conn.Close() })
		return conn
	case <-time.After(patience):
		h.t.Fatal("the client does not come")
	}
	return nil
}

// hear reads a socket until a message of that kind comes.
func (h *host) hear(conn *websocket.Conn, kind protocol.Type) {
	h.t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		h.t.Fatal(err)
	}
	for {
		_, message, err := conn.ReadMessage()
		if err != nil {
			h.t.Fatalf("wait for %s: %v", kind, err)
		}
		if e, _, err := protocol.Decode(message); err == nil && e.Type == kind {
			return
		}
	}
}

// visitor is a link under Run that begins at a host.
func visitor(t *testing.T, at *host) (*Link, *recorder) {
	t.Helper()
	r := &recorder{seen: make(chan struct{}, 1)}
	l, err := New(Config{
		Hub: &url.URL{Scheme: "http", Host: at.name}, Handler: r, NetworkInterval: -1,
		Hello:      func(time.Time) (*protocol.Hello, error) { return &protocol.Hello{Role: protocol.RoleDevice}, nil },
		MinBackoff: time.Millisecond, MaxBackoff: 10 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() { l.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		work.Wait()
	})
	return l, r
}

// until waits for a number of welcomes and returns the last.
func (r *recorder) until(t *testing.T, welcomes int) Up {
	t.Helper()
	for deadline := time.After(patience); ; {
		r.mu.Lock()
		ups := r.ups
		r.mu.Unlock()
		if len(ups) >= welcomes {
			return ups[welcomes-1]
		}
		select {
		case <-r.seen:
		case <-deadline:
			t.Fatalf("got %d welcomes, want %d", len(ups), welcomes)
		}
	}
}

func TestALinkGoesToAnotherHostBeforeItLeavesTheOld(t *testing.T) {
	old, other := newHost(t), newHost(t)
	l, r := visitor(t, old)
	first := old.next()
	r.until(t, 1)
	old.say(first, protocol.TypeGoaway, &protocol.Goaway{AfterMS: 20, DeadlineMS: 60_000, Hosts: []string{other.name}})
	second := other.next()
	up := r.until(t, 2)
	if up.Welcome.Link != protocol.LinkID(other.name) || up.Welcome.Resumed {
		t.Errorf("the link is on %+v", up.Welcome)
	}
	if err := l.Send(protocol.Must(protocol.TypeSync, "", &protocol.Sync{Last: true})); err != nil {
		t.Fatal(err)
	}
	other.hear(second, protocol.TypeSync)
	if err := first.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	var err error
	for err == nil {
		_, _, err = first.ReadMessage()
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		t.Error("the old socket stays open")
	}
	// The link lives there now, and comes back there first.
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	other.next()
}

func TestALinkThatReachesNoOtherHostStaysWhereItIs(t *testing.T) {
	old := newHost(t)
	l, r := visitor(t, old)
	first := old.next()
	r.until(t, 1)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	hosts := []string{strings.TrimPrefix(closed.URL, "http://"), "no/host", ""}
	old.say(first, protocol.TypeGoaway, &protocol.Goaway{DeadlineMS: 60_000, Hosts: hosts})
	for range 3 {
		if err := l.Send(protocol.Must(protocol.TypeSync, "", &protocol.Sync{Last: true})); err != nil {
			t.Fatal(err)
		}
		old.hear(first, protocol.TypeSync)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	old.next()
	r.until(t, 2)
}

func TestALinkThatLosesTheOtherHostComesHome(t *testing.T) {
	old, other := newHost(t), newHost(t)
	_, r := visitor(t, old)
	old.say(old.next(), protocol.TypeGoaway, &protocol.Goaway{DeadlineMS: 60_000, Hosts: []string{other.name}})
	second := other.next()
	r.until(t, 2)
	other.gone.Store(true)
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	old.next()
	r.until(t, 3)
}
