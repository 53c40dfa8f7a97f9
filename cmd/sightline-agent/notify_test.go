package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/device"
	"github.com/sightline-rtc/sightline/device/uplink"
)

// patience bounds what a test waits for.
const patience = 20 * time.Second

// manager is a service manager's socket.
type manager struct {
	t    *testing.T
	conn *net.UnixConn
}

func newManager(t *testing.T, name string) *manager {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &manager{t, conn}
}

// next is the next message.
func (m *manager) next() string {
	m.t.Helper()
	if err := m.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		m.t.Fatal(err)
	}
	b := make([]byte, 4096)
	n, err := m.conn.Read(b)
	if err != nil {
		m.t.Fatalf("wait for a message: %v", err)
	}
	return string(b[:n])
}

// played is an agent that is or is not stuck.
type played struct {
	stuck     atomic.Bool
	listening chan struct{}
}

// Listening implements agent.
func (p *played) Listening() <-chan struct{} { return p.listening }

// Status implements agent.
func (p *played) Status() device.Status {
	return device.Status{Cameras: []device.CameraStatus{
		{ID: "door", Link: uplink.Status{Up: true}, Sessions: make([]device.SessionStatus, 2)},
		{ID: "yard", Err: errors.New("the code is refused")},
	}}
}

// Stuck implements agent.
func (p *played) Stuck() error {
	if p.stuck.Load() {
		return errors.New("the link is dead")
	}
	return nil
}

func TestServiceManagerIsToldHowTheAgentIs(t *testing.T) {
	names := map[string]string{"a path": filepath.Join(t.TempDir(), "notify")}
	abstract := fmt.Sprintf("@sightline-test-%d", os.Getpid())
	names["an abstract name"] = abstract
	for kind, name := range names {
		t.Run(kind, func(t *testing.T) {
			m := newManager(t, strings.Replace(name, "@", "\x00", 1))
			t.Setenv("NOTIFY_SOCKET", name)
			t.Setenv("WATCHDOG_USEC", "30000")
			t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			p := &played{listening: make(chan struct{})}
			var work sync.WaitGroup
			defer work.Wait()
			work.Go(func() { newNotifier(slog.New(slog.DiscardHandler)).run(ctx, p) })
			close(p.listening)
			want := "READY=1\nSTATUS=1 of 2 cameras on the air, 2 viewers: yard the code is refused"
			if got := m.next(); got != want {
				t.Errorf("first: got %q, want %q", got, want)
			}
			for range 2 {
				if got := m.next(); !strings.HasPrefix(got, "WATCHDOG=1\nSTATUS=1 of 2") {
					t.Errorf("then: got %q, want a sign of life", got)
				}
			}
			p.stuck.Store(true)
			for got := m.next(); !strings.HasPrefix(got, "STATUS=stuck: the link is dead"); got = m.next() {
				if !strings.HasPrefix(got, "WATCHDOG=1\nSTATUS=1 of 2") { // it may have been under way
					t.Errorf("got %q", got)
				}
			}
			if got := m.next(); strings.Contains(got, "WATCHDOG=1") {
				t.Errorf("a stuck agent says %q", got)
			}
			cancel()
			for got := m.next(); got != "STOPPING=1\nSTATUS=ending sessions"; got = m.next() {
				if strings.Contains(got, "WATCHDOG=1") {
					t.Errorf("a stuck agent that stops says %q", got)
				}
			}
		})
	}
}

func TestAgentThatDoesNotListenIsNotReady(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify")
	m := newManager(t, name)
	t.Setenv("NOTIFY_SOCKET", name)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n := newNotifier(slog.New(slog.DiscardHandler))
	n.run(ctx, &played{listening: make(chan struct{})})
	n.tell("END")
	if got := m.next(); got != "END" {
		t.Errorf("got %q, want nothing before the end", got)
	}
}

func TestWatchdogOfAnotherProcessIsNotFed(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "/nowhere")
	t.Setenv("WATCHDOG_USEC", "30000")
	t.Setenv("WATCHDOG_PID", "1")
	if got := newNotifier(slog.New(slog.DiscardHandler)).watchdog; got != 0 {
		t.Errorf("watchdog: got %s, want none", got)
	}
	t.Setenv("WATCHDOG_PID", "")
	if got := newNotifier(slog.New(slog.DiscardHandler)).watchdog; got != 30*time.Millisecond {
		t.Errorf("watchdog without a process: got %s, want 30 ms", got)
	}
}

func TestWithoutAServiceManagerNobodyIsTold(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	newNotifier(slog.New(slog.DiscardHandler)).run(t.Context(), &played{}) // it returns
}
