//go:build linux

package turnload

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// socketBuffer is what a socket may hold until the one thread that reads all comes round: 0.1 s of 20,000 packets/s. The
// kernel counts twice the size of a packet.
const socketBuffer = 8 << 20

// socket is a connected UDP socket that Go's poller knows nothing of.
type socket struct {
	fd    int
	local netip.AddrPort
}

// openSocket opens one and connects it. Whoever gets it closes it.
func openSocket(ctx context.Context, in Network, at netip.Addr, to netip.AddrPort) (*socket, error) {
	conn, err := in.ListenPacket(ctx, "udp", netip.AddrPortFrom(at, 0).String())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	raw, ok := conn.(syscall.Conn)
	if !ok {
		return nil, fmt.Errorf("a socket of %T cannot be had", conn)
	}
	s := &socket{fd: -1}
	if s.local, err = netip.ParseAddrPort(conn.LocalAddr().String()); err != nil {
		return nil, err
	}
	control, err := raw.SyscallConn()
	if err != nil {
		return nil, err
	}
	var failure error
	err = control.Control(func(fd uintptr) { s.fd, failure = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) })
	if err = errors.Join(err, failure); err != nil {
		return nil, fmt.Errorf("take a socket: %w", err)
	}
	if err := s.prepare(to); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// prepare lets the kernel stamp what arrives, so that it does not matter when it is read.
func (s *socket) prepare(to netip.AddrPort) error {
	if err := unix.Connect(s.fd, sockaddr(to)); err != nil {
		return fmt.Errorf("connect a socket to %s: %w", to, err)
	}
	for _, option := range [][2]int{{unix.SO_RCVBUFFORCE, unix.SO_RCVBUF}, {unix.SO_SNDBUFFORCE, unix.SO_SNDBUF}} {
		// Only root may go over the system's limit.
		if unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, option[0], socketBuffer) != nil {
			_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, option[1], socketBuffer)
		}
	}
	return unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
}

func sockaddr(at netip.AddrPort) unix.Sockaddr {
	if at.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: at.Addr().As4(), Port: int(at.Port())}
	}
	return &unix.SockaddrInet6{Addr: at.Addr().As16(), Port: int(at.Port())}
}

func (s *socket) close() { _ = unix.Close(s.fd) }

// datagramWire is a client's way by UDP.
type datagramWire struct {
	*socket
	sink *sink
}

func (w datagramWire) send(message []byte) error {
	_, err := unix.Write(w.fd, message)
	if isPassing(err) {
		return nil // as if it had been lost
	}
	return err
}

func (w datagramWire) burst(b *burst) (int, error) { return b.framed.send(w.fd) }

func (w datagramWire) reliable() bool { return false }

func (w datagramWire) close() { w.sink.remove(w.socket) }

// streamWire is a client's way by TCP or TLS.
type streamWire struct{ net.Conn }

func (w streamWire) send(message []byte) error {
	_, err := w.Write(message)
	return err
}

func (w streamWire) burst(b *burst) (int, error) {
	if _, err := w.Write(b.stream); err != nil {
		return 0, err
	}
	return b.count, nil
}

func (w streamWire) reliable() bool { return true }

func (w streamWire) close() { _ = w.Close() }
