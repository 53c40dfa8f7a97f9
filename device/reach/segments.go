package reach

import (
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
)

const (
	// MaxSegments is how many packets one call of WriteSegments may have: as many as any Linux cuts one message into.
	MaxSegments = 64
	// MaxSegmented bounds their sum in bytes: an IP packet's 65,535 less the headers.
	MaxSegmented = 65_000
	// maxRefusals is after how many refusals in a row, without a success, the system is not asked any more.
	maxRefusals = 64
)

// segmentation knows whether the system takes many packets as one message. It is safe for concurrent use.
type segmentation struct {
	// socket is nil where it does not, whatever the message.
	socket   *net.UDPConn
	off      atomic.Bool
	refusals atomic.Int32
}

var errUnsegmented = errors.New("the system takes packets one by one")

// write sends what b is made of as one message. An error that is errUnsegmented says that none of it was sent and that the
// packets may go one by one.
func (s *segmentation) write(b []byte, size int, to netip.AddrPort) error {
	if s.socket == nil || s.off.Load() {
		return errUnsegmented
	}
	err := s.send(b, size, to)
	switch {
	case err == nil:
		if s.refusals.Load() != 0 {
			s.refusals.Store(0)
		}
		return nil
	case unable(err) || refused(err) && s.refusals.Add(1) >= maxRefusals:
		s.off.Store(true)
		return errUnsegmented
	case refused(err):
		return errUnsegmented
	}
	return err
}

// WriteSegments sends many packets to one address, in as few system calls as the system knows. b is made of them: size
// bytes each, the last maybe less. At most MaxSegments and MaxSegmented are allowed. It returns how many packets the
// system did not take; these are lost.
func (p *Port) WriteSegments(b []byte, size int, to netip.AddrPort) (lost int) {
	return p.conn.writeSegments(b, size, to)
}

func (c *conn) writeSegments(b []byte, size int, to netip.AddrPort) (lost int) {
	if len(b) > size {
		switch err := c.segments.write(b, size, to); {
		case err == nil:
			return 0
		case !errors.Is(err, errUnsegmented):
			return (len(b) + size - 1) / size
		}
	}
	for len(b) > 0 {
		n := min(size, len(b))
		if _, err := c.WriteToAddrPort(b[:n], to); err != nil {
			lost++
		}
		b = b[n:]
	}
	return lost
}
