package reach

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"

	"github.com/sightline-rtc/sightline/device/portmap"
	"github.com/sightline-rtc/sightline/protocol"
)

// Port is the media port. It is safe for concurrent use. Whoever opens it closes it; closing what Conn and Listener
// return does too.
type Port struct {
	cfg  Config
	log  *slog.Logger
	conn *conn
	// listener is nil where the port is taken over TCP.
	listener net.Listener
	// kick has room for one signal that the servers must be asked now.
	kick chan struct{}
	// asked has room for one signal that they have been.
	asked chan struct{}
	// telling is held while subscribers are told. It is taken before mu.
	telling sync.Mutex

	mu sync.Mutex // guards what follows; nobody is called under it
	// wanted are the URLs to ask, epoch counts their changes, settled is closed when the present ones have been asked once.
	wanted  []string
	epoch   int
	settled chan struct{}
	// doubtful says that this may be another network although the addresses are the same.
	doubtful bool
	// judged says that network has been found out; assessed is closed when it has, by all that is at hand now.
	judged   bool
	assessed chan struct{}
	servers  []server
	network  protocol.Network
	// opened and fault are what the mapper said last.
	opened portmap.Mapping
	fault  protocol.MappingFault
	// broken says that nothing comes in by it.
	broken bool
	// unfound is why servers were not found.
	unfound []error
	tellers map[int]func(moved bool)
	teller  int // the key of the newest
}

// Open binds the media port, over UDP and where it can over TCP. It does no other I/O.
func Open(cfg Config) (*Port, error) {
	cfg = cfg.withDefaults()
	socket, listener := cfg.Socket, net.Listener(nil)
	if socket == nil {
		udp, tcp, err := listen(cfg)
		if err != nil {
			return nil, err
		}
		socket, listener = udp, tcp
	}
	fault := protocol.MappingFault("")
	if cfg.Mapper == nil {
		fault = protocol.MappingOff
	}
	p := &Port{
		cfg: cfg, log: cfg.Logger, conn: newConn(socket), listener: listener, fault: fault,
		kick: make(chan struct{}, 1), asked: make(chan struct{}, 1), settled: make(chan struct{}), assessed: make(chan struct{}), tellers: make(map[int]func(bool)),
	}
	p.SetServers(nil)
	return p, nil
}

// Run learns where the port is reached and in what network it is, and keeps that true until the context ends; then it
// returns nil. Answers come by whoever reads Conn: without a reader nothing is learned.
func (p *Port) Run(ctx context.Context) error {
	var work sync.WaitGroup
	work.Go(func() { p.keep(ctx) })
	work.Go(func() { p.assessor(ctx) })
	work.Go(func() { p.watch(ctx) })
	work.Go(func() { p.mapPorts(ctx) })
	work.Wait()
	return nil
}

// Conn returns the socket for the packets of sessions. It implements ice.AddrPortReaderWriter. Answers to the port's own
// questions never come out of it.
func (p *Port) Conn() net.PacketConn { return p.conn }

// Listener returns the TCP listener of the same port number, for ICE over TCP (RFC 6544); nil where that is taken.
func (p *Port) Listener() net.Listener { return p.listener }

// Number returns the number of the port.
func (p *Port) Number() uint16 { return p.conn.local().Port() }

// WriteTo sends a datagram from the media port.
func (p *Port) WriteTo(b []byte, to netip.AddrPort) (int, error) {
	return p.conn.WriteToAddrPort(b, to)
}

// Close closes the port. It may be called again.
func (p *Port) Close() error {
	closing := []io.Closer{p.conn}
	if p.listener != nil {
		closing = append(closing, p.listener)
	}
	var errs []error
	for _, c := range closing {
		if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, fmt.Errorf("close media port: %w", err))
		}
	}
	return errors.Join(errs...)
}

// Addresses returns the port's addresses on this machine: those of the interfaces that are up, and loopback only when
// there is nothing else. A port that is bound to one address has just that.
func (p *Port) Addresses() []netip.AddrPort {
	bound := p.conn.local()
	if !bound.Addr().IsUnspecified() {
		return []netip.AddrPort{bound}
	}
	var addresses, loopback []netip.AddrPort
	for _, ip := range interfaceAddresses() {
		switch at := netip.AddrPortFrom(ip, bound.Port()); {
		case ip.Is6() && bound.Addr().Is4(), ip.IsLinkLocalUnicast():
		case ip.IsLoopback():
			loopback = append(loopback, at)
		default:
			addresses = append(addresses, at)
		}
	}
	if len(addresses) == 0 {
		return loopback
	}
	return addresses
}

func interfaceAddresses() []netip.Addr {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil
	}
	var addresses []netip.Addr
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 {
			continue
		}
		all, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range all {
			if prefix, err := netip.ParsePrefix(a.String()); err == nil {
				addresses = append(addresses, prefix.Addr())
			}
		}
	}
	return addresses
}

func canonical(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}
