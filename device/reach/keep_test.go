package reach

import (
	"context"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sightline-rtc/sightline/protocol"
)

var portRestricted = nat{mapping: ei, filtering: apd, preserve: true}

var byValue = cmpopts.EquateComparable(netip.AddrPort{})

// outside is the place of the machine's port 5000 behind a NAT that keeps ports.
var outside = []Place{{Address: netip.AddrPortFrom(wan, 5000)}}

func TestAddressOutsideIsKnownBeforeAnybodyCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := inTown(t, newTown(t, portRestricted), Config{})
		p.SetServers(bothServers())
		p.Settle(t.Context())
		if diff := cmp.Diff(outside, p.Places(), byValue); diff != "" {
			t.Errorf("places: %s", diff)
		}
	})
}

func TestWithoutServersNothingIsAskedAndNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, portRestricted)
		p := inTown(t, w, Config{})
		p.Settle(t.Context())
		time.Sleep(time.Hour)
		if got := p.Places(); len(got) != 0 || w.sent != 0 {
			t.Errorf("got %v and %d packets, want nothing", got, w.sent)
		}
	})
}

func TestServersAreAskedEveryFifteenToNineteenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, portRestricted)
		inTown(t, w, Config{Servers: bothServers()})
		time.Sleep(time.Minute) // the prober is done
		w.mu.Lock()
		before := w.sent
		w.mu.Unlock()
		time.Sleep(time.Hour)
		w.mu.Lock()
		sent := w.sent - before
		w.mu.Unlock()
		if least, most := 2*3600/19, 2*3600/15; sent < least || sent > most {
			t.Errorf("packets in an hour: got %d, want %d to %d", sent, least, most)
		}
	})
}

func TestServerThatFallsSilentIsForgottenAfterThreeRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, nat{mapping: apd, filtering: apd})
		p := inTown(t, w, Config{Servers: bothServers()})
		time.Sleep(time.Minute)
		if got := len(p.Places()); got != 3 {
			t.Fatalf("places behind a symmetric NAT: got %d, want one for each server and a guess", got)
		}
		w.mu.Lock()
		w.dead[serverA] = true
		w.mu.Unlock()
		time.Sleep(25 * time.Second)
		if got := len(p.Places()); got != 3 {
			t.Errorf("places after one miss: got %d, want 3", got)
		}
		time.Sleep(time.Minute)
		if got := len(p.Places()); got != 1 {
			t.Errorf("places after three: got %d, want 1", got)
		}
	})
}

func TestServersOfOneNameAreTwoInEachFamily(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := map[string]int{}
		p := inTown(t, newTown(t, portRestricted), Config{
			Servers: []string{"stun:stun.example.org", "stun:gone.example.org", "stun:stun.example.org:3478"},
			Resolve: func(_ context.Context, network, host string) ([]netip.Addr, error) {
				asked[network+" "+host]++
				if host != "stun.example.org" {
					return nil, context.DeadlineExceeded
				}
				return []netip.Addr{serverA.Addr(), serverB.Addr(), wan}, nil
			},
		})
		p.Settle(t.Context())
		synctest.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		var got []netip.AddrPort
		for _, s := range p.servers {
			got = append(got, s.address)
		}
		if diff := cmp.Diff([]netip.AddrPort{serverA, serverB}, got, byValue); diff != "" {
			t.Errorf("servers: %s", diff)
		}
		if asked["ip6 stun.example.org"] != 0 {
			t.Error("a machine without IPv6 asked for IPv6 addresses")
		}
	})
}

func TestSubscribersAreToldOfPlacesAndNetworkUntilTheyCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, portRestricted)
		p := inTown(t, w, Config{Servers: bothServers()})
		var told atomic.Int64
		cancel := p.Subscribe(func(moved bool) {
			told.Add(1)
			if moved {
				t.Error("told of a move")
			}
		})
		time.Sleep(5 * time.Minute)
		if got := told.Load(); got != 3 {
			t.Errorf("told %d times, want of the place, of the network, and of its filter", got)
		}
		cancel()
		w.mu.Lock()
		w.given, w.owner = map[[2]netip.AddrPort]uint16{}, map[uint16]netip.AddrPort{}
		w.preserve = false
		w.mu.Unlock()
		time.Sleep(time.Minute)
		if got := told.Load(); got != 3 {
			t.Error("told after it had cancelled")
		}
		if got := p.Places(); len(got) != 1 || got[0] == outside[0] {
			t.Errorf("places of a router that has restarted: got %v, want the new one", got)
		}
	})
}

func TestAMoveVoidsAllAndHasTheNewNetworkLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, portRestricted)
		var place atomic.Value
		place.Store("home")
		p := inTown(t, w, Config{Servers: bothServers(), Place: func() string { return place.Load().(string) }})
		time.Sleep(time.Minute)
		if p.Network().Mapping != ei {
			t.Fatalf("network: got %+v", p.Network())
		}
		var moves atomic.Int64
		defer p.Subscribe(func(moved bool) {
			if moved {
				moves.Add(1)
				if got := p.Network(); got != (protocol.Network{}) {
					t.Errorf("network when told: got %+v, want nothing known", got)
				}
			}
		})()
		w.mu.Lock()
		w.nat = nat{mapping: apd, filtering: apd}
		w.given = map[[2]netip.AddrPort]uint16{}
		w.mu.Unlock()
		place.Store("office")
		time.Sleep(time.Minute)
		if got := moves.Load(); got != 1 {
			t.Errorf("told of %d moves, want 1", got)
		}
		if got := p.Network().Mapping; got != apd {
			t.Errorf("mapping: got %s, want that of the new network", got)
		}
	})
}

func TestLosingUDPAndGettingItBackIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, portRestricted)
		p := inTown(t, w, Config{Servers: bothServers()})
		block := func(blocked bool) {
			w.mu.Lock()
			w.blocked = blocked
			w.mu.Unlock()
		}
		time.Sleep(time.Minute)
		for range 2 {
			block(true)
			time.Sleep(10 * time.Minute)
			if n := p.Network(); !n.UDPBlocked || len(p.Places()) != 0 {
				t.Errorf("got %+v and %v, want UDP blocked", n, p.Places())
			}
			block(false)
			time.Sleep(time.Minute)
			if n := p.Network(); n.UDPBlocked || n.Mapping != ei || len(p.Places()) != 1 {
				t.Errorf("got %+v and %v, want all as before", n, p.Places())
			}
		}
	})
}

func TestWhatACallMustKnowIsKnownAtOnce(t *testing.T) {
	for _, r := range routers {
		synctest.Test(t, func(t *testing.T) {
			w := newTown(t, r.nat)
			p := inTown(t, w, Config{Servers: bothServers()})
			time.Sleep(800 * time.Millisecond)
			got := p.Network()
			if got.Public != r.want.Public || got.Mapping != r.want.Mapping || got.PortStep != r.want.PortStep || got.UDPBlocked != r.want.UDPBlocked {
				t.Errorf("%s: got %+v, want %+v", r.name, got, r.want)
			}
		})
	}
}

func TestAnotherNetworkWithTheSameAddressesIsFoundOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, portRestricted)
		p := inTown(t, w, Config{Servers: bothServers()})
		time.Sleep(time.Minute)
		p.doubt()
		time.Sleep(time.Minute)
		if got := p.Network().Mapping; got != ei {
			t.Fatalf("mapping of the same network: got %s, want %s", got, ei)
		}
		w.mu.Lock()
		w.nat = nat{mapping: apd, filtering: apd}
		w.given = map[[2]netip.AddrPort]uint16{}
		w.mu.Unlock()
		p.doubt()
		time.Sleep(time.Second)
		if got := p.Network().Mapping; got != apd {
			t.Errorf("mapping: got %s, want that of the other network", got)
		}
	})
}
