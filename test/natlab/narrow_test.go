//go:build linux

package natlab

import (
	"strings"
	"testing"
)

func TestANarrowWayLosesWhatIsTooMuch(t *testing.T) {
	t.Parallel()
	l := lab(t)
	a, b := l.Host("a"), l.Host("b")
	if err := b.Filter(t.Context(), `table inet tally {
	counter seen { }
	chain input { type filter hook input priority 0; meta l4proto udp counter name seen; }
}`); err != nil {
		t.Fatal(err)
	}
	from, to := socket(t, a), socket(t, b)
	burst := func() uint64 {
		before, err := b.Counters(t.Context(), "tally")
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			send(t, from, to, strings.Repeat("x", 1000))
		}
		after, err := b.Counters(t.Context(), "tally")
		if err != nil {
			t.Fatal(err)
		}
		return after["seen"].Packets - before["seen"].Packets
	}
	if err := l.Narrow(t.Context(), b, 400); err != nil {
		t.Fatal(err)
	}
	// A bucket of 8 KB and a queue of 200 ms, 10 KB, are 18 packets; some leave meanwhile.
	if got := burst(); got == 0 || got > 50 {
		t.Errorf("%d of 100 packets came through the narrow way, want some", got)
	}
	if err := l.Widen(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if got := burst(); got < 99 {
		t.Errorf("%d of 100 packets came through the wide way, want all", got)
	}
}
