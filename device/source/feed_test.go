package source

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sightline-rtc/sightline/device/media"
)

// script is a source whose lives are functions; the last one is lived again and again.
type script struct {
	lives []func(ctx context.Context, sink Sink) error

	mu    sync.Mutex // guards dials
	dials []time.Time
}

func (s *script) String() string { return "script" }

func (s *script) Run(ctx context.Context, sink Sink) error {
	s.mu.Lock()
	life := s.lives[min(len(s.dials), len(s.lives)-1)]
	s.dials = append(s.dials, time.Now())
	s.mu.Unlock()
	return life(ctx, sink)
}

func (s *script) dialed() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Time(nil), s.dials...)
}

var errUnreachable = errors.New("the camera cannot be reached")

func unreachable(context.Context, Sink) error { return errUnreachable }

// pictures sends 10 pictures a second for a while, with a keyframe every gop, and then ends as then says.
func pictures(d, gop time.Duration, then func(context.Context) error) func(context.Context, Sink) error {
	return func(ctx context.Context, sink Sink) error {
		sink.Start(Tracks{})
		card := newCard(224, 128, 10, "")
		begin := time.Now()
		next := time.Duration(0)
		for n := 0; time.Since(begin) < d; n++ {
			pts := time.Since(begin)
			key := pts >= next
			if key {
				next += gop
			}
			sink.WriteVideo(media.AccessUnit{NALUs: card.frame(n, begin.Add(pts), key), PTS: pts, Key: key})
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(100 * time.Millisecond):
			}
		}
		return then(ctx)
	}
}

func hang(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

func lost(context.Context) error { return errUnreachable }

const forever = 1000 * time.Hour

// runFeed runs a feed in a bubble until the returned function is called.
func runFeed(t *testing.T, cfg FeedConfig) (*Feed, func()) {
	t.Helper()
	f := NewFeed(cfg)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := f.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	synctest.Wait()
	return f, func() { cancel(); wg.Wait() }
}

func wantState(t *testing.T, f *Feed, want State) {
	t.Helper()
	synctest.Wait()
	if got := f.Status(); got.State != want {
		t.Fatalf("the source is %s (%v), want %s", got.State, got.Err, want)
	}
}

func TestFirstViewerOpensTheSourceAndTheLastClosesItLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &script{lives: []func(context.Context, Sink) error{pictures(forever, time.Second, hang)}}
		f, stop := runFeed(t, FeedConfig{Source: src})
		defer stop()
		time.Sleep(time.Hour)
		if n := len(src.dialed()); n != 0 {
			t.Fatalf("dialled %d times without a viewer", n)
		}
		wantState(t, f, StateIdle)

		first := f.Acquire()
		wantState(t, f, StateUp)
		second := f.Acquire()
		first()
		first()
		time.Sleep(time.Minute)
		wantState(t, f, StateUp)
		second()
		time.Sleep(defaultLinger - time.Second)
		wantState(t, f, StateUp)
		back := f.Acquire()
		time.Sleep(time.Minute)
		wantState(t, f, StateUp)
		back()
		time.Sleep(defaultLinger + time.Second)
		wantState(t, f, StateIdle)
		if n := len(src.dialed()); n != 1 {
			t.Errorf("dialled %d times, want 1", n)
		}
		f.Acquire()
		wantState(t, f, StateUp)
	})
}

func TestWarmSourceIsOpenWithoutViewers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &script{lives: []func(context.Context, Sink) error{pictures(forever, time.Second, hang)}}
		f, stop := runFeed(t, FeedConfig{Source: src, Warm: true})
		defer stop()
		wantState(t, f, StateUp)
		f.Acquire()()
		time.Sleep(2 * time.Minute)
		wantState(t, f, StateUp)
	})
}

func TestDialBacksOffFromTheFirstFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &script{lives: []func(context.Context, Sink) error{unreachable}}
		f, stop := runFeed(t, FeedConfig{Source: src, Warm: true})
		defer stop()
		time.Sleep(3 * time.Minute)
		dials := src.dialed()
		wants := []time.Duration{1, 1, 2, 5, 10, 30, 30}
		if len(dials) < len(wants)+1 {
			t.Fatalf("dialled %d times in 3 minutes", len(dials))
		}
		for i, want := range wants {
			want *= time.Second
			if got := dials[i+1].Sub(dials[i]); got < want*8/10 || got > want*12/10 {
				t.Errorf("wait %d is %s, want %s within a fifth", i, got, want)
			}
		}
		status := f.Status()
		if status.State != StateDown || !errors.Is(status.Err, errUnreachable) || status.Retry.Before(time.Now()) {
			t.Errorf("got %+v", status)
		}
	})
}

func TestSourceThatWasUpIsDialledAgainSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &script{lives: []func(context.Context, Sink) error{
			unreachable, unreachable, unreachable, unreachable, unreachable,
			pictures(time.Minute, time.Second, lost), pictures(forever, time.Second, hang),
		}}
		f, stop := runFeed(t, FeedConfig{Source: src, Warm: true})
		defer stop()
		time.Sleep(2 * time.Minute)
		dials := src.dialed()
		if len(dials) != 7 {
			t.Fatalf("dialled %d times, want 7", len(dials))
		}
		if wait := dials[6].Sub(dials[5]) - time.Minute; wait > 1200*time.Millisecond {
			t.Errorf("waited %s after a minute of pictures", wait)
		}
		status := f.Status()
		if status.State != StateUp || !errors.Is(status.Err, errUnreachable) {
			t.Errorf("got %+v, want up with the last error", status)
		}
	})
}

func TestWatchdogsEndALifeInWhichSomethingIsMissing(t *testing.T) {
	opened := func(ctx context.Context, sink Sink) error {
		sink.Start(Tracks{})
		return hang(ctx)
	}
	soundOnly := func(ctx context.Context, sink Sink) error {
		sink.Start(Tracks{Sound: &media.AudioFormat{Codec: media.CodecPCMU, ClockRate: 8000, Channels: 1}})
		for ctx.Err() == nil {
			sink.WriteAudio(media.AudioFrame{Payload: make([]byte, 160)})
			time.Sleep(20 * time.Millisecond)
		}
		return ctx.Err()
	}
	for name, test := range map[string]struct {
		life   func(context.Context, Sink) error
		within time.Duration
		words  string
	}{
		"never opened":      {func(ctx context.Context, _ Sink) error { return hang(ctx) }, 21 * time.Second, "could not be opened"},
		"no video":          {opened, 6 * time.Second, "announced video and sends none"},
		"sound only":        {soundOnly, 6 * time.Second, "announced video and sends none"},
		"video stops":       {pictures(10*time.Second, time.Second, hang), 15500 * time.Millisecond, "no video came for 5s"},
		"no keyframe":       {pictures(forever, forever, hang), 23 * time.Second, "no keyframe came for 22s"},
		"ends without word": {pictures(time.Second, time.Second, func(context.Context) error { return nil }), 1500 * time.Millisecond, "the source ended"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				src := &script{lives: []func(context.Context, Sink) error{test.life, unreachable}}
				f, stop := runFeed(t, FeedConfig{Source: src, Warm: true})
				defer stop()
				time.Sleep(test.within)
				status := f.Status()
				if status.State != StateDown || !strings.Contains(status.Err.Error(), test.words) {
					t.Errorf("got %+v, want %q", status, test.words)
				}
			})
		})
	}
}

func TestMissingSoundDoesNotEndThePictures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &script{lives: []func(context.Context, Sink) error{func(ctx context.Context, sink Sink) error {
			sink.Start(Tracks{Sound: &media.AudioFormat{Codec: media.CodecOpus, ClockRate: 48000, Channels: 2}})
			return pictures(forever, time.Second, hang)(ctx, muteStart{sink})
		}}}
		f, stop := runFeed(t, FeedConfig{Source: src, Warm: true})
		defer stop()
		time.Sleep(2 * time.Minute)
		wantState(t, f, StateUp)
		if n := len(src.dialed()); n != 1 {
			t.Errorf("dialled %d times, want 1", n)
		}
	})
}

// muteStart keeps the tracks that were announced before.
type muteStart struct{ Sink }

func (muteStart) Start(Tracks) {}

func TestSlowGOPIsNoFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &script{lives: []func(context.Context, Sink) error{pictures(forever, 20*time.Second, hang)}}
		f, stop := runFeed(t, FeedConfig{Source: src, Warm: true})
		defer stop()
		time.Sleep(3 * time.Minute)
		wantState(t, f, StateUp)
		if n := len(src.dialed()); n != 1 {
			t.Errorf("dialled %d times, want 1", n)
		}
	})
}

func TestStreamKnowsTheFormatFromTheAnnouncement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &script{lives: []func(context.Context, Sink) error{func(ctx context.Context, sink Sink) error {
			card := newCard(320, 180, 25, "")
			sink.Start(Tracks{ParameterSets: [][]byte{card.sps, card.pps}})
			return hang(ctx)
		}}}
		f, stop := runFeed(t, FeedConfig{Source: src})
		defer stop()
		f.Acquire()
		format, err := f.Stream().Format(t.Context())
		if err != nil || format.Width != 320 || format.Height != 180 {
			t.Errorf("got %+v, %v", format, err)
		}
	})
}
