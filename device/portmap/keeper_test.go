package portmap

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
)

var outside = netip.MustParseAddr("5.6.7.8")

// scripted is a router whose answers a test decides. It notes what it is asked.
type scripted struct {
	kind protocol.PortMapping

	mu       sync.Mutex // guards what follows
	said     []string
	address  netip.Addr
	lifetime time.Duration // instead of the one that is asked for, if not 0
	forever  bool
	taken    map[uint16]bool
	fails    error // whatever is asked
	lost     bool
	hangs    bool // until the context ends
}

func newScripted(kind protocol.PortMapping) *scripted {
	return &scripted{kind: kind, address: outside, taken: make(map[uint16]bool)}
}

func (s *scripted) change(f func(*scripted)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

// heard returns what was asked since the last time.
func (s *scripted) heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	said := s.said
	s.said = nil
	return said
}

func (s *scripted) note(ctx context.Context, format string, args ...any) error {
	s.mu.Lock()
	s.said = append(s.said, fmt.Sprintf(format, args...))
	hangs, fails := s.hangs, s.fails
	s.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	return fails
}

func (s *scripted) protocol() protocol.PortMapping { return s.kind }

func (s *scripted) open(ctx context.Context, a ask) (lease, error) {
	if err := s.note(ctx, "open %s %d at %d", a.transport, a.internal, a.wish.Port()); err != nil {
		return lease{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken[a.wish.Port()] {
		return lease{}, errTaken
	}
	port := a.wish.Port()
	if port == 0 {
		port = 60000
	}
	s.lost = false
	l := lease{
		transport: a.transport, internal: a.internal, external: netip.AddrPortFrom(s.address, port),
		lifetime: a.lifetime, permanent: s.forever,
	}
	if s.lifetime != 0 {
		l.lifetime = s.lifetime
	}
	return l, nil
}

func (s *scripted) remove(ctx context.Context, l lease) error {
	return s.note(ctx, "remove %s %d", l.transport, l.external.Port())
}

func (s *scripted) check(ctx context.Context, leases []lease) error {
	if err := s.note(ctx, "check %d", len(leases)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost {
		return errLost
	}
	return nil
}

// kept runs a mapper with scripted routers in a bubble of its own time. The test is called when all is at rest.
func kept(t *testing.T, cfg Config, routers []router, test func(t *testing.T, m *Mapper)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if cfg.Gateway == nil {
			cfg.Gateway = func() (netip.Addr, bool) { return loopback, true }
		}
		m := New(cfg)
		m.announcements = func(context.Context) {}
		m.speak = nil
		for _, r := range routers {
			m.speak = append(m.speak, func(context.Context, place) (router, error) { return r, nil })
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			if err := m.Run(ctx, Request{UDP: 5000, TCP: 5000, ExternalTCP: 443}); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		test(t, m)
		cancel()
		running.Wait()
		if got, fault := m.Mapping(); got != (Mapping{}) || fault != "" {
			t.Errorf("after the end the mapping is %+v, %q", got, fault)
		}
	})
}

// pass lets time go by, and all that is to be done in it be done.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func wantMapping(t *testing.T, m *Mapper, kind protocol.PortMapping, udp, tcp uint16, fault protocol.MappingFault) {
	t.Helper()
	got, why := m.Mapping()
	if got.Protocol != kind || got.UDP.Port() != udp || got.TCP.Port() != tcp || why != fault {
		t.Errorf("mapping is %+v, %q; want %q with ports %d and %d, %q", got, why, kind, udp, tcp, fault)
	}
}

func wantHeard(t *testing.T, r *scripted, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, r.heard()); diff != "" {
		t.Errorf("the router was asked (-want +got):\n%s", diff)
	}
}

func wantChanged(t *testing.T, m *Mapper, want bool) {
	t.Helper()
	select {
	case <-m.Changed():
		if !want {
			t.Error("told of a change that there was not")
		}
	default:
		if want {
			t.Error("not told of a change")
		}
	}
}

func TestAMappingIsRenewedAtHalfOfItsLifetimeAndRemovedAtTheEnd(t *testing.T) {
	r := newScripted(protocol.PortMappingPCP)
	opened := []string{"open udp 5000 at 5000", "open tcp 5000 at 443"}
	kept(t, Config{Check: 24 * time.Hour}, []router{r}, func(t *testing.T, m *Mapper) {
		wantMapping(t, m, protocol.PortMappingPCP, 5000, 443, "")
		wantChanged(t, m, true)
		wantHeard(t, r, opened...)
		before, _ := m.Mapping()
		pass(30*time.Minute - time.Second)
		wantHeard(t, r)
		pass(time.Second)
		wantHeard(t, r, opened...)
		after, _ := m.Mapping()
		if got := after.Expires.Sub(before.Expires); got != 30*time.Minute {
			t.Errorf("the renewed mapping expires %s later, want 30 min", got)
		}
		wantChanged(t, m, false)
	})
	got := r.heard()
	slices.Sort(got) // they are removed side by side
	if diff := cmp.Diff([]string{"remove tcp 443", "remove udp 5000"}, got); diff != "" {
		t.Errorf("at the end the router was asked (-want +got):\n%s", diff)
	}
}

func TestARouterThatGivesLessTimeIsAskedMoreOften(t *testing.T) {
	r := newScripted(protocol.PortMappingNATPMP)
	r.lifetime = 2 * time.Minute
	kept(t, Config{Check: time.Hour}, []router{r}, func(t *testing.T, _ *Mapper) {
		r.heard()
		pass(10 * time.Minute)
		if got := len(r.heard()); got != 20 {
			t.Errorf("%d requests in 10 minutes, want 20: both ports each minute", got)
		}
	})
}

func TestAMappingForEverIsRenewedToo(t *testing.T) {
	r := newScripted(protocol.PortMappingUPnP)
	r.forever = true
	kept(t, Config{Check: 24 * time.Hour}, []router{r}, func(t *testing.T, m *Mapper) {
		if got, _ := m.Mapping(); !got.Expires.IsZero() {
			t.Errorf("it expires at %s, want never", got.Expires)
		}
		r.heard()
		pass(30 * time.Minute)
		if got := len(r.heard()); got != 2 {
			t.Errorf("%d requests in half an hour, want 2", got)
		}
	})
}

func TestALostMappingIsMadeAnewWithTheSamePorts(t *testing.T) {
	r := newScripted(protocol.PortMappingPCP)
	r.taken[443] = true
	kept(t, Config{}, []router{r}, func(t *testing.T, m *Mapper) {
		wantMapping(t, m, protocol.PortMappingPCP, 5000, 5000, "")
		wantChanged(t, m, true)
		r.heard()
		r.change(func(r *scripted) { r.lost = true; r.taken[443] = false; r.address = netip.MustParseAddr("5.6.7.9") })
		pass(time.Minute)
		wantHeard(t, r, "check 2", "open udp 5000 at 5000", "open tcp 5000 at 5000")
		wantChanged(t, m, true)
		if got, _ := m.Mapping(); got.UDP != netip.MustParseAddrPort("5.6.7.9:5000") {
			t.Errorf("mapped to %s, want the new address", got.UDP)
		}
	})
}

func TestAnAnnouncementRenewsTheMappingAtOnce(t *testing.T) {
	r := newScripted(protocol.PortMappingPCP)
	kept(t, Config{}, []router{r}, func(t *testing.T, m *Mapper) {
		opened := r.heard()
		signal(m.announced)
		synctest.Wait()
		wantHeard(t, r, opened...)
		r.change(func(r *scripted) { r.fails = errAbsent })
		pass(time.Minute)
		r.change(func(r *scripted) { r.fails = nil })
		r.heard()
		signal(m.announced) // ends the wait for the next try
		synctest.Wait()
		wantHeard(t, r, opened...)
	})
}

func TestANewNetworkIsMappedAnew(t *testing.T) {
	r := newScripted(protocol.PortMappingPCP)
	r.taken[443] = true
	var mu sync.Mutex
	gateway := loopback
	cfg := Config{Gateway: func() (netip.Addr, bool) {
		mu.Lock()
		defer mu.Unlock()
		return gateway, true
	}}
	kept(t, cfg, []router{r}, func(t *testing.T, m *Mapper) {
		opened := []string{"open udp 5000 at 5000", "open tcp 5000 at 443", "open tcp 5000 at 5000"}
		wantHeard(t, r, opened...)
		m.Again()
		synctest.Wait()
		wantHeard(t, r, "open udp 5000 at 5000", "open tcp 5000 at 5000")
		mu.Lock()
		gateway = netip.MustParseAddr("127.0.0.2")
		mu.Unlock()
		pass(time.Minute)
		wantHeard(t, r, opened...)
		if got, _ := m.Mapping(); got.Gateway != gateway {
			t.Errorf("the gateway is %s, want %s", got.Gateway, gateway)
		}
	})
}

func TestTheFirstProtocolThatMapsIsTaken(t *testing.T) {
	absent, refusing, good := newScripted(protocol.PortMappingPCP), newScripted(protocol.PortMappingNATPMP), newScripted(protocol.PortMappingUPnP)
	absent.fails, refusing.fails = errAbsent, errRefused
	kept(t, Config{}, []router{absent, refusing, good}, func(t *testing.T, m *Mapper) {
		wantMapping(t, m, protocol.PortMappingUPnP, 5000, 443, "")
		wantHeard(t, absent, "open udp 5000 at 5000")
	})
}

func TestWhyThereIsNoMappingIsTold(t *testing.T) {
	tests := []struct {
		name  string
		fails []error
		want  protocol.MappingFault
	}{
		{"nobody answers", []error{errAbsent, errAbsent, errAbsent}, protocol.MappingAbsent},
		{"one is behind another", []error{errRefused, errInner, errBroken}, protocol.MappingDoubleNAT},
		{"one refuses", []error{errRefused, errBroken, errAbsent}, protocol.MappingRefused},
		{"all is taken", []error{errTaken, errAbsent}, protocol.MappingRefused},
		{"one talks nonsense", []error{errAbsent, errBroken}, protocol.MappingBroken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var routers []router
			for _, err := range tt.fails {
				r := newScripted(protocol.PortMappingPCP)
				r.fails = err
				routers = append(routers, r)
			}
			kept(t, Config{}, routers, func(t *testing.T, m *Mapper) {
				wantMapping(t, m, "", 0, 0, tt.want)
				wantChanged(t, m, true)
			})
		})
	}
}

func TestWithoutAGatewayNobodyIsAsked(t *testing.T) {
	r := newScripted(protocol.PortMappingPCP)
	none := func() (netip.Addr, bool) { return netip.Addr{}, false }
	kept(t, Config{Gateway: none}, []router{r}, func(t *testing.T, m *Mapper) {
		pass(time.Hour)
		wantMapping(t, m, "", 0, 0, protocol.MappingAbsent)
	})
	wantHeard(t, r)
}

func TestASilentNetworkIsAskedEverMoreSeldom(t *testing.T) {
	r := newScripted(protocol.PortMappingPCP)
	r.fails = errAbsent
	kept(t, Config{}, []router{r}, func(t *testing.T, m *Mapper) {
		pass(time.Hour)
		if got := len(r.heard()); got < 10 || got > 14 {
			t.Errorf("asked %d times in an hour, want about 12: from every 5 s to every 10 min", got)
		}
		r.change(func(r *scripted) { r.fails = nil })
		pass(10 * time.Minute)
		wantMapping(t, m, protocol.PortMappingPCP, 5000, 443, "")
	})
}

func TestARouterThatIsSilentForAMomentKeepsItsMapping(t *testing.T) {
	r := newScripted(protocol.PortMappingPCP)
	kept(t, Config{}, []router{r}, func(t *testing.T, m *Mapper) {
		wantChanged(t, m, true)
		r.change(func(r *scripted) { r.fails = errAbsent })
		pass(time.Minute + 5*time.Second) // a check and two tries
		wantMapping(t, m, protocol.PortMappingPCP, 5000, 443, "")
		wantChanged(t, m, false)
		pass(10 * time.Second)
		wantMapping(t, m, "", 0, 0, protocol.MappingAbsent)
		wantChanged(t, m, true)
		r.change(func(r *scripted) { r.fails = nil })
		pass(20 * time.Second)
		wantMapping(t, m, protocol.PortMappingPCP, 5000, 443, "")
	})
}

func TestARouterThatRefusesAfterwardsHasNoMapping(t *testing.T) {
	r := newScripted(protocol.PortMappingPCP)
	kept(t, Config{}, []router{r}, func(t *testing.T, m *Mapper) {
		r.change(func(r *scripted) { r.fails = errRefused })
		pass(time.Minute)
		wantMapping(t, m, "", 0, 0, protocol.MappingRefused)
	})
}

func TestAnAddressBehindAnotherRouterIsToldAsSuch(t *testing.T) {
	for _, address := range []string{"192.168.1.2", "10.0.0.2", "100.64.0.2"} {
		r := newScripted(protocol.PortMappingPCP)
		r.address = netip.MustParseAddr(address)
		kept(t, Config{}, []router{r}, func(t *testing.T, m *Mapper) {
			wantMapping(t, m, protocol.PortMappingPCP, 5000, 443, protocol.MappingDoubleNAT)
		})
	}
}

func TestUDPIsMappedWhereTCPIsNot(t *testing.T) {
	tests := map[string]func(lease) (lease, error){
		"refused": func(lease) (lease, error) { return lease{}, errRefused },
		"at an address that nobody has proved": func(l lease) (lease, error) {
			l.external = netip.AddrPortFrom(netip.MustParseAddr("9.9.9.9"), l.external.Port())
			return l, nil
		},
	}
	for name, answer := range tests {
		t.Run(name, func(t *testing.T) {
			kept(t, Config{}, []router{&differs{newScripted(protocol.PortMappingPCP), answer}}, func(t *testing.T, m *Mapper) {
				wantMapping(t, m, protocol.PortMappingPCP, 5000, 0, "")
			})
		})
	}
}

// differs is a router that maps TCP in another way than UDP.
type differs struct {
	*scripted
	tcp func(lease) (lease, error)
}

func (r *differs) open(ctx context.Context, a ask) (lease, error) {
	l, err := r.scripted.open(ctx, a)
	if err == nil && a.transport == tcp {
		return r.tcp(l)
	}
	return l, err
}

func TestTheEndDoesNotWaitForARouterThatHangs(t *testing.T) {
	for _, when := range []string{"while it maps", "while it is checked"} {
		t.Run(when, func(t *testing.T) {
			r := newScripted(protocol.PortMappingUPnP)
			r.hangs = when == "while it maps"
			var end time.Time
			kept(t, Config{}, []router{r}, func(t *testing.T, _ *Mapper) {
				r.change(func(r *scripted) { r.hangs = true })
				pass(time.Minute)
				end = time.Now()
				t.Cleanup(func() {
					if took := time.Since(end); took > time.Second {
						t.Errorf("the end took %s, want at most 1 s", took)
					}
				})
			})
		})
	}
}

func TestARunWithoutPortsFails(t *testing.T) {
	if err := New(Config{}).Run(t.Context(), Request{ExternalTCP: 443}); err == nil {
		t.Error("it ran for nothing")
	}
}
