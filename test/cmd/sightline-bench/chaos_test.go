//go:build linux

package main

import (
	"fmt"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/test/soak"
)

func TestNothingIsLostOnBadNetworks(t *testing.T) {
	cuts, messages, sessions, restarts := soak.Count(60, 10_000), soak.Count(1500, 200_000), soak.Count(12, 48), soak.Count(1, 3)
	figures := measured(t, []string{"cuts", "sent", "delivered", "lost", "repeated", "reordered", "unresumed"},
		"chaos", "--program", program, "--cuts", fmt.Sprint(cuts), "--messages", fmt.Sprint(messages),
		"--sessions", fmt.Sprint(sessions), "--restarts", fmt.Sprint(restarts))
	t.Log(figures)
	if figures["cuts"] != float64(cuts) || figures["sent"] != float64(messages) || figures["delivered"] != float64(messages) {
		t.Errorf("got %v, want %d cuts and %d messages", figures, cuts, messages)
	}
	if figures["lost"]+figures["repeated"]+figures["reordered"] != 0 {
		t.Errorf("got %v", figures)
	}
	if links := sessions + sessions/sessionsPerStormDevice; figures["unresumed"] < float64(restarts*links) {
		t.Errorf("%v links were told that the server was another, want %d at least", figures["unresumed"], restarts*links)
	}
}

// stormSession is a pair that is not connected to anything.
func stormSession() *stormPair {
	viewer, device := &stormEnd{role: protocol.RoleViewer}, &stormEnd{role: protocol.RoleDevice}
	p := &stormPair{id: newSessionID(), ends: [2]*stormEnd{viewer, device}}
	for _, e := range p.ends {
		e.lives.Store(1)
		e.sessions = map[protocol.SessionID]*stormHalf{p.id: newStormHalf(p.id)}
	}
	p.probes[0] = []stormProbe{{from: 1, to: 1}, {from: 1, to: 1}, {from: 1, to: 1}}
	p.ends[0].sessions[p.id].sent = 3
	return p
}

func TestWhatIsLostRepeatedOrReorderedIsSeen(t *testing.T) {
	for name, tt := range map[string]struct {
		come   []int
		before func(p *stormPair, device *stormHalf)
		want   chaosReport
	}{
		"all in order":                 {come: []int{1, 2, 3}, want: chaosReport{Sent: 3, Delivered: 3}},
		"the last is lost":             {come: []int{1, 2}, want: chaosReport{Sent: 3, Delivered: 2, Lost: 1}},
		"one is missed and never told": {come: []int{1, 3}, want: chaosReport{Sent: 3, Delivered: 2, Lost: 2}},
		"one is repeated":              {come: []int{1, 2, 2, 3}, want: chaosReport{Sent: 3, Delivered: 3, Repeated: 1}},
		"two change places":            {come: []int{1, 3, 2}, want: chaosReport{Sent: 3, Delivered: 3, Lost: 1, Reordered: 1}},
		"one is told by a repair": {
			[]int{1, 3}, func(_ *stormPair, device *stormHalf) { device.heard[2] = false }, chaosReport{Sent: 3, Delivered: 3},
		},
		"one is missed because a link began anew": {
			[]int{1, 3}, func(p *stormPair, _ *stormHalf) { p.ends[0].lives.Store(2) }, chaosReport{Sent: 3, Delivered: 2, Lost: 1},
		},
		"one that nobody sent": {come: []int{1, 2, 3, 4}, want: chaosReport{Sent: 3, Delivered: 3, Repeated: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			p := stormSession()
			device := p.ends[1].sessions[p.id]
			if tt.before != nil {
				tt.before(p, device)
			}
			for _, n := range tt.come {
				p.came(p.ends[1], device, n)
			}
			var got chaosReport
			if p.add(&got); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}
