package turn

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

// streamLimits bounds the TCP clients of one listener.
type streamLimits struct {
	// perAddress bounds those of one IPv4 address or IPv6 /64. An office behind one address needs a connection for each
	// viewer and network interface.
	perAddress int
	// total bounds all; each takes some 8 KB and a goroutine.
	total int
}

var defaultStreamLimits = streamLimits{perAddress: 256, total: 16384}

// streams is a listener whose connections are guarded, counted, and closed with it.
type streams struct {
	net.Listener
	// at is the address that clients are seen to come to, whichever of the listener's it was.
	at     netip.AddrPort
	limits streamLimits
	log    *slog.Logger
	counts *counts
	// gate is that of all streams; nil lets all pass.
	gate *gate
	done chan struct{}
	once sync.Once

	// mu guards the fields below.
	mu     sync.Mutex
	closed bool
	open   map[netip.AddrPort]*stream
	from   map[netip.Addr]int
}

func newStreams(l net.Listener, at netip.AddrPort, limits streamLimits, log *slog.Logger, counts *counts) *streams {
	return &streams{
		Listener: l, at: at, limits: limits, log: log, counts: counts, done: make(chan struct{}),
		open: make(map[netip.AddrPort]*stream), from: make(map[netip.Addr]int),
	}
}

// Accept returns the next guarded connection. It fails only once the listener is closed: pion/turn would stop
// listening for good at the first error, such as being out of file descriptors for a moment.
func (s *streams) Accept() (net.Conn, error) {
	const longestPause = time.Second
	pause := 5 * time.Millisecond
	for {
		conn, err := s.Listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		if err != nil {
			s.log.Warn("turn accept paused", "err", err, "took", pause)
			select {
			case <-time.After(pause):
			case <-s.done:
			}
			pause = min(2*pause, longestPause)
			continue
		}
		pause = 5 * time.Millisecond
		if guarded := s.guard(conn); guarded != nil {
			return guarded, nil
		}
		s.counts.streamsRefused.Inc()
		_ = conn.Close() // Nothing was written that could be lost.
	}
}

// guard returns the connection as a stream, or nil when there is no room for it.
func (s *streams) guard(conn net.Conn) *stream {
	remote := addrPort(conn.RemoteAddr())
	block := addressBlock(remote.Addr())

	s.mu.Lock()
	defer s.mu.Unlock()
	// Two of one address and port can only have come to two addresses of ours.
	if s.closed || s.open[remote] != nil || len(s.open) >= s.limits.total || s.from[block] >= s.limits.perAddress {
		return nil
	}
	guarded, err := newStream(conn, time.Now(), func() { s.forget(remote, block) }, s.counts.streamsBroken.Inc)
	if err != nil {
		return nil
	}
	guarded.at = net.TCPAddrFromAddrPort(s.at)
	guarded.gate = s.gate
	s.open[remote] = guarded
	s.from[block]++
	return guarded
}

func (s *streams) forget(remote netip.AddrPort, block netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, remote)
	if s.from[block]--; s.from[block] == 0 {
		delete(s.from, block)
	}
}

// of returns the open stream of a client, or nil.
func (s *streams) of(remote netip.AddrPort) *stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open[remote]
}

// count returns how many streams are open.
func (s *streams) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// Close ends the listener and all its streams. It may be called more than once.
func (s *streams) Close() error {
	var err error
	s.once.Do(func() {
		close(s.done)
		err = s.Listener.Close()
		for _, guarded := range s.shut() {
			_ = guarded.Close() // All of them go, whatever one says.
		}
	})
	return err
}

func (s *streams) shut() []*stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	all := make([]*stream, 0, len(s.open))
	for _, guarded := range s.open {
		all = append(all, guarded)
	}
	return all
}

// addressBlock returns what counts as one address: an IPv4 address, or the /64 that one IPv6 subscriber has.
func addressBlock(addr netip.Addr) netip.Addr {
	if addr.Is4() {
		return addr
	}
	prefix, err := addr.WithZone("").Prefix(64)
	if err != nil {
		return addr
	}
	return prefix.Addr()
}
