//go:build linux

package natlab

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/stun/v4"
)

// reflector is an RFC 5780 server: two addresses with two ports each.
type reflector struct {
	at [2][2]netip.AddrPort
}

// reflectorPorts are a port of STUN and another one.
var reflectorPorts = [2]uint16{3478, 3479}

// changeRequest is the attribute CHANGE-REQUEST (RFC 5780 section 7.2).
const (
	changeRequest = stun.AttrType(0x0003)
	changeAddr    = 4
	changePort    = 2
)

func serve(t *testing.T, server *Host, addrs [2]netip.Addr) *reflector {
	t.Helper()
	r := new(reflector)
	var socks [2][2]net.PacketConn
	for i, addr := range addrs {
		for j, port := range reflectorPorts {
			r.at[i][j] = netip.AddrPortFrom(addr, port)
			conn, err := server.ListenPacket(t.Context(), "udp", r.at[i][j].String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
			socks[i][j] = conn
		}
	}
	for i := range socks {
		for j := range socks[i] {
			go reflect(socks, i, j)
		}
	}
	return r
}

// reflect answers what comes to one of four sockets, until it is closed.
func reflect(socks [2][2]net.PacketConn, i, j int) {
	b := make([]byte, 1500)
	for {
		n, from, err := socks[i][j].ReadFrom(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		request := &stun.Message{Raw: append([]byte(nil), b[:n]...)}
		if request.Decode() != nil || request.Type != stun.BindingRequest {
			continue
		}
		a, p := i, j
		if v, err := request.Get(changeRequest); err == nil && len(v) == 4 {
			if v[3]&changeAddr != 0 {
				a = 1 - i
			}
			if v[3]&changePort != 0 {
				p = 1 - j
			}
		}
		udp := from.(*net.UDPAddr)
		answer, err := stun.Build(request, stun.BindingSuccess, &stun.XORMappedAddress{IP: udp.IP, Port: udp.Port})
		if err == nil {
			_, _ = socks[a][p].WriteTo(answer.Raw, from)
		}
	}
}

// ask returns the address that the server sees, the zero AddrPort if it does not answer.
func ask(t *testing.T, from net.PacketConn, server netip.AddrPort, change byte) netip.AddrPort {
	t.Helper()
	request, err := stun.Build(stun.TransactionID, stun.BindingRequest)
	if err != nil {
		t.Fatal(err)
	}
	if change != 0 {
		request.Add(changeRequest, []byte{0, 0, 0, change})
	}
	for range 3 {
		if _, err := from.WriteTo(request.Raw, net.UDPAddrFromAddrPort(server)); err != nil {
			return netip.AddrPort{}
		}
		if at, ok := await(t, from, request.TransactionID); ok {
			return at
		}
	}
	return netip.AddrPort{}
}

func await(t *testing.T, conn net.PacketConn, id [stun.TransactionIDSize]byte) (netip.AddrPort, bool) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(150 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1500)
	for {
		n, _, err := conn.ReadFrom(b)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return netip.AddrPort{}, false
		}
		answer := &stun.Message{Raw: b[:n]}
		if err != nil || answer.Decode() != nil || answer.TransactionID != id {
			continue
		}
		var mapped stun.XORMappedAddress
		if err := mapped.GetFrom(answer); err != nil {
			t.Fatal(err)
		}
		addr, _ := netip.AddrFromSlice(mapped.IP)
		return netip.AddrPortFrom(addr.Unmap(), uint16(mapped.Port)), true
	}
}

// nature is what RFC 5780 finds out about a translator.
type nature struct {
	Blocked, Translated       bool
	Mapping, Filtering        string // "endpoint", "address" or "port", as RFC 4787 has them
	Preserves, Hairpins, Next bool   // Next: the next destination gets the next port
}

func (r *reflector) probe(t *testing.T, h *Host) nature {
	t.Helper()
	s := socket(t, h)
	local := s.LocalAddr().(*net.UDPAddr).AddrPort()
	first := ask(t, s, r.at[0][0], 0)
	if !first.IsValid() {
		return nature{Blocked: true}
	}
	port, addr := ask(t, s, r.at[0][1], 0), ask(t, s, r.at[1][0], 0)
	n := nature{Translated: first.Addr() != local.Addr(), Preserves: first.Port() == local.Port()}
	switch first {
	case addr:
		n.Mapping = "endpoint"
	case port:
		n.Mapping = "address"
	default:
		n.Mapping = "port"
		n.Next = port.Port() == first.Port()+1 && addr.Port() == first.Port()+2
	}
	n.Filtering = r.filtering(t, h)
	n.Hairpins = r.hairpins(t, h)
	return n
}

func (r *reflector) filtering(t *testing.T, h *Host) string {
	for _, test := range []struct {
		change byte
		name   string
	}{{changeAddr | changePort, "endpoint"}, {changePort, "address"}} {
		s := socket(t, h)
		ask(t, s, r.at[0][0], 0)
		if ask(t, s, r.at[0][0], test.change).IsValid() {
			return test.name
		}
	}
	return "port"
}

// hairpins reports whether two sockets of a host hear each other at their addresses outside.
func (r *reflector) hairpins(t *testing.T, h *Host) bool {
	return punch(t, r, h, h)
}

// rounds are how often something is tried that may never succeed.
const rounds = 15

// punch reports whether two hosts that know each other's address outside, and nothing else, come to hear each other: each
// sends to there and to wherever it hears the other from, as ICE does.
func punch(t *testing.T, r *reflector, a, b *Host) bool {
	t.Helper()
	socks := [2]net.PacketConn{socket(t, a), socket(t, b)}
	var known [2]map[netip.AddrPort]bool
	for i, s := range socks {
		at := ask(t, s, r.at[0][0], 0)
		if !at.IsValid() {
			return false
		}
		known[1-i] = map[netip.AddrPort]bool{at: true}
	}
	var answered [2]bool
	for range rounds {
		for i, s := range socks {
			for to := range known[i] {
				_, _ = s.WriteTo([]byte("question"), net.UDPAddrFromAddrPort(to))
			}
		}
		for i, s := range socks {
			for range 4 {
				text, from := hear(t, s)
				switch text {
				case "question":
					known[i][from] = true
					_, _ = s.WriteTo([]byte("answer"), net.UDPAddrFromAddrPort(from))
				case "answer":
					answered[i] = true
				}
			}
		}
		if answered[0] && answered[1] {
			return true
		}
	}
	return false
}

// hear returns what comes next within a moment, "" if nothing does.
func hear(t *testing.T, s net.PacketConn) (string, netip.AddrPort) {
	t.Helper()
	if err := s.SetReadDeadline(time.Now().Add(5 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 64)
	n, from, err := s.ReadFrom(b)
	if err != nil {
		return "", netip.AddrPort{}
	}
	at := from.(*net.UDPAddr).AddrPort()
	return string(b[:n]), netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}

// passes reports whether what a sends to an address reaches b.
func passes(t *testing.T, a net.PacketConn, to netip.AddrPort, b net.PacketConn) bool {
	t.Helper()
	for range rounds {
		if _, err := a.WriteTo([]byte("stranger"), net.UDPAddrFromAddrPort(to)); err != nil {
			t.Fatal(err)
		}
		for range 4 {
			if text, _ := hear(t, b); text == "stranger" {
				return true
			}
		}
	}
	return false
}

// introduce lets a send to b, and returns where b sees it come from.
func introduce(t *testing.T, a, b net.PacketConn) netip.AddrPort {
	t.Helper()
	send(t, a, b, "hello")
	for range 1000 {
		if text, from := hear(t, b); text == "hello" {
			return from
		}
	}
	t.Fatal("what was sent does not come")
	return netip.AddrPort{}
}

func addrPort(s net.PacketConn) netip.AddrPort { return s.LocalAddr().(*net.UDPAddr).AddrPort() }

func TestEveryTypeIsWhatItClaims(t *testing.T) {
	t.Parallel()
	cone := func(filtering string) nature {
		return nature{Translated: true, Mapping: "endpoint", Filtering: filtering, Preserves: true}
	}
	changing := cone("port")
	changing.Preserves = false
	symmetric := nature{Translated: true, Mapping: "port", Filtering: "port"}
	sequential, address := symmetric, symmetric
	sequential.Next, address.Mapping = true, "address"
	want := map[Type]nature{
		Open:                {Mapping: "endpoint", Filtering: "endpoint", Preserves: true, Hairpins: true},
		Firewall:            {Mapping: "endpoint", Filtering: "port", Preserves: true, Hairpins: true},
		FullCone:            cone("endpoint"),
		AddressRestricted:   cone("address"),
		PortRestricted:      cone("port"),
		PortChanging:        changing,
		SymmetricSequential: sequential,
		SymmetricAddress:    address,
		Symmetric:           symmetric,
		PortAnswering:       cone("port"),
		UDPBlocked:          {Blocked: true},
		OnlyWeb:             {Blocked: true},
		CarrierPort:         changing,
		CarrierFull:         cone("port"), // the home filters still
		CarrierSymmetric:    symmetric,
	}
	town := town(t, TownConfig{Device: Open, Viewer: Open})
	r := serve(t, town.Server(), [2]netip.Addr{town.Server().Addr, town.Server().Second()})
	for _, kind := range AllTypes {
		t.Run(string(kind), func(t *testing.T) {
			if err := town.Rebuild(t.Context(), kind, Open); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want[kind], r.probe(t, town.Device())); diff != "" {
				t.Errorf("want -, got +\n%s", diff)
			}
			at := ask(t, socket(t, town.Device()), r.at[0][0], 0)
			if at.IsValid() && at.Addr() != town.Outside(DeviceSide) {
				t.Errorf("the device is seen at %s, want %s", at.Addr(), town.Outside(DeviceSide))
			}
		})
	}
}

func town(t *testing.T, config TownConfig) *Town {
	t.Helper()
	needLab(t)
	town, err := NewTown(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := town.Close(); err != nil {
			t.Error(err)
		}
	})
	return town
}
