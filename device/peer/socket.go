package peer

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"

	"github.com/pion/ice/v4"
)

// socketBuffer holds a keyframe of 1 MiB that several viewers get at once; the kernel may grant less.
const socketBuffer = 1 << 20

// socket is the media port: one UDP socket behind which the ICE agents of all sessions sit, told apart by the
// username fragment of their checks.
type socket struct {
	*ice.UniversalUDPMuxDefault
	port int
}

// listen opens the media port on a UDP address; an empty host means IPv6 and IPv4 on one socket.
func listen(address string, log *slog.Logger) (*socket, error) {
	udp, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for media: %w", err)
	}
	conn, err := net.ListenUDP("udp", udp)
	if err != nil {
		return nil, fmt.Errorf("listen for media: %w", err)
	}
	for _, set := range []func(int) error{conn.SetReadBuffer, conn.SetWriteBuffer} {
		if err := set(socketBuffer); err != nil {
			log.Debug("socket buffer not set", "err", err)
		}
	}
	bound, ok := conn.LocalAddr().(*net.UDPAddr)
	if !ok {
		panic("a UDP socket has a UDP address")
	}
	gate := &gate{UDPConn: conn, open: make(chan struct{})}
	mux := ice.NewUniversalUDPMuxDefault(ice.UniversalUDPMuxParams{
		Logger: loggers{log}.NewLogger("mux"), UDPConn: gate,
	})
	close(gate.open)
	return &socket{UniversalUDPMuxDefault: mux, port: bound.Port}, nil
}

// GetListenAddresses returns the addresses that become host candidates: those of the interfaces that are up, and
// loopback only when there is nothing else. A socket that was bound to one address has just that.
func (s *socket) GetListenAddresses() []net.Addr {
	bound, ok := s.LocalAddr().(*net.UDPAddr)
	if !ok {
		return nil
	}
	if !bound.IP.IsUnspecified() {
		return []net.Addr{bound}
	}
	var addresses, loopback []net.Addr
	for _, a := range s.UniversalUDPMuxDefault.GetListenAddresses() {
		udp, ok := a.(*net.UDPAddr)
		switch {
		case !ok || udp.IP.IsLinkLocalUnicast():
		case udp.IP.IsLoopback():
			loopback = append(loopback, a)
		default:
			addresses = append(addresses, a)
		}
	}
	if len(addresses) == 0 {
		return loopback
	}
	return addresses
}

// maxReadFaults is how many reads in a row may fail before the port counts as broken. Some systems report there that
// an earlier packet did not arrive.
const maxReadFaults = 100

// gate is the socket with its reading held back until the mux is whole. The mux reads before it is, and falls over a
// STUN message that comes then: from viewers of a device that has restarted on the same port. It also spares the mux,
// which ends on any fault, those that pass.
type gate struct {
	*net.UDPConn
	open chan struct{}
}

var _ ice.AddrPortReaderWriter = (*gate)(nil)

func (g *gate) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	<-g.open
	for faults := 0; ; faults++ {
		n, from, err := g.ReadFromUDPAddrPort(b)
		if err == nil || errors.Is(err, net.ErrClosed) || faults == maxReadFaults {
			return n, from, err
		}
	}
}

func (g *gate) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return g.WriteToUDPAddrPort(b, to)
}
