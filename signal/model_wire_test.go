package signal

import (
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// modelWire is a socket of which the test delivers every message itself, so that it decides what is on its way when
// the socket breaks.
type modelWire struct {
	inbox chan []byte   // what has come to the hub
	over  chan struct{} // closed when the hub knows that the socket has ended
	once  sync.Once

	// mu guards what follows.
	mu              sync.Mutex
	toHub, toClient [][]byte
	closed          *closedError // by the hub; the client learns it after what is on its way
	begun           bool         // the hello has come
	broken          bool         // nothing arrives any more
	clogged         bool         // the hub's writes do not end
}

func newModelWire(h *Hub, transport protocol.Transport) *modelWire {
	m := &modelWire{inbox: make(chan []byte, maxInbox), over: make(chan struct{})}
	h.work.Go(func() { serveInMemory(h, netip.MustParseAddr("192.0.2.1"), m, transport, m.next) })
	return m
}

// next returns what has come to the hub before it says that the socket is over.
func (m *modelWire) next() []byte {
	select {
	case message := <-m.inbox:
		return message
	default:
	}
	select {
	case message := <-m.inbox:
		return message
	case <-m.over:
		return nil
	}
}

// abort implements socket.
func (m *modelWire) abort() { m.once.Do(func() { close(m.over) }) }

// ended reports whether the hub has given the socket up.
func (m *modelWire) ended() bool {
	select {
	case <-m.over:
		return true
	default:
		return false
	}
}

// Write implements socket.
func (m *modelWire) Write(message []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.clogged {
		m.mu.Unlock()
		defer m.mu.Lock()
		select {
		case <-m.over:
			return errCut
		case <-time.After(protocol.WriteTimeout):
			return os.ErrDeadlineExceeded
		}
	}
	if !m.broken {
		m.toClient = append(m.toClient, message)
	}
	return nil
}

// Close implements socket.
func (m *modelWire) Close(code protocol.CloseCode, reason string) {
	m.mu.Lock()
	if m.closed == nil {
		m.closed = &closedError{code, reason}
	}
	m.mu.Unlock()
	m.abort()
}

// post puts a message of the client on its way.
func (m *modelWire) post(message []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.broken {
		m.toHub = append(m.toHub, message)
	}
}

// deliver takes the client's next message to the hub, and returns it, nil if there is none.
func (m *modelWire) deliver() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.toHub) == 0 {
		return nil
	}
	message := m.toHub[0]
	m.inbox <- message
	m.toHub, m.begun = m.toHub[1:], true
	return message
}

// fetch returns what comes to the client next, nil if nothing has, or how the hub closed the socket.
func (m *modelWire) fetch() ([]byte, *closedError) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.broken:
		return nil, nil
	case len(m.toClient) == 0:
		return nil, m.closed
	}
	message := m.toClient[0]
	m.toClient = m.toClient[1:]
	return message, nil
}

// snap breaks the socket: what is on its way is lost. Neither end knows unless noticed says that the hub does.
func (m *modelWire) snap(noticed bool) {
	m.mu.Lock()
	m.broken, m.toHub, m.toClient = true, nil, nil
	m.mu.Unlock()
	if noticed {
		m.abort()
	}
}

// clog stops what the hub writes from getting anywhere.
func (m *modelWire) clog() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clogged = true
}
