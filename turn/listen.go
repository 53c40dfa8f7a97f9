package turn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"

	"github.com/sightline-rtc/sightline/internal/special"
)

const (
	// portAttempts bounds the search for a port that is free for UDP and TCP on every address.
	portAttempts = 32
	// listenBuffer is asked of the kernel for each direction of a UDP listener, through which all its clients come.
	listenBuffer = 4 << 20
)

// Listen binds every socket, UDP and TCP on one port number. With port 0 it looks for a number that is free for
// all of them. It fails with an error that names the address.
//
// For an unspecified host it binds on the concrete addresses that the host has now, so that each answers from where it
// was asked. One that appears later needs a restart.
func (s *Server) Listen() error {
	at, err := net.ResolveUDPAddr("udp", s.cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen for TURN on %s: %w", s.cfg.Listen, err)
	}
	host, _ := netip.AddrFromSlice(at.IP)
	addrs, optional, err := listenAddrs(host.Unmap().WithZone(at.Zone))
	if err != nil {
		return fmt.Errorf("listen for TURN on %s: %w", s.cfg.Listen, err)
	}
	s.sockets = s.openSockets()
	for range portAttempts {
		err = s.bind(addrs, at.Port, optional)
		if err == nil || at.Port != 0 || !isAddrInUse(err) {
			break
		}
	}
	if err == nil {
		err = s.checkPublic()
	}
	if err == nil {
		err = s.hosts.refresh()
	}
	if err == nil {
		s.discovery, err = s.openDiscovery()
	}
	if err != nil {
		return fmt.Errorf("listen for TURN: %w", errors.Join(err, s.unbind()))
	}
	return nil
}

// bind binds all addresses on the port, or on the one that the first address gets, or nothing.
func (s *Server) bind(addrs []netip.Addr, port int, optional bool) error {
	for _, addr := range addrs {
		d, err := bindDoor(s.sockets, addr, port)
		if optional && errors.Is(err, syscall.EADDRNOTAVAIL) {
			s.log.Warn("turn address left out", "err", err)
			continue
		}
		if err != nil {
			s.closeDoors()
			return err
		}
		port = int(d.addr.Port())
		s.doors = append(s.doors, d)
		s.hosts.bound = append(s.hosts.bound, addr.WithZone(""))
	}
	if len(s.doors) == 0 {
		return fmt.Errorf("none of %v can be used", addrs)
	}
	return nil
}

// openSockets returns event loops, or where there are none what works everywhere.
func (s *Server) openSockets() sockets {
	if s.cfg.Portable {
		return portable{}
	}
	// Go's scheduler takes a loop that waits for one that runs: when all its processors have one, they cost double
	// (docs/benchmarks.md). The other half is for pion/turn, the hub and the kernel's own work.
	opened, err := openLoops(max(1, runtime.GOMAXPROCS(0)/2), s.counts)
	if errors.Is(err, errors.ErrUnsupported) {
		return portable{}
	}
	if err != nil {
		s.log.Warn("turn relays without event loops", "err", err)
		return portable{}
	}
	return opened
}

// unbind frees what Listen has bound, when nothing runs.
func (s *Server) unbind() error {
	s.discovery.close()
	s.closeDoors()
	if s.sockets == nil {
		return nil
	}
	err := s.sockets.close()
	s.sockets = nil
	return err
}

func (s *Server) closeDoors() {
	for _, d := range s.doors {
		d.close()
	}
	s.doors, s.hosts.bound = nil, nil
}

// checkPublic refuses a public address behind which nothing listens.
func (s *Server) checkPublic() error {
	for _, public := range s.hosts.public {
		if !slices.ContainsFunc(s.hosts.bound, func(a netip.Addr) bool { return a.Is4() == public.Is4() }) {
			return fmt.Errorf("the public address %s has no local address of its family", public)
		}
	}
	return nil
}

// Addr returns the first address that the server is bound to. It is valid once Listen has succeeded.
func (s *Server) Addr() netip.AddrPort {
	if len(s.doors) == 0 {
		return netip.AddrPort{}
	}
	return s.doors[0].addr
}

// URLs returns where clients find the relay (RFC 7065), for each address once by UDP and once by TCP,
// then the entrances. Clients allocate from every one at once: of several public addresses of a family it names the first.
func (s *Server) URLs() []string {
	var urls []string
	for _, at := range s.authorities(firstPublic(s.hosts.told())) {
		urls = append(urls, "turn:"+at+"?transport=udp", "turn:"+at+"?transport=tcp")
	}
	for _, e := range s.cfg.Entrances {
		urls = append(urls, e.URLs...)
	}
	return urls
}

// STUN returns where clients ask for their address over UDP (RFC 7064), without credentials.
func (s *Server) STUN() []string {
	var urls []string
	for _, at := range s.authorities(s.hosts.told()) {
		urls = append(urls, "stun:"+at)
	}
	return urls
}

// firstPublic leaves out public addresses for which there is one of the same family before. Others are of networks whose
// clients may reach no other.
func firstPublic(addrs []netip.Addr) []netip.Addr {
	var kept []netip.Addr
	for _, a := range addrs {
		if special.Is(a) || !slices.ContainsFunc(kept, func(k netip.Addr) bool { return k.Is4() == a.Is4() && !special.Is(k) }) {
			kept = append(kept, a)
		}
	}
	return kept
}

// maxTold bounds the addresses that clients are told of: a page takes 16 URLs of one kind, two for each address, and those of
// entrances. A host of containers has a bridge with an address for each of their networks.
const maxTold = 6

// authorities returns the HOST:PORT of the server's addresses, public ones first, with IPv6 in brackets.
func (s *Server) authorities(addrs []netip.Addr) []string {
	port := s.Addr().Port()
	addrs = slices.SortedStableFunc(slices.Values(addrs), func(a, b netip.Addr) int {
		switch {
		case special.Is(a) == special.Is(b):
			return 0
		case special.Is(a):
			return 1
		}
		return -1
	})
	var all []string
	for _, addr := range addrs[:min(len(addrs), maxTold)] {
		all = append(all, netip.AddrPortFrom(addr, port).String())
	}
	return all
}

// door is one address of the server: a UDP and a TCP socket.
type door struct {
	addr netip.AddrPort
	udp  net.PacketConn
	tcp  net.Listener
}

func bindDoor(sockets sockets, addr netip.Addr, port int) (*door, error) {
	suffix := "6"
	if addr.Is4() {
		suffix = "4"
	}
	udp, err := sockets.listen("udp"+suffix, netip.AddrPortFrom(addr, uint16(port)))
	if err != nil {
		return nil, err
	}
	bound := addrPort(udp.LocalAddr())
	at := net.JoinHostPort(addr.String(), strconv.Itoa(int(bound.Port())))
	var config net.ListenConfig
	tcp, err := config.Listen(context.Background(), "tcp"+suffix, at)
	if err != nil {
		return nil, errors.Join(err, udp.Close())
	}
	return &door{addr: bound, udp: udp, tcp: tcp}, nil
}

func (d *door) close() {
	_ = d.udp.Close() // They may be closed already.
	_ = d.tcp.Close()
}

// datagrams is a UDP listener whose reads fail only once it is closed: pion/turn would stop listening for good at the
// first error.
type datagrams struct {
	net.PacketConn
	log *slog.Logger
	// left is called once, when the last read has failed.
	left   func()
	once   sync.Once
	adding window
	gate   *gate
	// lane is the fast path of its clients, nil if there is none.
	lane lane
}

// WriteTo sends a datagram to a client.
func (d *datagrams) WriteTo(p []byte, addr net.Addr) (int, error) {
	if isResponse(p) {
		d.adding.close()
		if !d.gate.answer(p, addrPort(addr)) {
			return len(p), nil
		}
	}
	return d.PacketConn.WriteTo(p, addr)
}

// ReadFrom returns the next datagram.
func (d *datagrams) ReadFrom(p []byte) (int, net.Addr, error) {
	d.adding.close()
	for {
		n, addr, err := d.PacketConn.ReadFrom(p)
		if err == nil {
			rest, answer := d.gate.screen(p[:n], addrPort(addr))
			if answer != nil {
				_, _ = d.PacketConn.WriteTo(answer, addr) // Lost, as a datagram may be.
			}
			if len(rest) > 0 {
				return len(rest), addr, nil
			}
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			d.once.Do(d.left)
			return 0, nil, err
		}
		d.log.Warn("turn datagram not read", "err", err)
	}
}

func isAddrInUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }
