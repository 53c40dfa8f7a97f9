package reach

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/device/portmap"
	"github.com/sightline-rtc/sightline/protocol"
)

// router is a mapper that maps what it is told to.
type router struct {
	changed chan struct{}

	mu      sync.Mutex // guards what follows
	mapping portmap.Mapping
	fault   protocol.MappingFault
	request portmap.Request
	again   int
}

func newRouter() *router { return &router{changed: make(chan struct{}, 1)} }

func (r *router) Run(ctx context.Context, request portmap.Request) error {
	r.mu.Lock()
	r.request = request
	r.mu.Unlock()
	<-ctx.Done()
	return errors.New("the end of it is told to nobody but the log")
}

func (r *router) Mapping() (portmap.Mapping, protocol.MappingFault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mapping, r.fault
}

func (r *router) Changed() <-chan struct{} { return r.changed }

func (r *router) Again() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.again++
}

func (r *router) says(m portmap.Mapping, fault protocol.MappingFault) {
	r.mu.Lock()
	r.mapping, r.fault = m, fault
	r.mu.Unlock()
	r.changed <- struct{}{}
}

// opens is a mapping of the port 5000 by the router with an address outside.
func opens(outside netip.Addr) portmap.Mapping {
	return portmap.Mapping{
		Protocol: protocol.PortMappingPCP, UDP: netip.AddrPortFrom(outside, 5000), TCP: netip.AddrPortFrom(outside, 443),
	}
}

func TestPortsOfTheRouterArePlaces(t *testing.T) {
	shared, private := netip.MustParseAddr("100.64.3.4"), netip.MustParseAddr("192.168.7.2")
	seen, guess := Place{Address: netip.AddrPortFrom(wan, 5000)}, netip.AddrPortFrom(wan, 5000)
	mapped := func(m portmap.Mapping, carrier bool) []Place {
		return []Place{
			{Address: m.UDP, Means: protocol.MeansMapped, Carrier: carrier},
			{Address: m.TCP, TCP: true, Means: protocol.MeansMapped, Carrier: carrier},
		}
	}
	tests := []struct {
		name    string
		nat     nat
		mapping portmap.Mapping
		fault   protocol.MappingFault
		places  []Place
		network protocol.Network
	}{
		{"opened", portRestricted, opens(wan), "", mapped(opens(wan), false), protocol.Network{PortMapping: protocol.PortMappingPCP, TCP: true}},
		{"none", portRestricted, portmap.Mapping{}, protocol.MappingAbsent, []Place{seen}, protocol.Network{MappingFault: protocol.MappingAbsent}},
		{
			"behind a carrier", portRestricted, opens(shared), protocol.MappingDoubleNAT,
			append([]Place{seen}, mapped(opens(shared), true)...),
			protocol.Network{MappingFault: protocol.MappingDoubleNAT, DoubleNAT: true},
		},
		{
			"behind another router, unnoticed", portRestricted, opens(private), "",
			append([]Place{seen}, mapped(opens(private), true)...),
			protocol.Network{MappingFault: protocol.MappingDoubleNAT, DoubleNAT: true},
		},
		{
			"at an address that nobody sees", portRestricted, opens(serverA.Addr()), "",
			[]Place{seen},
			protocol.Network{MappingFault: protocol.MappingDoubleNAT, DoubleNAT: true},
		},
		{
			"nothing opened, another port for each destination",
			nat{mapping: apd, filtering: apd, step: 1},
			portmap.Mapping{},
			protocol.MappingRefused,
			[]Place{
				{Address: netip.AddrPortFrom(wan, 40001)},
				{Address: netip.AddrPortFrom(wan, 40002)},
				{Address: guess, Means: protocol.MeansPredicted},
			},
			protocol.Network{MappingFault: protocol.MappingRefused},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRouter()
				w := newTown(t, tt.nat)
				w.deaf = true // nothing is said of whether the port is really open
				p := inTown(t, w, Config{Servers: bothServers(), Mapper: r})
				p.Settle(t.Context())
				r.says(tt.mapping, tt.fault)
				time.Sleep(10 * time.Second)
				got := p.Places()
				if tt.nat.step != 0 { // whichever server was asked first has the first port
					slices.SortStableFunc(got[:2], func(a, b Place) int { return a.Address.Compare(b.Address) })
				}
				if diff := cmp.Diff(tt.places, got, byValue); diff != "" {
					t.Errorf("places: %s", diff)
				}
				n := p.Network()
				if diff := cmp.Diff(tt.network, protocol.Network{
					PortMapping: n.PortMapping, MappingFault: n.MappingFault, DoubleNAT: n.DoubleNAT, TCP: n.TCP,
				}); diff != "" {
					t.Errorf("network: %s", diff)
				}
			})
		})
	}
}

func TestRouterIsAskedForThePortAndAgainInAnotherNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRouter()
		place := make(chan string, 2)
		place <- "home"
		place <- "office"
		p := inTown(t, newTown(t, portRestricted), Config{Mapper: r, Place: func() string {
			select {
			case now := <-place:
				return now
			default:
				return "office"
			}
		}})
		var told atomic.Int64
		defer p.Subscribe(func(bool) { told.Add(1) })()
		time.Sleep(time.Minute)
		r.mu.Lock()
		defer r.mu.Unlock()
		if want := (portmap.Request{UDP: 5000}); r.request != want || r.again != 1 {
			t.Errorf("got %+v, again %d times, want %+v, once", r.request, r.again, want)
		}
		if got := told.Load(); got != 1 {
			t.Errorf("told %d times, want of the move", got)
		}
	})
}
