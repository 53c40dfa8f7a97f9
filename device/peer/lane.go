package peer

import (
	"errors"
	"net"
	"net/netip"
	"sync/atomic"

	"github.com/pion/ice/v4"
)

// lane is one session's way through the media port. What ICE sends before anybody has agreed to get it, and where to, is
// bounded here, whoever of the library or the device sends it: both send what a viewer has asked for.
type lane struct {
	ice.UDPMux
	budget *budget
	burst  *burst
	// hidden says that nothing of the device's own may show: it has no host candidates then.
	hidden atomic.Bool
}

// GetListenAddresses returns the addresses that become host candidates.
func (l *lane) GetListenAddresses() []net.Addr {
	if l.hidden.Load() {
		return nil
	}
	return l.UDPMux.GetListenAddresses()
}

// tcpLane is the same over TCP, where a connection is the agreement.
type tcpLane struct {
	*ice.TCPMuxDefault
	lane *lane
}

var errHidden = errors.New("nothing of the device's own may show")

// GetConnByUfrag implements ice.TCPMux.
func (l *tcpLane) GetConnByUfrag(ufrag string, isIPv6 bool, local net.IP) (net.PacketConn, error) {
	if l.lane.hidden.Load() {
		return nil, errHidden
	}
	return l.TCPMuxDefault.GetConnByUfrag(ufrag, isIPv6, local)
}

// GetConn implements ice.UDPMux.
func (l *lane) GetConn(ufrag string, local net.Addr) (net.PacketConn, error) {
	conn, err := l.UDPMux.GetConn(ufrag, local)
	if err != nil {
		return nil, err
	}
	fast, ok := conn.(ice.AddrPortReaderWriter)
	if !ok {
		panic("the media port reads and writes netip addresses")
	}
	return &laneConn{PacketConn: conn, fast: fast, budget: l.budget, burst: l.burst}, nil
}

// laneConn is a candidate's socket. Only checks and their answers are looked at: everything else goes to the address that
// ICE has selected.
type laneConn struct {
	net.PacketConn
	fast   ice.AddrPortReaderWriter
	budget *budget
	burst  *burst
}

var _ ice.AddrPortReaderWriter = (*laneConn)(nil)

// ReadFromAddrPort drops checks from more addresses than a session may have: the library makes a candidate of each.
func (c *laneConn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		n, from, err := c.fast.ReadFromAddrPort(b)
		if err != nil || !isCheck(b[:n]) || c.budget.knows(canonical(from)) {
			return n, from, err
		}
	}
}

// WriteToAddrPort loses checks that are too many, as a network would. Media joins the burst that is being gathered.
func (c *laneConn) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	switch {
	case isCheck(b) && !c.budget.spend(canonical(to), false), isMedia(b) && c.burst.add(b, to):
		return len(b), nil
	}
	return c.fast.WriteToAddrPort(b, to)
}

// ReadFrom implements net.PacketConn.
func (c *laneConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromAddrPort(b)
	if err != nil {
		return n, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// WriteTo implements net.PacketConn.
func (c *laneConn) WriteTo(b []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, net.InvalidAddrError("not a UDP address")
	}
	return c.WriteToAddrPort(b, udp.AddrPort())
}

// isCheck tells STUN, which begins with two zero bits (RFC 8489 section 5), from DTLS, RTP and RTCP (RFC 7983).
func isCheck(packet []byte) bool { return len(packet) > 0 && packet[0] < 4 }

// isMedia tells RTP and RTCP from DTLS and STUN (RFC 7983).
func isMedia(packet []byte) bool { return len(packet) > 0 && packet[0] >= 128 && packet[0] < 192 }
