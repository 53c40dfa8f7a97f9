package turn

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"github.com/google/uuid"
	pionturn "github.com/pion/turn/v5"

	"github.com/sightline-rtc/sightline/protocol"
)

// The transports by which a client reaches the relay, as record.Usage tells them.
const (
	transportUDP = "udp"
	transportTCP = "tcp"
	transportTLS = "tls"
)

// bindAttempts bounds the search for a free relay port: with 95 % of a large range taken, one in 700 searches fails.
const bindAttempts = 128

var (
	errTCPRelay    = errors.New("TCP relays (RFC 6062) are not served")
	errFamily      = errors.New("no address of the requested family")
	errNoPort      = errors.New("no relay port is free")
	errLedgerStuck = errors.New("the ledger is too far behind")
	errPortRange   = errors.New("port is outside of the relay range")
)

// generator makes the relayed transport addresses of the clients of one listener.
type generator struct {
	server    *Server
	transport string
	// local is the address that the listener is bound to, invalid for one of several.
	local netip.Addr
	// sockets opens the relays.
	sockets sockets
}

// Validate is asked by pion/turn at start.
func (g *generator) Validate() error { return nil }

// AllocatePacketConn makes the relay of an allocation. With an empty user pion/turn only looks for a free even port
// (RFC 8656 section 18.5) and closes what it gets.
func (g *generator) AllocatePacketConn(conf pionturn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	conn, relayed, err := g.allocate(conf)
	if err != nil {
		g.server.counts.refuse(err)
	}
	return conn, relayed, err
}

func (g *generator) allocate(conf pionturn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	if g.server.draining.Load() {
		return nil, nil, errDraining
	}
	bind, told, err := g.server.hosts.relay(conf.Network, g.local)
	if err != nil {
		return nil, nil, err
	}
	if conf.UserID == "" {
		conn, err := g.listen(conf.Network, bind, 0)
		if err != nil {
			return nil, nil, err
		}
		local := conn.LocalAddr()
		return conn, local, nil
	}
	grant, role, err := parseUser(conf.UserID)
	if err != nil {
		return nil, nil, err
	}
	for range bindAttempts {
		conn, err := g.listen(conf.Network, bind, conf.RequestedPort)
		if err != nil {
			return nil, nil, err
		}
		r, err := g.relay(conn, told, grant, role)
		if err == nil {
			err = g.sockets.start(r)
			if err != nil {
				_ = r.Close() // It always returns nil.
				return nil, nil, err
			}
			return r, net.UDPAddrFromAddrPort(r.public), nil
		}
		_ = conn.Close() // Nothing has gone through it.
		if !errors.Is(err, errPortTaken) || conf.RequestedPort != 0 {
			return nil, nil, err
		}
	}
	return nil, nil, errNoPort
}

func (g *generator) relay(
	conn udpConn, told netip.Addr, grant protocol.GrantID, role protocol.Role,
) (*relay, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("name an allocation: %w", err)
	}
	local := addrPort(conn.LocalAddr())
	s := g.server
	project, limit := s.grants.terms(grant)
	r := &relay{
		conn: conn, peers: s.peers, table: s.relays, counts: s.counts,
		id: id.String(), grant: grant, project: project, cap: limit, role: role, transport: g.transport, started: time.Now().UTC(),
		local: local, public: netip.AddrPortFrom(told, local.Port()),
		finish: s.finished, closed: s.grants.sockets.Done, enforce: s.cfg.Peers != PeersObserve,
	}
	r.allowance = newAllowance(func() { s.meter.hurry(r) })
	if err := s.relays.add(r); err != nil {
		return nil, err
	}
	if !s.meter.add(r) {
		s.relays.remove(r)
		return nil, errLedgerStuck
	}
	if err := s.grants.attach(r); err != nil {
		s.meter.drop(r)
		s.relays.remove(r)
		return nil, err
	}
	s.meter.hurry(r)
	return r, nil
}

// listen binds a relay socket on the port, or for port 0 on a random one of the range.
func (g *generator) listen(network string, addr netip.Addr, port int) (udpConn, error) {
	low, high := int(g.server.cfg.MinRelayPort), int(g.server.cfg.MaxRelayPort)
	switch {
	case port != 0 && high != 0 && (port < low || port > high):
		return nil, errPortRange
	case port != 0 || high == 0:
		return g.sockets.relay(network, netip.AddrPortFrom(addr, uint16(port)))
	}
	size := high - low + 1
	// A port is no secret: permissions keep strangers out.
	first := rand.IntN(size)
	for i := range min(size, bindAttempts) {
		conn, err := g.sockets.relay(network, netip.AddrPortFrom(addr, uint16(low+(first+i)%size)))
		if err == nil {
			return conn, nil
		}
		if !isAddrInUse(err) {
			return nil, err
		}
	}
	return nil, errNoPort
}

// AllocateListener refuses the TCP allocations of RFC 6062.
func (g *generator) AllocateListener(pionturn.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	return nil, nil, errTCPRelay
}

// AllocateConn refuses the TCP connections of RFC 6062.
func (g *generator) AllocateConn(pionturn.AllocateConnConfig) (net.Conn, error) {
	return nil, errTCPRelay
}
