package plane

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Handler takes what a port has received. It is called by the loops, by several at once for a port that has a
// socket in each, and keeps nothing of the batch. It must not wait for anything.
type Handler func(*Batch)

// Port is a bound UDP address. What its handler passes on is read from it as from any net.PacketConn. Safe for concurrent
// use; who made it closes it.
type Port struct {
	local   netip.AddrPort
	sockets []*socket
	inbox   *inbox
	handler Handler
}

var _ net.PacketConn = (*Port)(nil)

// socket is one of a port's sockets.
type socket struct {
	port *Port
	loop *loop

	// mu guards the field below. It is held for reading while the descriptor is in use.
	mu sync.RWMutex
	// fd is -1 once the socket is closed.
	fd int
}

// Handle starts to receive. It is called once.
func (p *Port) Handle(h Handler) error {
	p.handler = h
	for _, s := range p.sockets {
		if err := s.loop.add(s); err != nil {
			return err
		}
	}
	return nil
}

// socketOf returns the socket to send from on a loop: its own if there is one.
func (p *Port) socketOf(l *loop) *socket {
	if len(p.sockets) == 1 {
		return p.sockets[0]
	}
	return p.sockets[l.index]
}

// ReadFromUDPAddrPort returns the next packet that the handler has passed on. It fails with net.ErrClosed on a closed
// port and with os.ErrDeadlineExceeded on one that was interrupted.
func (p *Port) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) { return p.inbox.take(b) }

// ReadFrom is ReadFromUDPAddrPort with another form of address.
func (p *Port) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := p.inbox.take(b)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// WriteToUDPAddrPort sends a packet at once, or fails: it does not wait for room in the kernel's buffer.
func (p *Port) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	s := p.sockets[0]
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.fd < 0 {
		return 0, net.ErrClosed
	}
	if err := unix.Sendto(s.fd, b, unix.MSG_DONTWAIT, sockaddr(to)); err != nil {
		return 0, os.NewSyscallError("sendto", err)
	}
	return len(b), nil
}

// WriteTo is WriteToUDPAddrPort with another form of address.
func (p *Port) WriteTo(b []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, net.InvalidAddrError("not a UDP address")
	}
	ap := udp.AddrPort()
	return p.WriteToUDPAddrPort(b, netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()))
}

// LocalAddr returns where the port is bound.
func (p *Port) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(p.local) }

// Interrupt ends all reads, now and later. The port stays open.
func (p *Port) Interrupt() { p.inbox.interrupt.Do(func() { close(p.inbox.interrupted) }) }

// SetDeadline interrupts the port when the time is in the past; there are no other deadlines.
func (p *Port) SetDeadline(t time.Time) error {
	if t.IsZero() {
		return nil
	}
	if t.After(time.Now()) {
		return os.ErrNoDeadline
	}
	p.Interrupt()
	return nil
}

// SetReadDeadline is as SetDeadline says.
func (p *Port) SetReadDeadline(t time.Time) error { return p.SetDeadline(t) }

// SetWriteDeadline does nothing: writes do not wait.
func (p *Port) SetWriteDeadline(time.Time) error { return nil }

// Close frees the address. When it returns nothing is sent or received any more, though a handler may still be at work on
// what it has. It may be called more than once.
func (p *Port) Close() error {
	p.inbox.close.Do(func() { close(p.inbox.closed) })
	var errs []error
	for _, s := range p.sockets {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}

func (s *socket) close() error {
	plane := s.loop.plane
	plane.mu.Lock()
	defer plane.mu.Unlock()
	s.loop.remove(s)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fd < 0 {
		return nil
	}
	plane.gone += uint64(kernelDrops(s.fd))
	err := unix.Close(s.fd)
	s.fd = -1
	return os.NewSyscallError("close", err)
}

func (s *socket) lost() uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.fd < 0 {
		return 0
	}
	return uint64(kernelDrops(s.fd))
}
