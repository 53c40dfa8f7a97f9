package peer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// look is what a viewer saw in a while.
type look struct {
	// pictures that were complete, within the given times of when they left, and the longest time without one.
	pictures, in200, in500 int
	freeze                 time.Duration
	plis                   int
	rendition              protocol.RenditionName
}

// watch lets time pass and returns what was seen in it.
func (r *linkRig) watch(d time.Duration) look {
	r.mu.Lock()
	r.receiver.shown, r.receiver.late = nil, nil
	r.mu.Unlock()
	begun := time.Now()
	time.Sleep(d)
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	l := look{pictures: len(r.receiver.shown), plis: r.receiver.plis}
	for i, at := range r.receiver.shown {
		l.freeze = max(l.freeze, at.Sub(begun))
		begun = at
		if r.receiver.late[i] <= 200*time.Millisecond {
			l.in200++
		}
		if r.receiver.late[i] <= 500*time.Millisecond {
			l.in500++
		}
	}
	l.freeze = max(l.freeze, time.Since(begun))
	l.rendition, _ = r.peer.flow.Showing()
	return l
}

// change has the link be another from now on.
func (r *linkRig) change(what func(*lossyLink)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	what(&r.link)
}

// share is a part of all pictures of a while.
func share(n int, d time.Duration) float64 { return float64(n) / (d.Seconds() / linkFrame.Seconds()) }

func TestLossIsRepairedInTime(t *testing.T) {
	for name, test := range map[string]struct {
		link         lossyLink
		in200, in500 float64
	}{
		"1 percent":                       {lossyLink{loss: 0.01}, 0.98, 0.999},
		"3 percent":                       {lossyLink{loss: 0.03}, 0.97, 0.999},
		"10 percent":                      {lossyLink{loss: 0.10}, 0.93, 0.99},
		"10 percent of a round of 120 ms": {lossyLink{loss: 0.10, delay: 60 * time.Millisecond}, 0, 0.95},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const d = 2 * time.Minute
				r := newLink(t, test.link, 2_000_000)
				r.watch(5 * time.Second)
				got := r.watch(d)
				if share(got.in200, d) < test.in200 || share(got.in500, d) < test.in500 {
					t.Errorf("pictures: got %+v, want %.1f %% within 500 ms", got, 100*test.in500)
				}
				if test.in200 > 0 && got.freeze > 500*time.Millisecond {
					t.Errorf("the picture stood still for %v", got.freeze)
				}
				if got.plis > 0 {
					t.Errorf("keyframes asked for: got %d, want none", got.plis)
				}
			})
		})
	}
}

func TestBlackoutIsOverWhenItIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const d = 10 * time.Second
		r := newLink(t, lossyLink{}, 2_000_000, 300_000)
		r.watch(5 * time.Second)
		r.change(func(l *lossyLink) { l.dark = time.Now().Add(200 * time.Millisecond) })
		got := r.watch(d)
		if got.freeze > 600*time.Millisecond || share(got.pictures, d) < 0.99 || got.rendition != protocol.RenditionMain {
			t.Errorf("got %+v, want every picture of main and a short freeze", got)
		}
	})
}

func TestBottleneckIsMetWithTheSmallerRendition(t *testing.T) {
	for name, buffer := range map[string]time.Duration{
		"behind a long buffer": 400 * time.Millisecond, "behind a short one": 50 * time.Millisecond,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newLink(t, lossyLink{buffer: buffer}, 2_000_000, 300_000)
				r.watch(10 * time.Second)
				r.change(func(l *lossyLink) { l.rate = 600_000 })
				if got := r.watch(5 * time.Second); got.rendition != protocol.RenditionSub {
					t.Errorf("after 5 s of 600 kbit/s: got %+v, want sub", got)
				}
				const d = 30 * time.Second
				if got := r.watch(d); share(got.pictures, d) < 0.85 || got.freeze > 1500*time.Millisecond {
					t.Errorf("in the bottleneck: got %+v, want nearly every picture", got)
				}
				r.change(func(l *lossyLink) { l.rate = 0 })
				r.watch(time.Minute)
				if got := r.watch(5 * time.Second); got.rendition != protocol.RenditionMain || share(got.pictures, 5*time.Second) < 0.98 {
					t.Errorf("a minute later: got %+v, want main", got)
				}
			})
		})
	}
}

func TestBottleneckWithoutASmallerRenditionShowsWhatPasses(t *testing.T) {
	for name, buffer := range map[string]time.Duration{
		"behind a long buffer": 400 * time.Millisecond, "behind a short one": 50 * time.Millisecond,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newLink(t, lossyLink{buffer: buffer}, 2_000_000)
				r.watch(10 * time.Second)
				r.change(func(l *lossyLink) { l.rate = 600_000 })
				r.watch(10 * time.Second)
				// A keyframe of a megabit every two seconds takes nearly all.
				if got := r.watch(30 * time.Second); got.pictures < 12 || got.freeze > 5*time.Second {
					t.Errorf("in the bottleneck: got %+v, want every keyframe", got)
				}
				r.change(func(l *lossyLink) { l.rate = 0 })
				r.watch(30 * time.Second)
				const d = 5 * time.Second
				if got := r.watch(d); share(got.in500, d) < 0.98 {
					t.Errorf("half a minute later: got %+v, want every picture", got)
				}
			})
		})
	}
}
