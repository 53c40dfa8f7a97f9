//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// upgrade is the request that opens every link in memory (RFC 6455 section 4.1).
var upgrade = []byte("GET /v1/link HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" +
	"Sec-WebSocket-Protocol: " + protocol.Subprotocol + "\r\n\r\n")

// wire is the server's end of a connection whose client is only what it has yet to say: the upgrade, then the hello
// once that is answered, then nothing. It takes in the hub's words and forgets them, so an idle one holds no memory
// for the client's side.
type wire struct {
	mu sync.Mutex // guards what follows
	// ready wakes the reader; it has room for one word.
	ready chan struct{}
	inbox []byte
	// hello follows the answer to the upgrade; greeted gets whether the link is open.
	hello   []byte
	greeted chan<- error
	expired bool // the read deadline is in the past
	closed  bool
}

func newWire(hello []byte, greeted chan<- error) *wire {
	w := &wire{ready: make(chan struct{}, 1), inbox: upgrade, hello: frame(hello), greeted: greeted}
	w.wakeLocked()
	return w
}

// frame makes a text frame of a client. Its mask is zero, which leaves the text as it is (RFC 6455 section 5.2).
func frame(text []byte) []byte {
	b := []byte{0x81, 0x80 | 126, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint16(b[2:], uint16(len(text))) //nolint:gosec // a hello is far shorter than 64 KiB
	return append(b, text...)
}

// wakeLocked lets the reader look again.
func (w *wire) wakeLocked() {
	select {
	case w.ready <- struct{}{}:
	default:
	}
}

// Read implements net.Conn.
func (w *wire) Read(b []byte) (int, error) {
	for {
		n, err := w.take(b)
		if n > 0 || err != nil {
			return n, err
		}
		<-w.ready
	}
}

func (w *wire) take(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		return 0, io.EOF
	case w.expired:
		return 0, os.ErrDeadlineExceeded
	}
	n := copy(b, w.inbox)
	if w.inbox = w.inbox[n:]; len(w.inbox) == 0 {
		w.inbox = nil
	}
	return n, nil
}

// closeFrame begins a whole frame that closes (RFC 6455 section 5.5.1).
const closeFrame = 0x88

// Write implements net.Conn: the client answers the upgrade with its hello and a close with the end of the connection.
// The link is open if what follows the upgrade is the welcome.
func (w *wire) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		return 0, net.ErrClosed
	case w.hello != nil:
		w.inbox, w.hello = w.hello, nil
		w.wakeLocked()
	case len(b) > 0 && b[0] == closeFrame:
		w.closeLocked()
	case bytes.Contains(b, []byte(`"type":"welcome"`)):
		w.greetLocked(nil)
	default:
		w.greetLocked(fmt.Errorf("the hub said %q", b))
	}
	return len(b), nil
}

func (w *wire) greetLocked(err error) {
	if w.greeted != nil {
		w.greeted <- err
		w.greeted = nil
	}
}

// Close implements net.Conn.
func (w *wire) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closeLocked()
	return nil
}

func (w *wire) closeLocked() {
	w.closed = true
	w.greetLocked(errors.New("the hub hung up"))
	w.wakeLocked()
}

// SetReadDeadline implements net.Conn as far as a server needs it here: what the client has to say is there at once,
// so that only a deadline in the past, which ends a read, makes a difference.
func (w *wire) SetReadDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.expired = !t.IsZero() && !t.After(time.Now()); w.expired {
		w.wakeLocked()
	}
	return nil
}

// SetWriteDeadline implements net.Conn: writing never waits.
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline implements net.Conn.
func (w *wire) SetDeadline(t time.Time) error { return w.SetReadDeadline(t) }

// LocalAddr implements net.Conn.
func (w *wire) LocalAddr() net.Addr { return wireAddr }

// RemoteAddr implements net.Conn.
func (w *wire) RemoteAddr() net.Addr { return wireAddr }

var wireAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}

// wires is a listener in memory.
type wires struct {
	arriving chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func listenWires() *wires { return &wires{arriving: make(chan net.Conn), closed: make(chan struct{})} }

// Accept implements net.Listener.
func (l *wires) Accept() (net.Conn, error) {
	select {
	case conn := <-l.arriving:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *wires) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements net.Listener.
func (l *wires) Addr() net.Addr { return wireAddr }
