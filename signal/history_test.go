package signal

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/gorilla/websocket"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// dropped waits until a connection of the camera, counted from the oldest, has ended, and returns it.
func (s *stage) dropped(t *testing.T, n int) record.Connection {
	t.Helper()
	var c record.Connection
	s.until(t, "the connection has ended", func() bool {
		list := s.history(camera)
		if len(list) <= n {
			return false
		}
		c = list[len(list)-1-n]
		return !c.Closed.IsZero()
	})
	return c
}

func TestEachEndOfADevicesSocketIsNotedWithItsCause(t *testing.T) {
	for name, test := range map[string]struct {
		end   func(*testing.T, *stage, *peer)
		cause record.Cause
		words string
		bye   bool
	}{
		"bye": {
			end:   func(_ *testing.T, _ *stage, d *peer) { d.send(protocol.Envelope{Type: protocol.TypeBye}) },
			cause: record.CauseBye, words: "the device said bye", bye: true,
		},
		"cut":    {end: func(_ *testing.T, _ *stage, d *peer) { d.wire.cut() }, cause: record.CauseLost, words: "the connection broke"},
		"silent": {end: func(_ *testing.T, _ *stage, d *peer) { d.stall() }, cause: record.CauseSilent, words: "nothing was heard for "},
		"does not read": {
			end: func(_ *testing.T, s *stage, d *peer) {
				s.block(d)
				d.stall()
				d.send(protocol.Envelope{Type: protocol.TypePing})
			},
			cause: record.CauseTooSlow, words: "the socket does not take what is sent",
		},
		"the same key again": {
			end:   func(t *testing.T, s *stage, _ *peer) { s.device(t, camera) },
			cause: record.CauseSuperseded, words: "a newer link with the same device key",
		},
		"another socket of the same program": {
			end: func(t *testing.T, s *stage, d *peer) {
				hello := s.deviceHello(t, camera)
				hello.Resume = &protocol.Resume{Link: d.welcome.Link, Key: d.welcome.Key}
				s.hello(t, hello)
			},
			cause: record.CauseReplaced, words: "came back on another socket",
		},
		"removed": {
			end:   func(t *testing.T, s *stage, _ *peer) { s.hub.RevokeDevice(t.Context(), camera) },
			cause: record.CauseRevoked, words: "removed",
		},
		"the server stops": {
			end:   func(t *testing.T, s *stage, _ *peer) { s.stop(t) },
			cause: record.CauseGoingAway, words: "the server is stopping",
		},
		"nonsense": {
			end: func(t *testing.T, _ *stage, d *peer) {
				if err := d.wire.write([]byte("nonsense")); err != nil {
					t.Error(err)
				}
			},
			cause: record.CauseProtocol, words: "bad_message: not a JSON envelope",
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, s *stage) {
				opened := time.Now()
				d := s.device(t, camera)
				time.Sleep(time.Second)
				test.end(t, s, d)
				got := s.dropped(t, 0)
				if got.Cause != test.cause || !strings.Contains(got.Detail, test.words) || got.Bye != test.bye {
					t.Errorf("got %s, %q, bye %t; want %s, %q, bye %t", got.Cause, got.Detail, got.Bye, test.cause, test.words, test.bye)
				}
				if !got.Opened.Equal(opened.UTC().Truncate(time.Millisecond)) || got.Closed.Before(got.Opened.Add(time.Second)) {
					t.Errorf("open from %s to %s", got.Opened, got.Closed)
				}
			})
		})
	}
}

func TestADevicesSocketIsKnownWhileItIsOpen(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		hello := s.deviceHello(t, camera)
		hello.Client = protocol.Client{Name: "agent", Version: "1.2", Model: "T1000"}
		first := s.hello(t, hello)
		second := s.device(t, camera)
		opened := time.Now().UTC().Truncate(time.Millisecond)
		first.closed()
		s.until(t, "both sockets are noted", func() bool { return len(s.history(camera)) == 2 })
		if got := s.dropped(t, 0); got.Program != hello.Client || got.Generation != 1 || got.Link != first.welcome.Link {
			t.Errorf("got %+v of the first socket", got)
		}
		want := record.Connection{
			Device: camera, Link: second.welcome.Link, Generation: 2, Transport: "memory", Program: protocol.Client{Name: "test"}, Opened: opened,
		}
		got, ok := s.hub.Connection(camera)
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(record.Connection{}, "ID", "Address")); diff != "" || !ok || got.Address.String() != "192.0.2.1" {
			t.Errorf("the current connection, from %s, differs:\n%s", got.Address, diff)
		}
		if list := s.history(camera); list[0] != got {
			t.Errorf("the store has %+v", list)
		}
		second.hangUp()
		s.dropped(t, 1)
		if got, ok := s.hub.Connection(camera); ok {
			t.Errorf("after its end the current connection is %+v", got)
		}
	})
}

func TestASlowEndOfAnOldSocketDoesNotHideTheNewOne(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		c := &client{role: protocol.RoleDevice, device: camera, generation: 1}
		old := s.hub.arrived(t.Context(), c, &carrier{})
		s.device(t, camera) // of generation 1 too: a link that is resumed
		s.until(t, "both are noted", func() bool { return len(s.history(camera)) == 2 })
		s.hub.departed(t.Context(), old, errBye)
		if got, ok := s.hub.Connection(camera); !ok || got.ID == old.ID {
			t.Errorf("got %+v, %t, want the newer socket", got, ok)
		}
		c.generation = 0
		s.hub.arrived(t.Context(), c, &carrier{})
		if got, _ := s.hub.Connection(camera); got.Generation != 1 {
			t.Errorf("got generation %d, want 1: the older link came later", got.Generation)
		}
	})
}

func TestAStoreThatKeepsNoHistoryDoesNotHarmTheLink(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		s.mu.Lock()
		s.unsaved = errors.New("disk full")
		s.mu.Unlock()
		connect(s.viewer(t, nil), s.device(t, camera), 1)
		if _, ok := s.hub.Connection(camera); !ok {
			t.Error("the connection is not known")
		}
		s.mu.Lock()
		s.unsaved = nil // a hub that stops does tell of its failure
		s.mu.Unlock()
	})
}

func TestConnectionsOfACrashedHubAreClosedByTheNext(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		open := record.Connection{ID: "old", Device: camera, Opened: time.Now()}
		if err := s.SaveConnection(t.Context(), open); err != nil {
			t.Fatal(err)
		}
		s.stop(t)
		s.start(t)
		if got := s.dropped(t, 0); got.Cause != record.CauseHubLost {
			t.Errorf("got %s, want %s", got.Cause, record.CauseHubLost)
		}
	})
}

func TestAWebSocketsLossIsToldInWords(t *testing.T) {
	s := onSockets(t, nil)
	d := s.device(t, camera)
	conn := d.wire.(webWire).conn // stages on sockets have no other
	frame := websocket.FormatCloseMessage(4012, "nothing heard")
	if err := conn.WriteControl(websocket.CloseMessage, frame, time.Now().Add(s.patience)); err != nil {
		t.Fatal(err)
	}
	if got, want := s.dropped(t, 0), `the device closed the socket with code 4012, "nothing heard"`; got.Cause != record.CauseLost || got.Detail != want || got.Transport != protocol.TransportWebSocket {
		t.Errorf("got %s, %q, want %q", got.Cause, got.Detail, want)
	}
	s.device(t, camera).hangUp()
	if got, want := s.dropped(t, 1), "the connection ended without a close"; got.Cause != record.CauseLost || got.Detail != want {
		t.Errorf("got %s, %q, want %q", got.Cause, got.Detail, want)
	}
}

func TestCausesAreToldApart(t *testing.T) {
	slow := protocol.Errorf(protocol.CodeTooSlow, "slow")
	for _, test := range []struct {
		end      error
		stopping bool
		cause    record.Cause
		words    string
	}{
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, false, record.CauseLost, "the connection was reset"},
		{slow.Because(&net.OpError{Op: "write", Err: syscall.EPIPE}), false, record.CauseLost, "the connection was reset"},
		{slow.Because(context.DeadlineExceeded), false, record.CauseTooSlow, "slow"},
		{slow, false, record.CauseTooSlow, "slow"},
		{&net.OpError{Op: "read", Err: syscall.ETIMEDOUT}, false, record.CauseLost, "the network did not deliver what was sent"},
		{syscall.EHOSTUNREACH, false, record.CauseLost, "the network has no way to the device"},
		{&websocket.CloseError{Code: 1001}, false, record.CauseLost, "the device closed the socket with code 1001"},
		{&websocket.CloseError{Code: 1001}, true, record.CauseGoingAway, "the server was stopping"},
		{errBye, true, record.CauseGoingAway, "the server was stopping"},
		{protocol.AsError(errors.New("secret")), false, record.CauseInternal, "something went wrong on the server"},
		{protocol.Errorf(protocol.CodeRateLimited, "too much"), false, record.CauseProtocol, "rate_limited: too much"},
	} {
		if cause, words := causeOf(test.end, test.stopping); cause != test.cause || words != test.words {
			t.Errorf("%v: got %s, %q, want %s, %q", test.end, cause, words, test.cause, test.words)
		}
	}
}

// Presence is told to viewers: it must never have the address of a camera.
func TestAViewerIsNotToldWhereTheCameraIs(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		s.device(t, camera)
		v := s.viewer(t, nil)
		e := protocol.Must(protocol.TypeSnapshot, "", v.snapshot)
		if strings.Contains(string(e.Data), "192.0.2.1") {
			t.Errorf("the snapshot is %s", e.Data)
		}
	})
}
