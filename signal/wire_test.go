package signal

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sightline-rtc/sightline/protocol"
)

// wire is the client's end of a socket.
type wire interface {
	read() ([]byte, error)
	write(message []byte) error
	cut()
}

// closedError is how the hub closed a socket.
type closedError struct {
	code   protocol.CloseCode
	reason string
}

func (e *closedError) Error() string { return fmt.Sprintf("closed with %s: %s", e.code, e.reason) }

// webWire is a WebSocket.
type webWire struct{ conn *websocket.Conn }

func (w webWire) read() ([]byte, error) {
	_, message, err := w.conn.ReadMessage()
	var closed *websocket.CloseError
	if errors.As(err, &closed) {
		err = &closedError{protocol.CloseCode(closed.Code), closed.Text}
	}
	return message, err
}

func (w webWire) write(message []byte) error {
	return w.conn.WriteMessage(websocket.TextMessage, message)
}

func (w webWire) cut() { _ = w.conn.Close() }

// memoryWire is both ends of a socket without a network, for tests in which time is faked. It is a door of its own: its
// serve is what webSocket's is.
type memoryWire struct {
	toHub, toClient chan []byte
	gone            chan struct{} // closed when either end has
	once            sync.Once
	closed          error // set before gone is closed, when the hub did it
	writeTimeout    time.Duration
	stuck           atomic.Bool // the client's end takes nothing more
}

func newMemoryWire(writeTimeout time.Duration) *memoryWire {
	return &memoryWire{
		toHub: make(chan []byte, maxInbox), toClient: make(chan []byte), gone: make(chan struct{}), writeTimeout: writeTimeout,
	}
}

var errCut = errors.New("the wire was cut")

func (m *memoryWire) end(err error) {
	m.once.Do(func() {
		m.closed = err
		close(m.gone)
	})
}

func (m *memoryWire) read() ([]byte, error) {
	select {
	case message := <-m.toClient:
		return message, nil
	case <-m.gone:
		return nil, m.closed
	}
}

func (m *memoryWire) write(message []byte) error {
	select {
	case m.toHub <- message:
		return nil
	case <-m.gone:
		return m.closed
	}
}

func (m *memoryWire) cut() { m.end(errCut) }

// Write implements socket.
func (m *memoryWire) Write(message []byte) error {
	toClient := m.toClient
	if m.stuck.Load() {
		toClient = nil
	}
	select {
	case toClient <- message:
		return nil
	case <-m.gone:
		return m.closed
	case <-time.After(m.writeTimeout):
		return os.ErrDeadlineExceeded
	}
}

// Close implements socket.
func (m *memoryWire) Close(code protocol.CloseCode, reason string) { m.end(&closedError{code, reason}) }

func (m *memoryWire) abort() { m.cut() }

func (m *memoryWire) serve(h *Hub, address netip.Addr) {
	serveInMemory(h, address, m, "memory", func() []byte {
		select {
		case message := <-m.toHub:
			return message
		case <-m.gone:
			return nil
		}
	})
}

// serveInMemory is a door: what a webSocket's serve does, with a socket whose messages next returns until it is nil.
func serveInMemory(h *Hub, address netip.Addr, s socket, transport protocol.Transport, next func() []byte) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer s.abort()
	_, body, err := protocol.Decode(next())
	hello, ok := body.(*protocol.Hello)
	if err != nil || !ok {
		return
	}
	k := &carrier{socket: s, address: address, transport: transport}
	c, err := h.admit(ctx, hello, k)
	var first []byte
	if err == nil && k.prospect != nil {
		_ = s.Write(k.prospect.welcome)
		silent := time.AfterFunc(h.config.HelloTimeout, s.abort)
		first = next()
		silent.Stop()
		if first == nil {
			return
		}
		e, _, _ := protocol.Decode(first)
		err = h.promote(ctx, k.prospect, e.Ack)
	}
	if err != nil {
		farewell(s, protocol.AsError(err))
		return
	}
	connection := h.arrived(ctx, c, k)
	end := errCut
	if first == nil {
		first = next()
	}
	for message := first; message != nil; message = next() {
		if err := h.receive(ctx, c, k, message); err != nil {
			end = err
			c.fail(err)
			break
		}
	}
	h.leave(ctx, c, k, errors.Is(end, errBye))
	h.departed(ctx, connection, c.ending(k, end))
	c.part(k)
}
