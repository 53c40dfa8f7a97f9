package media

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestSourceThatMakesKeyframesIsAskedForOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStream(Config{})
		cam := &camera{stream: s, gop: 1000, keySize: 20_000, size: 1000}
		asked := 0
		s.SetKeyframer(func() { asked++; cam.n = 0 })
		cam.run(50)
		view, _ := watchStream(t, s)
		cam.run(25)
		if asked != 1 {
			t.Errorf("the source was asked %d times, want 1", asked)
		}
		if got := pictures(t, view.got()); len(got) != 25 || !got[0].key {
			t.Errorf("got %d pictures, want 25", len(got))
		}
	})
}

func TestKeyframeRequestsAreCoalesced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStream(Config{})
		cam := &camera{stream: s, gop: 1000, keySize: 20_000, size: 1000}
		var asked []time.Duration
		start := time.Now()
		s.SetKeyframer(func() { asked = append(asked, time.Since(start)); cam.n = 0 })
		var subs []*Subscription
		for range 3 {
			_, sub := watchStream(t, s)
			subs = append(subs, sub)
		}
		synctest.Wait()
		for range 50 { // 2 s in which every viewer asks with every picture
			for _, sub := range subs {
				sub.RequestKeyframe()
			}
			cam.run(1)
		}
		if len(asked) < 4 || len(asked) > 5 {
			t.Errorf("asked %d times in 2 s, want 4 or 5", len(asked))
		}
		for i := 1; i < len(asked); i++ {
			if gap := asked[i] - asked[i-1]; gap < keyframeSpacing {
				t.Errorf("asked again after %s", gap)
			}
		}
		if got := subs[0].Stats().KeyframeRequests; got != 50 {
			t.Errorf("counted %d requests, want 50", got)
		}
	})
}

// A request within the spacing is kept and put when it is over, not lost.
func TestKeyframeRequestIsDeferredNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStream(Config{})
		cam := &camera{stream: s, gop: 1000, keySize: 20_000, size: 1000}
		asked := 0
		s.SetKeyframer(func() { asked++; cam.n = 0 })
		_, sub := watchStream(t, s)
		cam.run(2)
		sub.RequestKeyframe()
		cam.run(20)
		if asked != 2 {
			t.Errorf("asked %d times, want 2", asked)
		}
	})
}

func TestRequestWithoutAKeyframerReplaysTheGroupOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStream(Config{})
		cam := &camera{stream: s, gop: 100, keySize: 20_000, size: 1000}
		view, sub := watchStream(t, s)
		cam.run(110)
		for range 10 {
			sub.RequestKeyframe()
			cam.run(5)
		}
		got := pictures(t, view.got())
		keys := 0
		for _, p := range got {
			if p.key {
				keys++
			}
		}
		if keys != 3 {
			t.Errorf("got %d keyframes, want 2 of the camera and 1 replayed", keys)
		}
		if len(got) != 160+10 {
			t.Errorf("got %d pictures, want 160 and the 10 of the group again", len(got))
		}
	})
}

func TestSlowViewerIsCutToTheNextKeyframe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStream(Config{})
		cam := &camera{stream: s, gop: 25, keySize: 10_000, size: 2000}
		slow, slowSub := watchStream(t, s)
		quick, quickSub := watchStream(t, s)
		cam.run(30)
		unblock := slow.block()
		cam.run(15) // 600 ms
		unblock()
		cam.run(30)

		got := pictures(t, slow.got())
		stats := slowSub.Stats()
		if stats.Cuts != 1 || stats.Dropped == 0 {
			t.Errorf("got %+v, want one cut", stats)
		}
		jumps := 0
		for i := 1; i < len(got); i++ {
			if got[i].ts-got[i-1].ts != 3600 {
				jumps++
				if !got[i].key {
					t.Errorf("picture %d follows a hole and is no keyframe", i)
				}
			}
		}
		if jumps != 1 {
			t.Errorf("got %d holes, want 1", jumps)
		}
		if got, stats := pictures(t, quick.got()), quickSub.Stats(); len(got) != 75 || stats.Cuts != 0 {
			t.Errorf("the other viewer got %d pictures and %+v, want 75", len(got), stats)
		}
	})
}

func TestCutAsksTheSourceForAKeyframe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStream(Config{})
		cam := &camera{stream: s, gop: 1000, keySize: 10_000, size: 2000}
		s.SetKeyframer(func() { cam.n = 0 })
		view, sub := watchStream(t, s)
		cam.run(30)
		unblock := view.block()
		cam.run(20)
		unblock()
		cam.run(20)
		if got := pictures(t, view.got()); !got[len(got)-1].last.After(time.Now().Add(-2 * frameTime)) {
			t.Error("the viewer got no picture any more")
		}
		if got := sub.Stats().Cuts; got != 1 {
			t.Errorf("got %d cuts, want 1", got)
		}
	})
}

func TestStalledViewerCostsTheOthersNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStream(Config{})
		cam := &camera{stream: s, gop: 50, keySize: 60_000, size: 8000}
		stalled, sub := watchStream(t, s)
		var others []*screen
		for range 7 {
			view, _ := watchStream(t, s)
			others = append(others, view)
		}
		cam.run(60)
		before := len(stalled.got())
		unblock := stalled.block()
		for range 750 { // half a minute
			cam.run(1)
			sub.mu.Lock()
			waits := sub.queue.bytes
			sub.mu.Unlock()
			if most := 60_000 + 51*8100; waits > most {
				t.Fatalf("%d bytes wait for the stalled viewer, want a group at most", waits)
			}
		}
		if got := len(stalled.got()); got > before+1 {
			t.Fatalf("the stalled viewer got %d packets", got-before)
		}
		unblock()
		cam.run(60)
		for i, view := range others {
			if got := len(pictures(t, view.got())); got != 870 {
				t.Errorf("viewer %d got %d pictures, want all 870", i, got)
			}
		}
		if got := pictures(t, stalled.got()); len(got) < 60+10 || !got[len(got)-1].last.After(time.Now().Add(-2*frameTime)) {
			t.Errorf("the stalled viewer got %d pictures, want it back", len(got))
		}
	})
}

// A hint is for when the cached group does not help: at first, when there is none, and once it was replayed.
func TestHintIsGivenWhereTheCacheDoesNotHelp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStream(Config{})
		cam := &camera{stream: s, gop: 100, keySize: 20_000, size: 1000}
		hints := 0
		s.SetKeyframeHint(func() { hints++ })
		_, sub := watchStream(t, s)
		cam.run(110)
		if hints != 1 {
			t.Errorf("%d hints without a cached group, want 1", hints)
		}
		sub.RequestKeyframe()
		if hints != 1 {
			t.Errorf("%d hints though the group was replayed, want 1", hints)
		}
		for range 9 { // in 1.8 s
			cam.run(5)
			sub.RequestKeyframe()
		}
		if hints != 2 {
			t.Errorf("%d hints, want 2: one more, and no two within %s", hints, hintSpacing)
		}
		_, _ = watchStream(t, s)
		cam.run(5)
		if hints != 2 {
			t.Errorf("%d hints though a new viewer had the group, want 2", hints)
		}
	})
}
