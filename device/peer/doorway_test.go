package peer

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

// newListener listens on loopback.
func newListener(t *testing.T) net.Listener {
	t.Helper()
	var listening net.ListenConfig
	l, err := listening.Listen(context.Background(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	return l
}

func dial(t *testing.T, to net.Addr) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), to.Network(), to.String())
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestConnectionsOfOneAddressAreBounded(t *testing.T) {
	d := newDoorway(newListener(t))
	visits := make(chan net.Conn, maxConnections)
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			conn, err := d.Accept()
			if err != nil {
				return
			}
			visits <- conn
		}
	})
	for range maxConnectionsPerAddress {
		dial(t, d.Addr())
	}
	for range maxConnectionsPerAddress - 1 {
		<-visits
	}
	first := <-visits
	late := dial(t, d.Addr())
	if _, err := late.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("one connection too many: got %v, want its end", err)
	}
	if err := first.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := first.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("close again: got %v, want %v", err, net.ErrClosed)
	}
	dial(t, d.Addr())
	<-visits
	if got := len(d.open); got != maxConnectionsPerAddress {
		t.Errorf("connections: got %d, want %d", got, maxConnectionsPerAddress)
	}
	if err := d.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	accepting.Wait()
	if len(d.open) != 0 || len(d.inside) != 0 {
		t.Errorf("connections after the end: got %d of %d addresses, want none", len(d.open), len(d.inside))
	}
}

// from is a connection from an address of the test's choice.
type from struct {
	net.Conn
	addr net.Addr
}

func (f from) RemoteAddr() net.Addr { return f.addr }
func (from) Close() error           { return nil }

func TestConnectionsAreBounded(t *testing.T) {
	d := newDoorway(nil)
	entered := 0
	for n := range 4 * maxConnections {
		if d.enter(from{addr: &net.TCPAddr{IP: net.IPv4(8, 8, 8, byte(n))}}) != nil {
			entered++
		}
	}
	if entered != maxConnections {
		t.Errorf("connections: got %d, want %d", entered, maxConnections)
	}
}

func TestVisitThatSaysNothingEnds(t *testing.T) {
	here, there := net.Pipe()
	defer there.Close()
	v := newDoorway(nil).enter(from{here, &net.TCPAddr{IP: net.IPv4(8, 8, 8, 8)}})
	if err := v.SetReadDeadline(time.Now()); err != nil {
		t.Fatalf("set deadline: %v", err)
	}
	var timeout net.Error
	if _, err := v.Read(make([]byte, 1)); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("read: got %v, want a time-out", err)
	}
}

// overTCP has a viewer that only has TCP, which it listens on or dials with.
func overTCP(t *testing.T, listener net.Listener) func(*webrtc.SettingEngine) {
	t.Helper()
	return func(e *webrtc.SettingEngine) {
		e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4})
		e.SetIncludeLoopbackCandidate(false)
		if listener != nil {
			mux := ice.NewTCPMuxDefault(ice.TCPMuxParams{Listener: listener, ReadBufferSize: 16})
			t.Cleanup(func() { mux.Close() })
			e.SetICETCPMux(mux)
		}
	}
}

func TestViewerReachesTheDeviceOverTCP(t *testing.T) {
	v := newViewer(t, viewing{settings: overTCP(t, nil)})
	s := open(t, newHost(t), v)
	s.mustOffer(nil)
	v.sees(webrtc.RTPCodecTypeVideo, 50)
	s.until("a path", func() bool { return len(s.paths) > 0 })
	if got, _, _ := s.told(); got.Kind != protocol.PathDirect || got.Means != protocol.MeansTCP || got.Protocol != "tcp" {
		t.Errorf("path: got %+v, want a direct one over TCP", got)
	}
}

func TestDeviceReachesAViewerThatListens(t *testing.T) {
	var listening net.ListenConfig
	listener, err := listening.Listen(context.Background(), "tcp4", net.JoinHostPort(relayAddress(t).String(), "0"))
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	v := newViewer(t, viewing{settings: overTCP(t, listener)})
	s := open(t, newHost(t), v)
	s.mute = true // the viewer knows no candidate of the device
	s.mustOffer(nil)
	s.until("an answer", func() bool { return len(s.describes) > 0 })
	_, describes, _ := s.told()
	v.answer(withoutCandidates(describes[0]))
	v.sees(webrtc.RTPCodecTypeVideo, 50)
	s.until("a path", func() bool { return len(s.paths) > 0 })
	if got, _, _ := s.told(); got.Means != protocol.MeansTCP || got.Kind != protocol.PathDirect {
		t.Errorf("path: got %+v, want a direct one over TCP", got)
	}
}
