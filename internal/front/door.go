package front

import (
	"net"
	"sync"
)

// door is the net.Listener of one kind of clients.
type door struct {
	addr  net.Addr
	port  func() error
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newDoor(addr net.Addr, port func() error) *door {
	return &door{addr: addr, port: port, conns: make(chan net.Conn), done: make(chan struct{})}
}

// hand gives a connection to who accepts, or fails when the door is shut.
func (d *door) hand(conn net.Conn) error {
	select {
	case d.conns <- conn:
		return nil
	case <-d.done:
		return net.ErrClosed
	}
}

// Accept returns the next connection, after its TLS handshake. It fails once the door is closed, and only then.
func (d *door) Accept() (net.Conn, error) {
	select {
	case conn := <-d.conns:
		return conn, nil
	case <-d.done:
		return nil, net.ErrClosed
	}
}

// Close shuts the door, and the port for newcomers of all kinds. It may be called more than once.
func (d *door) Close() error {
	d.shut()
	return d.port()
}

func (d *door) shut() { d.once.Do(func() { close(d.done) }) }

// Addr returns that of the port.
func (d *door) Addr() net.Addr { return d.addr }
