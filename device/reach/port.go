package reach

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
)

// socketBuffer holds a keyframe of 1 MiB that several viewers get at once; the kernel may grant less.
const socketBuffer = 1 << 20

// Port is the media port. It is safe for concurrent use. Whoever opens it closes it; closing what Conn returns does too.
type Port struct {
	cfg  Config
	log  *slog.Logger
	conn *conn
	// kick has room for one signal that the servers must be asked now.
	kick chan struct{}
	// telling is held while subscribers are told. It is taken before mu.
	telling sync.Mutex

	mu sync.Mutex // guards what follows; nobody is called under it
	// wanted are the URLs to ask, epoch counts their changes, settled is closed when the present ones have been asked once.
	wanted  []string
	epoch   int
	settled chan struct{}
	servers []server
	tellers map[int]func(moved bool)
	teller  int // the key of the newest
}

// Open binds the media port. It does no other I/O.
func Open(cfg Config) (*Port, error) {
	cfg = cfg.withDefaults()
	socket := cfg.Socket
	if socket == nil {
		udp, err := listen(cfg.Listen, cfg.Logger)
		if err != nil {
			return nil, err
		}
		socket = udp
	}
	p := &Port{
		cfg: cfg, log: cfg.Logger, conn: newConn(socket),
		kick: make(chan struct{}, 1), settled: make(chan struct{}), tellers: make(map[int]func(bool)),
	}
	p.SetServers(nil)
	return p, nil
}

func listen(address string, log *slog.Logger) (*net.UDPConn, error) {
	udp, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for media: %w", err)
	}
	socket, err := net.ListenUDP("udp", udp)
	if err != nil {
		return nil, fmt.Errorf("listen for media: %w", err)
	}
	for _, set := range []func(int) error{socket.SetReadBuffer, socket.SetWriteBuffer} {
		if err := set(socketBuffer); err != nil {
			log.Debug("socket buffer not set", "err", err)
		}
	}
	return socket, nil
}

// Run keeps what is known of the port true until the context ends, and returns nil then. Answers come by whoever reads
// Conn: without a reader nothing is learned.
func (p *Port) Run(ctx context.Context) error {
	p.keep(ctx)
	return nil
}

// Conn returns the socket for the packets of sessions. It implements ice.AddrPortReaderWriter. Answers to the port's own
// questions never come out of it.
func (p *Port) Conn() net.PacketConn { return p.conn }

// WriteTo sends a datagram from the media port.
func (p *Port) WriteTo(b []byte, to netip.AddrPort) (int, error) {
	return p.conn.WriteToAddrPort(b, to)
}

// Close closes the port. It may be called again.
func (p *Port) Close() error {
	if err := p.conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close media port: %w", err)
	}
	return nil
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
