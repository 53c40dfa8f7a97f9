//go:build linux

package natlab

import (
	"context"
	"net/netip"
	"strings"
	"testing"
)

func TestCutsOfAHostDropWhatTheySayUntilMended(t *testing.T) {
	t.Parallel()
	l := lab(t)
	a, b := l.Host("a"), l.Host("b")
	from, to := socket(t, a), socket(t, b)
	there := addrPort(to)
	for _, test := range []struct {
		name            string
		cut             func(context.Context) (*Cut, error)
		udp, tcp, https bool
	}{
		{"no UDP", a.DropUDP, false, true, true},
		{"only HTTPS", a.OnlyHTTPS, false, false, true},
		{"nothing lost", func(ctx context.Context) (*Cut, error) { return a.Lose(ctx, 0) }, true, true, true},
	} {
		cut, err := test.cut(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := passes(t, from, there, to); got != test.udp {
			t.Errorf("%s: UDP passes: %v, want %v", test.name, got, test.udp)
		}
		for port, want := range map[uint16]bool{80: test.tcp, 443: test.https} {
			if got := refuses(t, a, netip.AddrPortFrom(b.Addr, port)); got != want {
				t.Errorf("%s: TCP to port %d passes: %v, want %v", test.name, port, got, want)
			}
		}
		if err := cut.Mend(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !passes(t, from, there, to) {
			t.Errorf("%s: UDP does not pass when it is mended", test.name)
		}
	}
}

func TestHalfOfThePacketsAreLost(t *testing.T) {
	t.Parallel()
	l := lab(t)
	a, b := l.Host("a"), l.Host("b")
	if err := b.Filter(t.Context(), `table inet tally {
	counter seen {}
	chain input { type filter hook input priority 0; meta l4proto udp counter name seen; }
}`); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Lose(t.Context(), 50); err != nil {
		t.Fatal(err)
	}
	from, to := socket(t, a), socket(t, b)
	const sent = 600
	for range sent {
		send(t, from, to, "x")
	}
	counters, err := b.Counters(t.Context(), "tally")
	if err != nil {
		t.Fatal(err)
	}
	// Six standard deviations: less than one run of a hundred million.
	if got := counters["seen"].Packets; got < 225 || got > 375 {
		t.Errorf("%d of %d packets came, want half of them", got, sent)
	}
}

func TestASeveredDeviceReachesTheServerOnly(t *testing.T) {
	t.Parallel()
	town := town(t, TownConfig{Device: Open, Viewer: Open, IPv6: true})
	for _, pair := range [][2]Type{{Open, Open}, {FullCone, SameLAN}} {
		if err := town.Rebuild(t.Context(), pair[0], pair[1]); err != nil {
			t.Fatal(err)
		}
		cut, err := town.Sever(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		device, viewer, server := town.Device(), town.Viewer(), town.Server()
		check := func(severed bool) {
			for _, to := range []netip.Addr{viewer.Addr, viewer.Addr6()} {
				if got := answers(t, device, to); got == severed {
					t.Errorf("%s: the viewer answers at %s: %v", pair[1], to, got)
				}
			}
			for _, to := range []netip.Addr{server.Addr, server.Second(), server.Addr6(), server.Second6()} {
				if !answers(t, device, to) {
					t.Errorf("%s: the server does not answer at %s", pair[1], to)
				}
			}
		}
		check(true)
		if err := cut.Mend(t.Context()); err != nil {
			t.Fatal(err)
		}
		check(false)
	}
}

func TestTrafficCountsWhatPassesTheInterface(t *testing.T) {
	t.Parallel()
	l := lab(t)
	a, b := l.Host("a"), l.Host("b")
	before, err := b.Traffic(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	from, to := socket(t, a), socket(t, b)
	send(t, from, to, strings.Repeat("x", 1000))
	receive(t, to)
	after, err := b.Traffic(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// The neighbours' own messages pass too.
	if got := after.In.Bytes - before.In.Bytes; got < 1000 || after.In.Packets == before.In.Packets {
		t.Errorf("%d bytes came in, want the 1000 that were sent and some", got)
	}
	if after.Out.Bytes > 1000 {
		t.Errorf("%d bytes went out of a host that sent nothing", after.Out.Bytes)
	}
}
