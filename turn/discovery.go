package turn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"

	"github.com/pion/stun/v4"

	"github.com/sightline-rtc/sightline/internal/special"
)

const (
	requestBinding = 0x0001 // RFC 8489 section 18.2

	// The flags of a CHANGE-REQUEST (RFC 5780 section 7.2).
	changeAddress = 0x04
	changePort    = 0x02
)

// understood are attributes that a Binding request may have: those of RFC 5780, and those of credentials and of ICE, for
// which nobody asks here.
var understood = []stun.AttrType{
	stun.AttrChangeRequest, stun.AttrResponsePort, stun.AttrPadding,
	stun.AttrUsername, stun.AttrRealm, stun.AttrNonce, stun.AttrPriority, stun.AttrUseCandidate,
}

// discovery answers Binding requests so that a client can find out how its NAT behaves (RFC 5780), from an alternate port,
// and from a second address where the host has one that the client reaches. It is safe for concurrent use once it is open.
type discovery struct {
	sites map[netip.AddrPort]*site
	// alternate are the sockets that are not the server's own doors.
	alternate []*net.UDPConn
	work      sync.WaitGroup
}

// site is one address and port of a family from which answers come.
type site struct {
	conn net.PacketConn
	// local is where it is bound, told what clients are told.
	local, told netip.AddrPort
	// otherAddress, otherPort and other differ from it in the address, the port, and both. Those with another address are
	// nil for a host with one.
	otherAddress, otherPort, other *site
}

// openDiscovery binds the alternate port on all addresses, and finds the doors that go with them. It returns nil without an
// alternate port.
func (s *Server) openDiscovery() (*discovery, error) {
	port := s.cfg.AltPort
	if port == 0 {
		return nil, nil
	}
	networks, err := interfaceNetworks()
	if err != nil {
		return nil, err
	}
	d := &discovery{sites: make(map[netip.AddrPort]*site)}
	for _, doors := range s.discoveryDoors(networks) {
		var rows [][2]*site
		for _, door := range doors {
			row, err := d.row(door, s.hosts.toldOf(door.addr.Addr()), port)
			if err != nil {
				d.close()
				return nil, err
			}
			rows = append(rows, row)
		}
		link(rows)
	}
	return d, nil
}

// discoveryDoors puts two doors together whose addresses the same clients reach, on a host with these networks. Others stand
// alone, as do all of a family of which clients are told one address.
func (s *Server) discoveryDoors(networks []netip.Prefix) (groups [][]*door) {
	for _, d := range s.doors {
		addr := d.addr.Addr()
		one := slices.ContainsFunc(s.hosts.public, func(a netip.Addr) bool { return a.Is4() == addr.Is4() })
		i := slices.IndexFunc(groups, func(g []*door) bool {
			return !one && len(g) == 1 && alike(g[0].addr.Addr(), addr, networks)
		})
		if i >= 0 {
			groups[i] = append(groups[i], d)
		} else {
			groups = append(groups, []*door{d})
		}
	}
	return groups
}

// alike reports whether clients that reach one of two addresses reach the other. Public addresses are reached by all; private ones
// are, when they are in one of the host's networks: a LAN's clients do not reach those of its containers.
func alike(a, b netip.Addr, networks []netip.Prefix) bool {
	if a.Is4() != b.Is4() {
		return false
	}
	if isPrivate(a) || isPrivate(b) {
		return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(a) && n.Contains(b) })
	}
	return special.Is(a) == special.Is(b)
}

// carrierGrade is the shared address space of carriers (RFC 6598).
var carrierGrade = netip.MustParsePrefix("100.64.0.0/10")

func isPrivate(a netip.Addr) bool { return a.IsPrivate() || carrierGrade.Contains(a) }

// row makes the sites of one address: the door's port and the alternate one.
func (d *discovery) row(door *door, told netip.Addr, port uint16) ([2]*site, error) {
	at := netip.AddrPortFrom(door.addr.Addr(), port)
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return [2]*site{}, fmt.Errorf("alternate port: %w", err)
	}
	d.alternate = append(d.alternate, conn)
	row := [2]*site{
		{conn: door.udp, local: door.addr, told: netip.AddrPortFrom(told, door.addr.Port())},
		{conn: conn, local: at, told: netip.AddrPortFrom(told, port)},
	}
	for _, s := range row {
		d.sites[s.local] = s
	}
	return row, nil
}

func link(rows [][2]*site) {
	for i, row := range rows {
		for j, s := range row {
			s.otherPort = row[1-j]
			if len(rows) > 1 {
				s.otherAddress, s.other = rows[1-i][j], rows[1-i][1-j]
			}
		}
	}
}

// serve answers on the alternate sockets until close. It may be called on nil.
func (d *discovery) serve(s *Server) {
	if d == nil {
		return
	}
	for _, conn := range d.alternate {
		g := s.gate(transportUDP, addrPort(conn.LocalAddr()))
		d.work.Go(func() { listenAlternate(conn, g) })
	}
}

func listenAlternate(conn *net.UDPConn, g *gate) {
	buffer := make([]byte, maxFrame+1)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			g.server.log.Warn("turn datagram not read", "err", err)
			continue
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		// Whatever is no Binding request is left for nobody.
		if _, answer := g.screen(buffer[:n], from); answer != nil {
			_, _ = conn.WriteToUDPAddrPort(answer, from) // Lost, as a datagram may be.
		}
	}
}

// close ends the alternate sockets and who reads them. It may be called more than once, and on nil.
func (d *discovery) close() {
	if d == nil {
		return
	}
	for _, conn := range d.alternate {
		_ = conn.Close() // Nothing is buffered that could be lost.
	}
	d.work.Wait()
}

// discover answers a Binding request that came to the gate's address. What has to leave by another socket does so here;
// the rest is returned. handled is false when it is for pion/turn.
func (g *gate) discover(p *request, from netip.AddrPort) (answer []byte, handled bool) {
	if g.server.discovery == nil || g.transport != transportUDP || p.kind != requestBinding {
		return nil, false
	}
	here := g.server.discovery.sites[g.addr]
	if here == nil {
		return nil, false
	}
	answer, via, to := here.answer(p, from)
	if answer == nil || !g.answer(answer, to) {
		return nil, true
	}
	if via == here && to == from {
		return answer, true
	}
	_, _ = via.conn.WriteTo(answer, net.UDPAddrFromAddrPort(to)) // Lost, as a datagram may be.
	return nil, true
}

// answer builds the answer to a Binding request and says from which site and where to it has to go (RFC 5780 section 6.1).
func (s *site) answer(p *request, from netip.AddrPort) (raw []byte, via *site, to netip.AddrPort) {
	message := &stun.Message{Raw: p.message}
	if message.Decode() != nil {
		return nil, nil, from
	}
	if unknown := s.unknown(message); unknown != nil {
		return build(message, stun.BindingError, stun.CodeUnknownAttribute, unknown), s, from
	}
	if message.Contains(stun.AttrPadding) && message.Contains(stun.AttrResponsePort) {
		return build(message, stun.BindingError, stun.CodeBadRequest), s, from
	}
	via = s.via(message)
	setters := []stun.Setter{
		stun.BindingSuccess, &stun.XORMappedAddress{IP: from.Addr().AsSlice(), Port: int(from.Port())},
		&stun.MappedAddress{IP: from.Addr().AsSlice(), Port: int(from.Port())},
		&stun.ResponseOrigin{IP: via.told.Addr().AsSlice(), Port: int(via.told.Port())},
	}
	if s.other != nil {
		other := s.other.told
		setters = append(setters, &stun.OtherAddress{IP: other.Addr().AsSlice(), Port: int(other.Port())})
	}
	if padding, err := message.Get(stun.AttrPadding); err == nil {
		// As long as the asker's, not as the path's packets are: nobody is sent more than he sends.
		setters = append(setters, stun.RawAttribute{Type: stun.AttrPadding, Value: make([]byte, len(padding))})
	}
	to = from
	if port, err := message.Get(stun.AttrResponsePort); err == nil {
		to = netip.AddrPortFrom(from.Addr(), binary.BigEndian.Uint16(port))
	}
	return build(message, append(setters, stun.Fingerprint)...), via, to
}

func build(request *stun.Message, setters ...stun.Setter) []byte {
	answer, err := stun.Build(append([]stun.Setter{stun.NewTransactionIDSetter(request.TransactionID)}, setters...)...)
	if err != nil {
		return nil
	}
	return answer.Raw
}

// unknown returns what a request has that must be understood (RFC 8489 section 6.3.1) and is not, or is not done.
func (s *site) unknown(m *stun.Message) stun.UnknownAttributes {
	var unknown stun.UnknownAttributes
	for _, a := range m.Attributes {
		done := slices.Contains(understood, a.Type)
		switch a.Type {
		case stun.AttrChangeRequest:
			done = len(a.Value) == 4 && (s.other != nil || a.Value[3]&changeAddress == 0)
		case stun.AttrResponsePort:
			// No answer goes to a system port, which none asks from.
			done = len(a.Value) == 4 && binary.BigEndian.Uint16(a.Value) >= minPeerPort
		}
		if !done && a.Type.Required() {
			unknown = append(unknown, a.Type)
		}
	}
	return unknown
}

// via returns the site that a request wants to hear from.
func (s *site) via(m *stun.Message) *site {
	value, err := m.Get(stun.AttrChangeRequest)
	if err != nil {
		return s
	}
	switch value[3] & (changeAddress | changePort) {
	case changeAddress:
		return s.otherAddress
	case changePort:
		return s.otherPort
	case changeAddress | changePort:
		return s.other
	}
	return s
}
