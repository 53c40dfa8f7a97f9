package turn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	pionturn "github.com/pion/turn/v5"
	"golang.org/x/sync/errgroup"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const (
	// DefaultCredentialLife is how long new credentials can make allocations (design 03 section 3).
	DefaultCredentialLife = 5 * time.Minute
	// housekeeping is how often ended grants are forgotten and the host's addresses read again.
	housekeeping = 10 * time.Second
	// closeTimeout bounds how long Run waits for pion/turn to close the sockets of its allocations.
	closeTimeout = 5 * time.Second
)

// Config says how to serve. Its zero value is good but for Listen and Secrets.
type Config struct {
	// Listen is HOST:PORT for UDP and TCP; port 0 lets the system choose one number for both.
	Listen string
	// PublicIPs are what clients are told instead of the addresses that are bound: at most one IPv4 and one IPv6, local or
	// behind a 1:1 NAT.
	PublicIPs []netip.Addr
	// AltPort is another UDP port, from which clients that look into their NAT are answered (RFC 5780); 0 for none.
	AltPort uint16
	// MinRelayPort and MaxRelayPort bound the ports of relays, both included and 1024 or more; 0 and 0 mean any that the
	// system gives.
	MinRelayPort, MaxRelayPort uint16
	// Entrances are ways in beside Listen. Run takes their listeners over.
	Entrances []Entrance
	// Realm is empty for DefaultRealm.
	Realm string
	// Secrets are the keyring: the newest signs, all verify.
	Secrets []record.RelaySecret
	// Reload returns the secrets that there are now; it is asked every 10 s. Nil means that they do not change.
	Reload func(context.Context) ([]record.RelaySecret, error)
	// AllowPeers opens ranges that relays may not reach else, such as a LAN's. Loopback, link-local, multicast and metadata
	// addresses and the host's own stay closed.
	AllowPeers []netip.Prefix
	// Peers says what becomes of peers that signaling has not seen in a session; empty means PeersEnforce.
	Peers PeerMode
	// CredentialLife is 0 for DefaultCredentialLife.
	CredentialLife time.Duration
	// UsageInterval is 0 for DefaultUsageInterval.
	UsageInterval time.Duration
	// Ledger takes what allocations have carried; nil means that nobody counts.
	Ledger ledger
	// Lookup is asked about a grant that was never pushed by Grant, when good credentials name it: whose it is and until when
	// it lives, if it does. It is asked at most 200 times a second, must obey its context, and may be nil.
	Lookup func(context.Context, protocol.GrantID) (found record.Grant, ok bool)
	// Portable leaves the event loops out, which Linux has, and carries every packet as other systems do.
	Portable bool
	// Logger is nil for slog.Default.
	Logger *slog.Logger
}

// Server is a STUN and TURN server. Its methods are safe for concurrent use once Listen has returned.
type Server struct {
	cfg    Config
	realm  string
	life   time.Duration
	log    *slog.Logger
	keys   *Keyring
	hosts  *hosts
	peers  judge
	grants *grants
	relays *relays
	meter  *meter
	counts *counts
	limits streamLimits
	// draining is set for good by Drain.
	draining atomic.Bool
	// budget is one for all UDP listeners.
	budget *budget

	// doors and sockets are from Listen to the end of Run.
	doors   []*door
	sockets sockets
	// discovery is nil without an alternate port.
	discovery *discovery
	// readers counts the UDP listeners that pion/turn has not let go of.
	readers sync.WaitGroup

	// mu guards the fields below.
	mu sync.Mutex
	// datagrams and streams are what pion/turn sees, in the order of doors and streamLegs.
	datagrams []*datagrams
	streams   []*streams
}

// New makes a server; it does no I/O. It fails when the configuration cannot be right.
func New(cfg Config) (*Server, error) {
	keys, err := NewKeyring(cfg.Secrets)
	if err != nil {
		return nil, err
	}
	allow, err := canonicalAllow(cfg.AllowPeers)
	if err != nil {
		return nil, err
	}
	public, err := canonicalPublic(cfg.PublicIPs)
	if err != nil {
		return nil, err
	}
	if cfg.Peers != "" && cfg.Peers != PeersObserve && cfg.Peers != PeersEnforce {
		return nil, fmt.Errorf("hold relays to the peers of their session: %q is neither %s nor %s", cfg.Peers, PeersObserve, PeersEnforce)
	}
	if err := checkPorts(cfg.MinRelayPort, cfg.MaxRelayPort); err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, keys: keys, log: cfg.Logger, realm: cmp.Or(cfg.Realm, DefaultRealm),
		life:  cmp.Or(cfg.CredentialLife, DefaultCredentialLife),
		hosts: &hosts{public: public}, relays: newRelays(), counts: newCounts(), limits: defaultStreamLimits,
		budget: newBudget(),
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	s.peers = &policy{allow: allow, own: s.hosts.isOwn, live: s.relays.live}
	s.grants = newGrants(cfg.Lookup, s.life)
	s.meter = newMeter(cfg.Ledger, cmp.Or(cfg.UsageInterval, DefaultUsageInterval), s.log)
	return s, nil
}

func checkPorts(low, high uint16) error {
	if low == 0 && high == 0 {
		return nil
	}
	if low < minPeerPort || high < low {
		return fmt.Errorf("use relay ports %d to %d: they must rise from %d or more", low, high, minPeerPort)
	}
	return nil
}

func canonicalPublic(list []netip.Addr) ([]netip.Addr, error) {
	var public []netip.Addr
	for _, addr := range list {
		addr = addr.Unmap()
		switch {
		case !addr.IsValid() || addr.IsUnspecified() || addr.IsMulticast() || addr.Zone() != "":
			return nil, fmt.Errorf("use public address %s: it is none of a host", addr)
		case slices.ContainsFunc(public, func(a netip.Addr) bool { return a.Is4() == addr.Is4() }):
			return nil, fmt.Errorf("use public address %s: there is one of its family already", addr)
		}
		public = append(public, addr)
	}
	return public, nil
}

// Run serves until ctx ends. Then it closes every socket, delivers the last counts, and returns. It fails when it could not
// start, or when the last counts were not taken. It may be called once, after Listen.
func (s *Server) Run(ctx context.Context) error {
	if len(s.doors) == 0 {
		return errors.New("run the TURN server: it does not listen")
	}
	engine, err := s.serve()
	if err != nil {
		return fmt.Errorf("run the TURN server: %w", errors.Join(err, s.unbind()))
	}
	s.discovery.serve(s)
	// The sockets are served until the last of them is closed.
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var last errgroup.Group
	group, ctx := errgroup.WithContext(ctx)
	failed := make(chan error, 1)
	last.Go(func() error {
		err := s.sockets.run(serving)
		failed <- err
		return err
	})
	group.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		}
	})
	group.Go(func() error { s.meter.run(ctx); return nil })
	group.Go(func() error { s.keepHouse(ctx); return nil })
	_ = group.Wait() // What fails is the sockets, whose error comes once more.
	err = s.close(engine)
	stop()
	return errors.Join(last.Wait(), err, s.sockets.close(), s.meter.finish())
}

// serve starts pion/turn on all sockets.
func (s *Server) serve() (*pionturn.Server, error) {
	config := pionturn.ServerConfig{
		LoggerFactory: pionLogs{s.log},
		Realm:         s.realm,
		AuthHandler:   s.authenticate,
		QuotaHandler:  s.quota,
		EventHandler:  s.events(),
		// Who asks for no family gets IPv4 (RFC 8656 section 7.2), if there is any.
		StrictAddressFamily: s.hosts.has4(),
		// pion/turn drops what fills its buffer.
		InboundMTU: maxFrame + 1,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.doors {
		fast, err := s.sockets.serve(d.udp, d.addr)
		if err != nil {
			return nil, err
		}
		s.readers.Add(1)
		packets := &datagrams{
			PacketConn: d.udp, log: s.log, left: s.readers.Done, gate: s.gate(transportUDP, d.addr), lane: fast,
		}
		s.datagrams = append(s.datagrams, packets)
		config.PacketConnConfigs = append(config.PacketConnConfigs, pionturn.PacketConnConfig{
			PacketConn:            packets,
			RelayAddressGenerator: &generator{server: s, sockets: s.sockets, transport: transportUDP, local: d.addr.Addr()},
			PermissionHandler:     s.permit(transportUDP, d.addr),
		})
	}
	for _, leg := range s.streamLegs() {
		config.ListenerConfigs = append(config.ListenerConfigs, s.serveStreams(leg))
	}
	return pionturn.NewServer(config)
}

// gate returns what stands before pion/turn on a listener.
func (s *Server) gate(transport string, addr netip.AddrPort) *gate {
	g := &gate{server: s, transport: transport, addr: addr}
	if transport == transportUDP {
		g.budget = s.budget
	}
	return g
}

func (s *Server) keepHouse(ctx context.Context) {
	tick := time.NewTicker(housekeeping)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			s.endAll(s.grants.sweep(now))
			s.reload(ctx)
			if err := s.hosts.refresh(); err != nil {
				s.log.Warn("host addresses not read", "err", err)
			}
		}
	}
}

// reload takes up secrets that another process has made.
func (s *Server) reload(ctx context.Context) {
	if s.cfg.Reload == nil {
		return
	}
	secrets, err := s.cfg.Reload(ctx)
	if err == nil {
		err = s.keys.Replace(secrets, s.relays.oldest())
	}
	if err != nil && ctx.Err() == nil {
		s.log.Warn("relay secrets not read", "err", err)
	}
}

// close ends all allocations and waits until pion/turn has let go of their sockets.
func (s *Server) close(engine *pionturn.Server) error {
	ending := s.grants.close()
	for _, r := range ending {
		r.breakOff(time.Now().UTC())
	}
	s.endAll(ending)
	s.discovery.close()
	err := engine.Close()
	done := make(chan struct{})
	var waiter errgroup.Group
	waiter.Go(func() error {
		s.readers.Wait()
		s.grants.sockets.Wait()
		close(done)
		return nil
	})
	select {
	case <-done:
	case <-time.After(closeTimeout):
		err = errors.Join(err, errors.New("close the TURN server: some sockets stay open"))
	}
	return err
}

// Grant makes a grant alive until End and returns ICE servers with fresh credentials of it, for one end of its session.
// Calling it again renews them: allocations of the same grant and role go on. It fails for a grant that has ended.
func (s *Server) Grant(id protocol.GrantID, role protocol.Role) ([]protocol.ICEServer, error) {
	if !id.Valid() || !role.Valid() {
		return nil, fmt.Errorf("grant a relay to %q as %q: not a grant or not a role", id, role)
	}
	if err := s.grants.open(id); err != nil {
		return nil, fmt.Errorf("grant a relay: %w", err)
	}
	c := s.keys.Mint(id, role, time.Now().Add(s.life))
	return []protocol.ICEServer{{URLs: s.STUN()}, {URLs: s.URLs(), Username: c.Username, Credential: c.Password}}, nil
}

// Allow tells that signaling saw the transport address in the grant's session, at the other end: a candidate of its, or
// with port 0 where one of its sockets comes from. The last 128 are remembered of a grant; Config.Peers says what becomes
// of others.
func (s *Server) Allow(id protocol.GrantID, peer netip.AddrPort) {
	s.grants.allow(id, netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port()))
}

// End refuses the grant from now on and ends its allocations at once. It may be called more than once.
func (s *Server) End(id protocol.GrantID) { s.endAll(s.grants.end(id, time.Now())) }

func (s *Server) endAll(ending []*relay) {
	now := time.Now().UTC()
	for _, r := range ending {
		stream := s.relays.takeStream(r)
		r.end(now)
		if stream != nil {
			_ = stream.Close() // This also ends a write that its client does not read.
		}
	}
}

// finished is told when an allocation's last count is final.
func (s *Server) finished(r *relay) {
	s.grants.detach(r)
	s.releaseStream(r)
	s.meter.rouse()
}

func (s *Server) releaseStream(r *relay) {
	if stream := s.relays.takeStream(r); stream != nil {
		stream.release(time.Now())
	}
}

func (s *Server) streamCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, l := range s.streams {
		n += l.count()
	}
	return n
}
