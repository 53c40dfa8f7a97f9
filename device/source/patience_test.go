package source

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestRefusedPasswordIsLeftAloneLongerAndLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p patience
		for _, want := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 5 * time.Minute} {
			if err := p.allow(); err != nil {
				t.Fatalf("not allowed: %v", err)
			}
			_ = p.refused()
			time.Sleep(want - time.Second)
			if p.allow() == nil {
				t.Errorf("allowed 1 s before %s have passed", want)
			}
			time.Sleep(time.Second)
		}
		p.accepted()
		_ = p.refused()
		time.Sleep(30 * time.Second)
		if err := p.allow(); err != nil {
			t.Errorf("a password that was right once is refused for long: %v", err)
		}
	})
}

// Whoever comes and goes, the camera sees one attempt in 30 s.
func TestViewersThatComeDoNotTryARefusedPassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p patience
		attempts := 0
		src := &script{lives: []func(context.Context, Sink) error{func(context.Context, Sink) error {
			if err := p.allow(); err != nil {
				return err
			}
			attempts++
			return p.refused()
		}}}
		f, stop := runFeed(t, FeedConfig{Source: src, Linger: time.Millisecond})
		defer stop()
		for range 28 {
			release := f.Acquire()
			time.Sleep(500 * time.Millisecond)
			release()
			time.Sleep(500 * time.Millisecond)
		}
		if attempts != 1 {
			t.Errorf("%d attempts in 28 s, want 1", attempts)
		}
	})
}

func TestFeedWaitsAsLongAsASourceAsksFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p patience
		src := &script{lives: []func(context.Context, Sink) error{func(context.Context, Sink) error { return p.refused() }}}
		f, stop := runFeed(t, FeedConfig{Source: src, Warm: true})
		defer stop()
		if wait := time.Until(f.Status().Retry); wait < 30*time.Second {
			t.Errorf("it is tried again in %s, want 30 s or more", wait)
		}
		time.Sleep(29 * time.Second)
		if n := len(src.dialed()); n != 1 {
			t.Errorf("dialled %d times in 29 s, want 1", n)
		}
	})
}
