package turn

import (
	"net"
	"net/netip"

	pionturn "github.com/pion/turn/v5"
)

// Entrance is one more way to the server for clients of TCP and TLS, beside its own port: another port, or one shared
// with HTTPS.
type Entrance struct {
	// Listener yields connections whose next bytes are TURN's, after their TLS handshake if there is one. It fails only
	// once it is closed, which the server does at the end of Run; no other has its address.
	Listener net.Listener
	// TLS says that clients come encrypted.
	TLS bool
	// URLs are what clients are told of it (RFC 7065).
	URLs []string
}

func (e Entrance) transport() string {
	if e.TLS {
		return transportTLS
	}
	return transportTCP
}

// streamLeg is where stream clients come in: a door, or an entrance.
type streamLeg struct {
	listener  net.Listener
	transport string
	// addr stands for the leg in flows. An entrance may listen on many addresses at once.
	addr netip.AddrPort
	// local is where relays are bound, invalid for the first address of their family.
	local netip.Addr
}

// streamLegs returns all legs, in the order of Server.streams.
func (s *Server) streamLegs() []streamLeg {
	var legs []streamLeg
	for _, d := range s.doors {
		legs = append(legs, streamLeg{d.tcp, transportTCP, d.addr, d.addr.Addr()})
	}
	for _, e := range s.cfg.Entrances {
		legs = append(legs, streamLeg{e.Listener, e.transport(), addrPort(e.Listener.Addr()), netip.Addr{}})
	}
	return legs
}

// serveStreams puts the guard before a leg.
func (s *Server) serveStreams(leg streamLeg) pionturn.ListenerConfig {
	guarded := newStreams(leg.listener, leg.addr, s.limits, s.log, s.counts)
	guarded.gate = s.gate(leg.transport, leg.addr)
	s.streams = append(s.streams, guarded)
	return pionturn.ListenerConfig{
		Listener:              guarded,
		RelayAddressGenerator: &generator{server: s, sockets: portable{}, transport: leg.transport, local: leg.local},
		PermissionHandler:     s.permit(leg.transport, leg.addr),
	}
}
