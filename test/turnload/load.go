//go:build linux

// Package turnload loads a TURN server, whosever it is, as cameras do: many sessions, each of which sends bursts of equal
// packets through an allocation of its own.
//
// It stands beside the server on a machine of two cores, so it has to be cheap: one thread sends, a burst a system call,
// and one receives all that comes by UDP. A TURN client by TCP or TLS has a goroutine that reads. The package counts
// packets and delays; what the server uses is its caller's to measure.
package turnload

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// The transports of a TURN client.
const (
	UDP = "udp"
	TCP = "tcp"
	TLS = "tls"
)

// Network is where sockets are opened: a host of natlab, or Machine.
type Network interface {
	// Dial connects to a numeric address.
	Dial(ctx context.Context, network, address string) (net.Conn, error)
	// ListenPacket opens a datagram socket.
	ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error)
}

// Machine is the network of this process.
type Machine struct{}

// Dial implements Network.
func (Machine) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

// ListenPacket implements Network.
func (Machine) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	return new(net.ListenConfig).ListenPacket(ctx, network, address)
}

// Credentials are those of one session, in the long-term mechanism (RFC 8489 section 9.2).
type Credentials struct{ Username, Password string }

// Config says what to load and how. Its zero value is good but for Server, Client and Peer.
type Config struct {
	// Server is where the TURN server listens.
	Server netip.AddrPort
	// Transport is that of the clients; empty means UDP.
	Transport string
	// TLS is for the transport TLS.
	TLS *tls.Config
	// ClientNetwork and PeerNetwork are nil for Machine.
	ClientNetwork, PeerNetwork Network
	// Client and Peer are the addresses of the clients that use UDP, and of the peers.
	Client, Peer netip.Addr
	// PPS is the rate of packets over all sessions; 0 means 20,000.
	PPS int
	// Size is that of a packet's payload, MinSize to MaxSize; 0 means 1200.
	Size int
	// Burst is how many packets a session sends at a time, at most MaxBurst; 0 means 14, a frame of a camera.
	Burst int
}

// The bounds of a Config.
const (
	MinSize  = 16
	MaxSize  = 1400
	MaxBurst = 64
)

func (c Config) complete() (Config, error) {
	c.Transport = cmp.Or(c.Transport, UDP)
	c.PPS, c.Size, c.Burst = cmp.Or(c.PPS, 20_000), cmp.Or(c.Size, 1200), cmp.Or(c.Burst, 14)
	if c.ClientNetwork == nil {
		c.ClientNetwork = Machine{}
	}
	if c.PeerNetwork == nil {
		c.PeerNetwork = Machine{}
	}
	switch {
	case !slices.Contains([]string{UDP, TCP, TLS}, c.Transport):
		return c, fmt.Errorf("load a TURN server by %q: the transports are udp, tcp and tls", c.Transport)
	case c.PPS < 1 || c.Size < MinSize || c.Size > MaxSize || c.Burst < 1 || c.Burst > MaxBurst:
		return c, fmt.Errorf("load a TURN server: packets are of %d to %d bytes, bursts of 1 to %d", MinSize, MaxSize, MaxBurst)
	}
	return c, nil
}

// Load is a set of sessions. Its methods are safe for concurrent use, except that one Measure runs at a time.
type Load struct {
	cfg  Config
	sink *sink
	work *errgroup.Group
	// gauge takes the packets that carry the current mark.
	gauge atomic.Pointer[gauge]
	mark  byte
	// busy says that packets are sent.
	busy atomic.Bool

	// mu guards the fields below.
	mu       sync.Mutex
	sessions []*Session
}

// threads are the two of a load. They sleep in system calls of their own, each with one of the runtime's processors, which
// goroutines would then have to wait for.
const threads = 2

// Run opens a load without sessions, calls use, and closes it. It returns what use returned. Meanwhile GOMAXPROCS is higher by
// two; there is one Run at a time in a process.
func Run(ctx context.Context, cfg Config, use func(context.Context, *Load) error) (err error) {
	cfg, err = cfg.complete()
	if err != nil {
		return err
	}
	s, err := newSink()
	if err != nil {
		return err
	}
	processors := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(processors + threads)
	defer runtime.GOMAXPROCS(processors)
	ctx, cancel := context.WithCancel(ctx)
	l := &Load{cfg: cfg, sink: s, work: new(errgroup.Group)}
	l.gauge.Store(new(gauge))
	l.work.Go(func() error { return s.run(ctx) })
	l.work.Go(func() error { l.keep(ctx); return nil })
	err = use(ctx, l)
	for _, session := range l.list() {
		session.close()
	}
	cancel()
	return errors.Join(err, l.work.Wait(), s.close())
}

// Add opens a session that sends down, from the peer to the client, or up.
func (l *Load) Add(ctx context.Context, credentials Credentials, up bool) (*Session, error) {
	s, err := l.open(ctx, credentials, up)
	if err != nil {
		return nil, fmt.Errorf("open a session: %w", err)
	}
	l.append(s)
	return s, nil
}

// append makes a new list: those who send hold on to the old one.
func (l *Load) append(s *Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sessions = append(slices.Clone(l.sessions), s)
}

// Remove ends sessions when all that they have sent had the time to arrive. It tells the server, with a lifetime of 0 (RFC
// 8656 section 8), and fails when that does not answer.
func (l *Load) Remove(ctx context.Context, sessions ...*Session) error {
	l.mu.Lock()
	l.sessions = slices.DeleteFunc(slices.Clone(l.sessions), func(s *Session) bool { return slices.Contains(sessions, s) })
	l.mu.Unlock()
	var err error
	if l.busy.Load() {
		err = pause(ctx, flight)
	}
	for _, s := range sessions {
		if err == nil {
			err = s.client.refresh(ctx, 0)
		}
		s.close()
	}
	if err != nil {
		return fmt.Errorf("end a session: %w", err)
	}
	return nil
}

// flight is longer than any packet is under way, even on a busy machine.
const flight = 500 * time.Millisecond

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (l *Load) list() []*Session {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sessions
}

// keepAlive is how often a session is refreshed: permissions live 5 minutes (RFC 8656 section 9), all else longer.
const keepAlive = 3 * time.Minute

// keep refreshes the sessions until ctx ends. One that cannot be refreshed shows as loss.
func (l *Load) keep(ctx context.Context) {
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			for _, s := range l.list() {
				if s.client != nil {
					_ = s.client.refresh(ctx, lifetime)
					_ = s.client.bind(ctx, s.peer.local)
				}
			}
		}
	}
}
