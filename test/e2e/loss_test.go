//go:build linux

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/test/browser"
	"github.com/sightline-rtc/sightline/test/soak"
)

// testRate is the frame rate of the test picture.
const testRate = 30

// longestGap is how long a picture may stand still, in milliseconds.
const longestGap = 500

// A network that loses packets at random, both ways, costs hardly a picture: what is lost comes again. Chromium's own
// statistics judge. On a machine with too much to do pictures stand still by themselves, so one of three looks has to be good.
func TestThePictureRunsOnWhenPacketsAreLost(t *testing.T) {
	s := enter(t)
	p := s.watch("viewer", s.agent("agent", "test:"), "", "direct")
	for _, test := range []struct {
		percent int
		shown   float64
	}{{1, 0.99}, {3, 0.99}, {10, 0.95}} {
		what := fmt.Sprintf("%d %% of packets lost", test.percent)
		s.goodOnce(what, func() (seen, bool) {
			loss := need(s.Viewer.Lose(t.Context(), test.percent))(t)
			got := s.sees(p, soak.Duration(8*time.Second, time.Minute))
			must(t, loss.Mend(t.Context()))
			if got.Retransmitted == 0 {
				t.Errorf("%s: nothing came again: %s", what, got)
			}
			return got, got.share() >= test.shown && got.gapMS <= longestGap
		})
	}
	s.goodOnce("nothing for 200 ms", func() (seen, bool) {
		must(t, p.Mark(t.Context()))
		before := need(p.Pictures(t.Context()))(t)
		cut := need(s.Viewer.DropUDP(t.Context()))(t)
		wait(t.Context(), 200*time.Millisecond)
		must(t, cut.Mend(t.Context()))
		wait(t.Context(), 3*time.Second)
		got := s.since(p, before)
		// The gap is what was cut, what it took to cut and to mend, and the time to ask again.
		return got, got.gapMS <= 200+longestGap && got.share() >= 0.85
	})
}

// goodOnce looks up to three times, until what is seen is good.
func (s *stage) goodOnce(what string, look func() (seen, bool)) {
	s.t.Helper()
	for range 3 {
		got, good := look()
		s.t.Logf("%s: %s", what, got)
		if good {
			return
		}
	}
	s.t.Errorf("%s: the picture was bad each time", what)
}

// seen is what became of the pictures in some time.
type seen struct {
	browser.Pictures
	gapMS float64
}

// sees counts what a page shows for some time.
func (s *stage) sees(p *browser.Page, span time.Duration) seen {
	s.t.Helper()
	must(s.t, p.Mark(s.t.Context()))
	before := need(p.Pictures(s.t.Context()))(s.t)
	wait(s.t.Context(), span)
	return s.since(p, before)
}

// since is what a page has shown since it was marked and counted.
func (s *stage) since(p *browser.Page, before browser.Pictures) seen {
	s.t.Helper()
	now := need(p.Pictures(s.t.Context()))(s.t)
	path := need(p.Path(s.t.Context()))(s.t)
	now.At -= before.At
	now.Freezes -= before.Freezes
	now.FrozenS -= before.FrozenS
	now.Decoded -= before.Decoded
	now.Keyframes -= before.Keyframes
	now.Packets -= before.Packets
	now.Retransmitted -= before.Retransmitted
	now.Lost -= before.Lost
	now.NACKs -= before.NACKs
	now.PLIs -= before.PLIs
	return seen{now, path.GapMS}
}

// share is how many of the test picture's frames came to be seen, 0 to 1.
func (s seen) share() float64 { return float64(s.Decoded) / (s.At / 1000 * testRate) }

func (s seen) String() string {
	return fmt.Sprintf("%.3f of the pictures shown in %.1f s, none for %.0f ms, %d freezes of %.2f s together, "+
		"%d packets, %d lost, %d again, %d NACKs, %d PLIs, %d keyframes, %dx%d",
		s.share(), s.At/1000, s.gapMS, s.Freezes, s.FrozenS, s.Packets, s.Lost, s.Retransmitted, s.NACKs, s.PLIs, s.Keyframes, s.Width, s.Height)
}
