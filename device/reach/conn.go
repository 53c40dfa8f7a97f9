package reach

import (
	"errors"
	"net"
	"net/netip"
	"time"
)

// maxReadFaults is how many reads in a row may fail before the port counts as broken. Some systems report there that
// an earlier packet did not arrive.
const maxReadFaults = 100

// addrPortConn is a socket that spares an allocation for each packet.
type addrPortConn interface {
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
}

// conn is the socket as sessions have it. What answers a question of the port's own is taken out when it is read, and
// read faults that pass are not shown: pion's mux ends on any.
type conn struct {
	net.PacketConn
	fast      addrPortConn // nil when the socket has no such methods
	segments  *segmentation
	questions questions
	reader    reader
}

func newConn(socket net.PacketConn) *conn {
	fast, _ := socket.(addrPortConn)
	return &conn{
		PacketConn: socket, fast: fast, segments: newSegmentation(socket),
		questions: questions{open: make(map[transaction]*question)}, reader: reader{born: time.Now()},
	}
}

// local returns where the socket is bound.
func (c *conn) local() netip.AddrPort {
	udp, ok := c.LocalAddr().(*net.UDPAddr)
	if !ok {
		panic("a UDP socket has a UDP address")
	}
	return canonical(udp.AddrPort())
}

// ReadFromAddrPort implements ice.AddrPortReaderWriter.
func (c *conn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	c.reader.asks()
	defer c.reader.has()
	for faults := 0; ; {
		n, from, err := c.readAny(b)
		switch {
		case err == nil && c.questions.take(b[:n], canonical(from)):
			faults = 0
		case err == nil || errors.Is(err, net.ErrClosed) || faults == maxReadFaults:
			return n, from, err
		default:
			faults++
		}
	}
}

func (c *conn) readAny(b []byte) (int, netip.AddrPort, error) {
	if c.fast != nil {
		return c.fast.ReadFromUDPAddrPort(b)
	}
	n, from, err := c.PacketConn.ReadFrom(b)
	udp, _ := from.(*net.UDPAddr)
	return n, udp.AddrPort(), err
}

// WriteToAddrPort implements ice.AddrPortReaderWriter.
func (c *conn) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if c.fast != nil {
		return c.fast.WriteToUDPAddrPort(b, to)
	}
	return c.WriteTo(b, net.UDPAddrFromAddrPort(to))
}

// ReadFrom implements net.PacketConn.
func (c *conn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromAddrPort(b)
	if err != nil {
		return n, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}
