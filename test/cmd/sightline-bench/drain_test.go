//go:build linux

package main

import (
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

func TestClientsOfARestartedServerAreCounted(t *testing.T) {
	figures := measured(t, []string{"peak_accept_per_s", "all_back_s", "differing_after_repair"},
		"drain", "--links", "40", "--rate", "100", "--program", program)
	if figures["peak_accept_per_s"] < 1 || figures["peak_accept_per_s"] > 40 || figures["all_back_s"] < 1 {
		t.Errorf("these figures cannot be: %v", figures)
	}
	if figures["differing_after_repair"] != 0 {
		t.Errorf("the ends of %v sessions differ", figures["differing_after_repair"])
	}
}

func TestThePeakIsThatOfAnyWindow(t *testing.T) {
	at := func(milliseconds ...int) (times []time.Time) {
		for _, ms := range milliseconds {
			times = append(times, time.UnixMilli(int64(ms)))
		}
		return times
	}
	for name, tt := range map[string]struct {
		times []time.Time
		want  int
	}{
		"none":                 {nil, 0},
		"one":                  {at(5), 1},
		"a second apart":       {at(0, 1000, 2000), 1},
		"less than that":       {at(0, 999), 2},
		"across whole seconds": {at(0, 900, 1000, 1100, 1899, 3000), 4},
	} {
		t.Run(name, func(t *testing.T) {
			if got := peak(tt.times, time.Second); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestWhatOneEndDoesNotKnowIsADifference(t *testing.T) {
	id := newSessionID()
	kept := map[protocol.SessionID]bool{id: true}
	ends := func() (viewer, device *returnee) {
		v, d := newHalf(id, protocol.RoleViewer, secret()), newHalf(id, protocol.RoleDevice, "")
		v.candidate()
		v.candidate()
		for _, way := range [][2]*half{{v, d}, {d, v}} {

			_, body, err := protocol.Decode(encoded(t, way[0].sync(false)))
			if err != nil {
				t.Fatal(err)
			}
			m := body.(*protocol.Sync) // which sync makes
			way[1].hear(m.Description.SDP, m.Candidates...)
		}
		return &returnee{session: v}, &returnee{session: d}
	}
	for name, tt := range map[string]struct {
		change func(v, d *returnee)
		kept   map[protocol.SessionID]bool
		want   bool
	}{
		"nothing":                   {func(_, _ *returnee) {}, kept, true},
		"a candidate that was lost": {func(v, _ *returnee) { v.session.candidate() }, kept, false},
		"another description":       {func(_, d *returnee) { d.session.own.description = "v=0" }, kept, false},
		"an end without session":    {func(_, d *returnee) { d.session = nil }, kept, false},
		"another session":           {func(v, _ *returnee) { v.session.id = newSessionID() }, kept, false},
		"no row":                    {func(_, _ *returnee) {}, nil, false},
		"no answer in the row":      {func(_, _ *returnee) {}, map[protocol.SessionID]bool{id: false}, false},
	} {
		t.Run(name, func(t *testing.T) {
			v, d := ends()
			tt.change(v, d)
			if got := agree(v, d, tt.kept); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func encoded(t *testing.T, e protocol.Envelope) []byte {
	t.Helper()
	b, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}
