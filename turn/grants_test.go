package turn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/stun/v4"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func TestEndStopsEveryAllocationOfItsGrantAndNoOther(t *testing.T) {
	h := start(t)
	peer := h.peer(t)
	creds := h.credentials(t, grantA, protocol.RoleViewer)
	var ending []net.PacketConn
	for _, transport := range []string{transportUDP, transportTCP} {
		relayed, err := h.dial(t, transport, creds).Allocate()
		if err != nil {
			t.Fatal(err)
		}
		ending = append(ending, relayed)
	}
	staying, err := h.dial(t, transportUDP, h.credentials(t, grantB, protocol.RoleViewer)).Allocate()
	if err != nil {
		t.Fatal(err)
	}
	for _, relayed := range append(ending, staying) {
		send(t, relayed, "before", peer.LocalAddr())
		if got, _ := receive(t, peer); got != "before" {
			t.Fatalf("got %q", got)
		}
	}

	h.End(grantA)
	h.End(grantA)
	for _, relayed := range ending {
		// The port is free again: the relay is closed.
		eventually(t, "the relay's port is free", func() bool {
			conn, err := net.ListenPacket("udp", relayed.LocalAddr().String())
			return err == nil && conn.Close() == nil
		})
		_, _ = relayed.WriteTo([]byte("after"), peer.LocalAddr()) // The TCP client's connection is closed.
	}
	send(t, staying, "still here", peer.LocalAddr())
	if got, _ := receive(t, peer); got != "still here" {
		t.Errorf("got %q", got)
	}
	eventually(t, "the last counts", func() bool {
		usage := h.ledger.of(grantA)
		return len(usage) == 2 && !usage[0].Ended.IsZero() && !usage[1].Ended.IsZero()
	})
	if code := h.dialRaw(t, creds).request(stun.MethodAllocate, transport(17)); code != 400 {
		t.Errorf("allocate after the end: got %d, want 400", code)
	}
	if _, err := h.Grant(grantA, protocol.RoleViewer); !errors.Is(err, errGrantEnded) {
		t.Errorf("grant after the end: got %v", err)
	}
}

func TestGrantNamesTheServerAndItsCredentials(t *testing.T) {
	h := start(t, func(c *Config) { c.Listen = "[::1]:0" })
	servers, err := h.Grant(grantA, protocol.RoleDevice)
	if err != nil {
		t.Fatal(err)
	}
	at := h.Addr().String()
	if got, want := fmt.Sprint(servers[0].URLs), "[stun:"+at+"]"; got != want || servers[0].Username != "" {
		t.Errorf("stun: got %s, want %s", got, want)
	}
	want := fmt.Sprintf("[turn:%s?transport=udp turn:%s?transport=tcp]", at, at)
	if got := fmt.Sprint(servers[1].URLs); got != want || !strings.HasPrefix(at, "[::1]:") {
		t.Errorf("turn: got %s, want %s", got, want)
	}
	name, password, err := h.keys.Verify(servers[1].Username)
	if err != nil || password != servers[1].Credential || name.Role != protocol.RoleDevice || name.Grant != grantA {
		t.Errorf("credentials: got %+v, %v", name, err)
	}
	if life := time.Until(name.Expires); life > DefaultCredentialLife || life < DefaultCredentialLife-patience {
		t.Errorf("life: got %s", life)
	}
	for _, bad := range []protocol.GrantID{"", "x"} {
		if _, err := h.Grant(bad, protocol.RoleDevice); err == nil {
			t.Errorf("grant %q: no error", bad)
		}
	}
}

func TestUnknownGrantsAreLookedUpOnce(t *testing.T) {
	var asked atomic.Int32
	h := start(t, func(c *Config) {
		c.Lookup = func(_ context.Context, id protocol.GrantID) (record.Grant, bool) {
			asked.Add(1)
			return record.Grant{Expires: time.Now().Add(time.Hour)}, id == grantA
		}
	})
	known := h.keys.Mint(grantA, protocol.RoleViewer, time.Now().Add(time.Minute))
	for range 2 {
		h.dialRaw(t, known).allocate()
	}
	if got := asked.Load(); got != 1 {
		t.Errorf("asked %d times, want once", got)
	}
	unknown := h.keys.Mint(grantB, protocol.RoleViewer, time.Now().Add(time.Minute))
	if code := h.dialRaw(t, unknown).request(stun.MethodAllocate, transport(17)); code != 400 {
		t.Errorf("unknown grant: got %d, want 400", code)
	}
	expired := h.keys.Mint(grantB, protocol.RoleViewer, time.Now().Add(-time.Minute))
	if code := h.dialRaw(t, expired).request(stun.MethodAllocate, transport(17)); code != 400 {
		t.Errorf("expired credentials: got %d, want 400", code)
	}
	if got := asked.Load(); got != 2 {
		t.Errorf("asked %d times, want twice: not for expired credentials", got)
	}
	h.End(grantA)
	if code := h.dialRaw(t, known).request(stun.MethodAllocate, transport(17)); code != 400 || asked.Load() != 2 {
		t.Errorf("ended grant: got %d, want 400 without a look-up", code)
	}
}

func TestLookedUpGrantLivesUntilItExpires(t *testing.T) {
	now := time.Unix(1000, 0)
	g := newGrants(func(context.Context, protocol.GrantID) (record.Grant, bool) {
		return record.Grant{Expires: now.Add(time.Hour)}, true
	}, time.Minute)
	if !g.admit(t.Context(), grantA, now) {
		t.Fatal("not admitted")
	}
	r := &relay{grant: grantA}
	if err := g.attach(r); err != nil {
		t.Fatal(err)
	}
	if ending := g.sweep(now.Add(59 * time.Minute)); len(ending) != 0 || !g.alive(grantA, now.Add(59*time.Minute)) {
		t.Errorf("before the end: %d relays end", len(ending))
	}
	if g.alive(grantA, now.Add(time.Hour)) {
		t.Error("alive at its end")
	}
	if ending := g.sweep(now.Add(time.Hour)); len(ending) != 1 || ending[0] != r {
		t.Errorf("at the end: %d relays end, want 1", len(ending))
	}
	if got := g.count(); got != 0 {
		t.Errorf("%d grants are left", got)
	}
}

func TestEndedGrantIsRememberedWhileCredentialsAreAbout(t *testing.T) {
	now := time.Unix(1000, 0)
	asked := 0
	g := newGrants(func(context.Context, protocol.GrantID) (record.Grant, bool) {
		asked++
		return record.Grant{Expires: now.Add(time.Hour)}, true
	}, time.Minute)
	g.end(grantA, now) // Never heard of before.
	g.sweep(now.Add(59 * time.Second))
	if g.admit(t.Context(), grantA, now.Add(59*time.Second)) || asked != 0 {
		t.Error("an ended grant is admitted")
	}
	g.sweep(now.Add(time.Minute))
	if len(g.known) != 0 {
		t.Error("an ended grant is never forgotten")
	}
}

func TestLookUpsAreBoundedInRate(t *testing.T) {
	now := time.Unix(1000, 0)
	asked := 0
	g := newGrants(func(context.Context, protocol.GrantID) (record.Grant, bool) { asked++; return record.Grant{}, false }, time.Minute)
	for i := range 2 * lookupBurst {
		g.admit(t.Context(), protocol.GrantID(fmt.Sprintf("%032x", i)), now)
	}
	if asked != lookupBurst {
		t.Errorf("asked %d times at once, want %d", asked, lookupBurst)
	}
	for i := range 2 * lookupBurst {
		g.admit(t.Context(), protocol.GrantID(fmt.Sprintf("%032x", i)), now.Add(time.Second))
	}
	if want := lookupBurst + lookupsPerSecond; asked != want {
		t.Errorf("asked %d times in a second, want %d", asked, want)
	}
}

func TestStoreThatHangsIsLeftAloneForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		g := newGrants(func(ctx context.Context, _ protocol.GrantID) (record.Grant, bool) {
			asked++
			<-ctx.Done()
			return record.Grant{Expires: time.Now().Add(time.Hour)}, true
		}, time.Minute)
		begin := time.Now()
		for range 5 {
			if g.admit(t.Context(), grantA, time.Now()) {
				t.Error("admitted")
			}
		}
		if took := time.Since(begin); asked != 1 || took != lookupTimeout {
			t.Errorf("asked %d times in %s, want once in %s", asked, took, lookupTimeout)
		}
		time.Sleep(lookupPause)
		g.admit(t.Context(), grantA, time.Now())
		if asked != 2 {
			t.Errorf("asked %d times after the pause, want twice", asked)
		}
	})
}

func TestOnlyTheLastPeersOfAGrantAreRemembered(t *testing.T) {
	g := newGrants(nil, time.Minute)
	if err := g.open(grantA); err != nil {
		t.Fatal(err)
	}
	peer := func(n int) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}), 5000)
	}
	for n := range maxSighted + 1 {
		g.allow(grantA, peer(n))
	}
	g.allow(grantA, peer(1)) // The oldest is the newest again.
	g.allow(grantA, peer(maxSighted+1))
	peers := g.known[grantA].peers
	for n, want := range map[int]sight{0: sightNone, 1: sightPort, 2: sightNone, 3: sightPort, maxSighted + 1: sightPort} {
		if got := peers.of(peer(n)); got != want {
			t.Errorf("peer %d: got %s, want %s", n, got, want)
		}
	}
	if got := len(peers.table.Load().order); got != maxSighted {
		t.Errorf("%d are remembered, want %d", got, maxSighted)
	}
	g.end(grantA, time.Now())
	if peers.of(peer(3)) != sightNone {
		t.Error("an ended grant keeps its peers")
	}
}

func TestPeersAreKnownByAddressAndPort(t *testing.T) {
	s := new(sighted)
	candidate, socket := netip.MustParseAddrPort("192.0.2.1:5000"), netip.MustParseAddrPort("192.0.2.2:0")
	s.add(candidate)
	if got := s.of(netip.MustParseAddrPort("192.0.2.9:1")); got != sightFree {
		t.Errorf("before the grant is a session's: got %s", got)
	}
	s.bound.Store(true)
	s.add(socket)
	for peer, want := range map[string]sight{
		"192.0.2.1:5000": sightPort, "192.0.2.1:5001": sightHost, "192.0.2.1:0": sightPort,
		"192.0.2.2:1": sightPort, "192.0.2.2:0": sightPort, "192.0.2.3:5000": sightNone, "192.0.2.3:0": sightNone,
	} {
		if got := s.of(netip.MustParseAddrPort(peer)); got != want {
			t.Errorf("%s: got %s, want %s", peer, got, want)
		}
	}
}

// lookupAlways finds every grant.
func lookupAlways(context.Context, protocol.GrantID) (record.Grant, bool) {
	return record.Grant{Expires: time.Now().Add(time.Hour)}, true
}
