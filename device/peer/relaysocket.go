package peer

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
)

// relaySocket is a socket to relays. It hears only those that it has written to: the library's client takes whatever comes
// for its server's, and stops for good at what makes no sense to it, so that anybody who guesses the port could end it.
type relaySocket struct {
	net.PacketConn

	mu sync.Mutex // guards below
	// servers are the addresses that were written to, of which a client has one.
	servers [maxRelayServers]netip.AddrPort
	next    int
}

// maxRelayServers is one more than a client needs, for a server with a name that changes its address.
const maxRelayServers = 2

// ListenPacket implements transport.Net.
func (n relayNetwork) ListenPacket(network, address string) (net.PacketConn, error) {
	conn, err := n.Net.ListenPacket(network, address)
	if err != nil {
		return nil, fmt.Errorf("open socket to a relay: %w", err)
	}
	return &relaySocket{PacketConn: conn}, nil
}

// WriteTo implements net.PacketConn.
func (s *relaySocket) WriteTo(b []byte, to net.Addr) (int, error) {
	s.meet(to)
	return s.PacketConn.WriteTo(b, to)
}

// ReadFrom implements net.PacketConn.
func (s *relaySocket) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := s.PacketConn.ReadFrom(b)
		if err != nil || s.knows(from) {
			return n, from, err
		}
	}
}

func (s *relaySocket) meet(to net.Addr) {
	if s.knows(to) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.servers[s.next] = plainAddress(to)
	s.next = (s.next + 1) % len(s.servers)
}

func (s *relaySocket) knows(addr net.Addr) bool {
	plain := plainAddress(addr)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, server := range s.servers {
		if server == plain && server.IsValid() {
			return true
		}
	}
	return false
}

// plainAddress is the zero value for what is no UDP address.
func plainAddress(addr net.Addr) netip.AddrPort {
	udp, ok := addr.(*net.UDPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	return canonical(udp.AddrPort())
}
