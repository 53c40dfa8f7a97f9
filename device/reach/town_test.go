package reach

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

// The addresses of a town. The server has two, as RFC 5780 wants it.
var (
	inside  = netip.MustParseAddr("10.0.0.2")
	wan     = netip.MustParseAddr("203.0.113.9")
	serverA = netip.MustParseAddrPort("198.51.100.1:3478")
	serverB = netip.MustParseAddrPort("198.51.100.2:3478")
)

const altPort = 3479

// latency is the time from one socket to another.
const latency = 10 * time.Millisecond

// nat is how the town's router behaves.
type nat struct {
	mapping, filtering protocol.NATBehaviour
	// public says that it does not translate.
	public bool
	// preserve keeps the port; step is what is added from one mapping to the next; neither draws ports.
	preserve bool
	step     int
	hairpin  bool
	blocked  bool
	// opened leads to the machine's port 5000, from everybody.
	opened uint16
}

// town is a network in memory: one machine behind a router, and STUN servers. Time is the caller's, so that it runs in a
// bubble of synctest.
type town struct {
	t *testing.T
	nat
	// rfc5780 has the servers answer as that says; alternate that a server has another port only.
	rfc5780, alternate bool
	// deaf servers do not know RESPONSE-PORT.
	deaf bool
	// loss is how many of a hundred packets are lost, each way.
	loss int
	// dead servers do not answer.
	dead map[netip.AddrPort]bool

	mu      sync.Mutex // guards what follows
	dice    *rand.Rand
	sockets map[netip.AddrPort]*socket
	given   map[[2]netip.AddrPort]uint16 // by inside address and what the mapping depends on
	owner   map[uint16]netip.AddrPort    // who is behind a port of the router
	let     map[uint16]map[netip.AddrPort]bool
	next    int
	sent    int // packets that left the machine
}

func newTown(t *testing.T, n nat) *town {
	t.Helper()
	return &town{
		t: t, nat: n, rfc5780: true, dice: rand.New(rand.NewPCG(1, 2)),
		dead: map[netip.AddrPort]bool{}, sockets: map[netip.AddrPort]*socket{}, given: map[[2]netip.AddrPort]uint16{},
		owner: map[uint16]netip.AddrPort{}, let: map[uint16]map[netip.AddrPort]bool{}, next: 40000,
	}
}

// listen opens a socket of the machine; port 0 is any.
func (w *town) listen(port uint16) net.PacketConn {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := inside
	if w.public {
		at = wan
	}
	for port == 0 {
		port = uint16(30000 + w.dice.IntN(1000))
		if w.sockets[netip.AddrPortFrom(at, port)] != nil {
			port = 0
		}
	}
	s := &socket{town: w, at: netip.AddrPortFrom(at, port), inbox: make(chan packet, 64), over: make(chan struct{})}
	w.sockets[s.at] = s
	return s
}

// dependent reduces an address to what a behaviour looks at.
func dependent(b protocol.NATBehaviour, a netip.AddrPort) netip.AddrPort {
	switch b {
	case protocol.NATEndpointIndependent:
		return netip.AddrPort{}
	case protocol.NATAddressDependent:
		return netip.AddrPortFrom(a.Addr(), 0)
	}
	return a
}

// out takes a packet of the machine through the router.
func (w *town) out(b []byte, from, to netip.AddrPort) {
	w.mu.Lock()
	w.sent++
	lost := w.blocked || w.dice.IntN(100) < w.loss
	if lost {
		w.mu.Unlock()
		return
	}
	port := from.Port()
	if !w.public {
		port = w.give(from, to)
	}
	if w.let[port] == nil {
		w.let[port] = map[netip.AddrPort]bool{}
	}
	w.let[port][dependent(w.filtering, to)] = true
	w.owner[port] = from
	turns := w.hairpin || w.public
	w.mu.Unlock()
	seen := netip.AddrPortFrom(wan, port)
	time.AfterFunc(latency, func() {
		switch {
		case to.Addr() != wan:
			w.serve(b, seen, to)
		case turns:
			w.in(b, seen, to)
		}
	})
}

// give is the router's port for a flow. It needs mu.
func (w *town) give(from, to netip.AddrPort) uint16 {
	key := [2]netip.AddrPort{from, dependent(w.mapping, to)}
	port, ok := w.given[key]
	for !ok {
		switch {
		case w.preserve:
			port = from.Port()
		case w.step != 0:
			w.next += w.step
			port = uint16(w.next)
		default:
			port = uint16(20000 + w.dice.IntN(40000))
		}
		_, taken := w.owner[port]
		ok = !taken
	}
	w.given[key] = port
	return port
}

// in takes a packet through the router to the machine.
func (w *town) in(b []byte, from, to netip.AddrPort) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dice.IntN(100) < w.loss {
		return
	}
	owner, ok := w.owner[to.Port()]
	switch {
	case to.Port() == w.opened && w.opened != 0:
		owner = netip.AddrPortFrom(inside, 5000)
	case !ok || !w.let[to.Port()][dependent(w.filtering, from)]:
		return
	}
	if s := w.sockets[owner]; s != nil {
		select {
		case s.inbox <- packet{b, from}:
		default:
			w.t.Error("a socket does not read")
		}
	}
}

// serve answers as a STUN server.
func (w *town) serve(b []byte, from, at netip.AddrPort) {
	w.mu.Lock()
	dead := w.dead[at]
	w.mu.Unlock()
	a, port := at.Addr() == serverA.Addr() || at.Addr() == serverB.Addr(), at.Port() == serverA.Port()
	if !a || !port && (at.Port() != altPort || !w.rfc5780 && !w.alternate) || dead {
		return
	}
	request := &stun.Message{Raw: b}
	if request.Decode() != nil {
		return
	}
	via := at
	setters := []stun.Setter{stun.BindingSuccess, &stun.XORMappedAddress{IP: from.Addr().AsSlice(), Port: int(from.Port())}}
	change, _ := request.Get(stun.AttrChangeRequest)
	if len(change) == 4 {
		if change[3]&changePort != 0 {
			via = netip.AddrPortFrom(via.Addr(), serverA.Port()+altPort-at.Port())
		}
		if change[3]&changeAddress != 0 {
			via = netip.AddrPortFrom(opposite(via.Addr()), via.Port())
		}
	}
	switch {
	case w.rfc5780:
		setters = append(setters, &stun.OtherAddress{IP: opposite(at.Addr()).AsSlice(), Port: int(serverA.Port() + altPort - at.Port())})
	case len(change) == 4 && (!w.alternate || change[3]&changeAddress != 0):
		setters, via = []stun.Setter{stun.BindingError, stun.CodeUnknownAttribute}, at
	}
	response, err := stun.Build(append([]stun.Setter{stun.NewTransactionIDSetter(request.TransactionID)}, setters...)...)
	if err != nil {
		w.t.Errorf("build response: %v", err)
		return
	}
	if port, err := request.Get(stun.AttrResponsePort); err == nil && !w.deaf {
		from = netip.AddrPortFrom(from.Addr(), binary.BigEndian.Uint16(port))
	}
	time.AfterFunc(latency, func() { w.in(response.Raw, via, from) })
}

func opposite(a netip.Addr) netip.Addr {
	if a == serverA.Addr() {
		return serverB.Addr()
	}
	return serverA.Addr()
}

type packet struct {
	b    []byte
	from netip.AddrPort
}

// socket is a net.PacketConn in a town.
type socket struct {
	town  *town
	at    netip.AddrPort
	inbox chan packet
	over  chan struct{}
	once  sync.Once
}

func (s *socket) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case p := <-s.inbox:
		return copy(b, p.b), net.UDPAddrFromAddrPort(p.from), nil
	case <-s.over:
		return 0, nil, net.ErrClosed
	}
}

func (s *socket) WriteTo(b []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, net.InvalidAddrError("not of UDP")
	}
	s.town.out(append([]byte(nil), b...), s.at, canonical(udp.AddrPort()))
	return len(b), nil
}

func (s *socket) Close() error {
	s.once.Do(func() {
		close(s.over)
		s.town.mu.Lock()
		defer s.town.mu.Unlock()
		delete(s.town.sockets, s.at)
	})
	return nil
}

func (s *socket) LocalAddr() net.Addr              { return net.UDPAddrFromAddrPort(s.at) }
func (s *socket) SetDeadline(time.Time) error      { return nil }
func (s *socket) SetReadDeadline(time.Time) error  { return nil }
func (s *socket) SetWriteDeadline(time.Time) error { return nil }
