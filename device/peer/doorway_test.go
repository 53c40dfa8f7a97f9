package peer

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
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
func (f from) LocalAddr() net.Addr  { return f.addr }

func (f from) Close() error {
	if f.Conn == nil {
		return nil
	}
	return f.Conn.Close()
}

func TestConnectionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoorway(nil)
		var inside []*visit
		crowd := func(network byte) (entered, left int) {
			for n := range 4 * maxConnections {
				in, out := d.enter(from{addr: &net.TCPAddr{IP: net.IPv4(8, 8, network, byte(n))}})
				if in != nil {
					inside = append(inside, in)
					entered++
				}
				if out != nil {
					left++
				}
			}
			return entered, left
		}
		if entered, left := crowd(1); entered != maxConnections || left != 0 {
			t.Errorf("connections: got %d in and %d out, want %d and none", entered, left, maxConnections)
		}
		for _, v := range inside[:10] {
			v.known.Store(true)
		}
		time.Sleep(shyTime)
		if entered, left := crowd(2); entered != maxConnections-10 || left != entered {
			t.Errorf("connections after %s: got %d in and %d out, want %d each: those that have said nothing", shyTime, entered, left, maxConnections-10)
		}
		if len(d.open) != maxConnections || len(d.inside) != maxConnections {
			t.Errorf("connections: got %d of %d addresses, want %d", len(d.open), len(d.inside), maxConnections)
		}
	})
}

// queue is a listener whose connections the test makes.
type queue struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (q queue) Accept() (net.Conn, error) {
	select {
	case conn := <-q.conns:
		return conn, nil
	case <-q.closed:
		return nil, net.ErrClosed
	}
}

func (q queue) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(8, 8, 8, 9), Port: 5000} }

func (q queue) Close() error {
	close(q.closed)
	return nil
}

func TestConnectionsThatSayNothingEnd(t *testing.T) {
	frame := func(m *stun.Message) []byte { return append([]byte{0, byte(len(m.Raw))}, m.Raw...) }
	for name, test := range map[string]struct {
		says []byte
		want time.Duration
	}{
		"half a frame":                       {[]byte{0}, firstFrame},
		"a check for a session that is none": {frame(stun.MustBuild(stun.BindingRequest, stun.NewUsername("no:body"))), firstFrame},
		"no check":                           {[]byte{0, 4, 0x80, 0x60, 0, 1}, 0},
		"a frame that is too long":           {[]byte{0xff, 0xff}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := queue{make(chan net.Conn), make(chan struct{})}
				mux := newTCPMux(q, slog.New(slog.DiscardHandler))
				here, there := net.Pipe()
				begin := time.Now()
				q.conns <- from{here, &net.TCPAddr{IP: net.IPv4(8, 8, 8, 8), Port: 5000}}
				if _, err := there.Write(test.says); err != nil {
					t.Fatalf("write: %v", err)
				}
				if _, err := io.Copy(io.Discard, there); err != nil {
					t.Errorf("read: %v", err)
				}
				if got := time.Since(begin); got != test.want {
					t.Errorf("closed after %v, want %v", got, test.want)
				}
				if err := mux.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
		})
	}
}

func TestVisitThatFallsSilentEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		defer there.Close()
		v, _ := newDoorway(nil).enter(from{here, &net.TCPAddr{IP: net.IPv4(8, 8, 8, 8)}})
		if err := v.SetReadDeadline(time.Time{}); err != nil { // as the mux does after the first frame
			t.Fatalf("set deadline: %v", err)
		}
		begin := time.Now()
		if _, err := v.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begin) != silence {
			t.Errorf("read: got %v after %v, want a time-out after %v", err, time.Since(begin), silence)
		}
		begin = time.Now()
		if _, err := v.Write(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begin) != stalled {
			t.Errorf("write: got %v after %v, want a time-out after %v", err, time.Since(begin), stalled)
		}
		if _, err := v.Read(make([]byte, 1)); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("read after a packet that did not leave: got %v, want a closed connection", err)
		}
	})
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
