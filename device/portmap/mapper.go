package portmap

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// Mapper keeps ports of the router mapped to the device. Its methods are safe for concurrent use; Run is called once.
type Mapper struct {
	cfg Config
	log *slog.Logger
	// speak are the protocols, in the order in which they are tried.
	speak []func(context.Context, place) (router, error)
	// announcements tells m.announced of routers that restart.
	announcements func(context.Context)

	again     chan struct{}
	announced chan struct{}
	changed   chan struct{}

	mu      sync.Mutex // guards what follows
	mapping Mapping
	fault   protocol.MappingFault
}

// New makes a Mapper, which does nothing before Run.
func New(cfg Config) *Mapper {
	cfg = cfg.withDefaults()
	if len(cfg.Seed) == 0 {
		cfg.Seed = []byte(rand.Text())
	}
	m := &Mapper{
		cfg: cfg, log: cfg.Logger,
		again: make(chan struct{}, 1), announced: make(chan struct{}, 1), changed: make(chan struct{}, 1),
	}
	m.announcements = m.listen
	m.speakTo(wire{controlPort: controlPort, firstWait: firstWait, searchPort: ssdpPort, searchGroup: ssdp, searchTime: searchTime, httpTimeout: httpTimeout})
	return m
}

// wire is where and how fast routers are spoken to.
type wire struct {
	controlPort uint16
	firstWait   time.Duration

	searchPort              uint16
	searchGroup             netip.AddrPort
	searchTime, httpTimeout time.Duration
}

func (m *Mapper) speakTo(w wire) {
	way := func(at place) control { return control{place: at, port: w.controlPort, firstWait: w.firstWait} }
	m.speak = []func(context.Context, place) (router, error){
		func(_ context.Context, at place) (router, error) {
			return &pcp{control: way(at), seed: m.cfg.Seed}, nil
		},
		func(_ context.Context, at place) (router, error) { return &natpmp{control: way(at)}, nil },
		func(ctx context.Context, at place) (router, error) {
			return findIGD(ctx, search{place: at, port: w.searchPort, group: w.searchGroup, time: w.searchTime}, w.httpTimeout)
		},
	}
}

// Run maps the ports of a request and keeps them mapped until the context ends; then it removes what it has mapped, which
// takes at most Config.Removal, and returns nil. That there is no router that maps is no error: it goes on asking,
// ever more seldom. It fails at once if nothing is asked for.
func (m *Mapper) Run(ctx context.Context, req Request) error {
	if req.UDP == 0 && req.TCP == 0 {
		return errors.New("map ports: none is asked for")
	}
	var listening sync.WaitGroup
	defer listening.Wait()
	listening.Go(func() { m.announcements(ctx) })
	k := keeper{m: m, req: req}
	k.keep(ctx)
	k.leave(context.WithoutCancel(ctx))
	return nil
}

// Mapping returns the newest mapping, or why there is none: with a zero Mapping and an empty fault it is not known yet.
// protocol.MappingDoubleNAT comes with a Mapping if the router maps all the same: its addresses are those of a router that
// is itself behind another one, so that only who is there too reaches them. Addresses are what the router says: the caller
// compares them with what STUN sees before anybody is told.
func (m *Mapper) Mapping() (Mapping, protocol.MappingFault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mapping, m.fault
}

// Changed gets one signal after the addresses of Mapping, its protocol, its gateway or its fault have changed; several
// changes may come as one. It has one reader.
func (m *Mapper) Changed() <-chan struct{} { return m.changed }

// Again has the ports mapped anew, as after a change of the network. It does not wait.
func (m *Mapper) Again() { signal(m.again) }

// publish replaces the mapping.
func (m *Mapper) publish(mapping Mapping, fault protocol.MappingFault) {
	m.mu.Lock()
	before, was := m.mapping, m.fault
	m.mapping, m.fault = mapping, fault
	m.mu.Unlock()
	before.Expires, mapping.Expires = time.Time{}, time.Time{}
	if before == mapping && was == fault {
		return
	}
	switch {
	case mapping != (Mapping{}):
		m.log.Info("router's ports lead here", "protocol", string(mapping.Protocol), "udp", mapping.UDP, "tcp", mapping.TCP, "err", string(fault))
	case fault != "":
		m.log.Info("no port of the router leads here", "err", string(fault))
	}
	signal(m.changed)
}

// where finds the router, and the device's own address towards it.
func (m *Mapper) where(ctx context.Context) (place, error) {
	gateway, ok := m.cfg.Gateway()
	if !ok || !gateway.Is4() {
		return place{}, fmt.Errorf("%w: no gateway known", errAbsent)
	}
	// No packet is sent by this.
	conn, err := new(net.Dialer).DialContext(ctx, "udp4", netip.AddrPortFrom(gateway, controlPort).String())
	if err != nil {
		return place{}, fmt.Errorf("%w: %w", errAbsent, err)
	}
	defer conn.Close()
	local, err := netip.ParseAddrPort(conn.LocalAddr().String())
	if err != nil {
		return place{}, fmt.Errorf("%w: %w", errAbsent, err)
	}
	return place{gateway: gateway, local: local.Addr()}, nil
}

// signal leaves a signal for whoever reads the channel, if there is none yet.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
