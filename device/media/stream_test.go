package media

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

func TestViewerOfACameraGetsEveryPicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStream(Config{})
		view, sub := watchStream(t, s)
		cam := &camera{stream: s, gop: 25, keySize: 20_000, size: 3000}
		cam.run(100)
		got := pictures(t, view.got())
		if len(got) != 100 {
			t.Fatalf("got %d pictures, want 100", len(got))
		}
		for i := 1; i < len(got); i++ {
			if step := got[i].ts - got[i-1].ts; step != 3600 {
				t.Fatalf("picture %d comes %d ticks after the one before, want 3600", i, step)
			}
		}
		stats := sub.Stats()
		if stats.Frames != 100 || stats.Keyframes != 4 || stats.Dropped != 0 || stats.FirstKeyframe.IsZero() {
			t.Errorf("got %+v", stats)
		}
	})
}

func TestNothingIsSentBeforeTheFirstKeyframe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStream(Config{})
		view, _ := watchStream(t, s)
		cam := &camera{stream: s, gop: 25, keySize: 2000, size: 300, n: 5}
		cam.run(20)
		if got := view.got(); len(got) != 0 {
			t.Fatalf("got %d packets before the first keyframe", len(got))
		}
		cam.run(3)
		if got := pictures(t, view.got()); len(got) != 3 {
			t.Errorf("got %d pictures, want 3", len(got))
		}
	})
}

func TestStreamThatRestsKeepsNoPictures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStream(Config{})
		(&camera{stream: s, gop: 50, keySize: 60_000, size: 8000}).run(30)
		if !s.Ready() {
			t.Fatal("nothing is kept for a new viewer")
		}
		s.Rest()
		if s.Ready() || s.gop.bytes != 0 {
			t.Errorf("%d bytes are kept although the source is closed", s.gop.bytes)
		}
	})
}

func TestNewViewerStartsWithTheCachedGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStream(Config{})
		cam := &camera{stream: s, gop: 50, keySize: 60_000, size: 8000}
		early, _ := watchStream(t, s)
		cam.run(80) // 30 pictures into the second group
		joined := time.Now()
		view, sub := watchStream(t, s)
		cam.run(70)

		got := pictures(t, view.got())
		if len(got) != 100 {
			t.Fatalf("got %d pictures, want 30 of the cache and 70 live", len(got))
		}
		if took := got[0].last.Sub(joined); took > 300*time.Millisecond {
			t.Errorf("the first keyframe took %s", took)
		}
		if span := got[29].ts - got[0].ts; span != 29*fastStartStep {
			t.Errorf("the cached pictures span %d ticks, want %d", span, 29*fastStartStep)
		}
		for i := 30; i < len(got); i++ {
			if step := got[i].ts - got[i-1].ts; step != 3600 {
				t.Fatalf("live picture %d comes %d ticks after the one before, want 3600", i, step)
			}
		}
		if late := got[99].last.Sub(joined); late > 70*frameTime {
			t.Errorf("the viewer is behind by %s at the end", late-70*frameTime)
		}
		if stats := sub.Stats(); stats.Cuts != 0 || stats.Dropped != 0 {
			t.Errorf("the fast start was cut: %+v", stats)
		}
		if got := pictures(t, early.got()); len(got) != 150 {
			t.Errorf("the other viewer got %d pictures, want 150", len(got))
		}
	})
}

func TestFastStartIsPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStream(Config{})
		cam := &camera{stream: s, gop: 100, keySize: 200_000, size: 10_000}
		cam.run(60)
		view, _ := watchStream(t, s)
		cam.run(40)
		packets := view.got()
		pictures(t, packets)
		rate := max(paceFactor*float64(s.Stats().BitsPerSecond), minPace) / 8
		start, sent := packets[0].at, 0.0
		for i, p := range packets {
			sent += float64(len(p.Payload) + rtpHeaderBytes)
			if allowed := paceBurst + 1.3*rate*p.at.Sub(start).Seconds() + 2*maxPayload; sent > allowed {
				t.Fatalf("packet %d: %.0f bytes after %s, pacing allows %.0f", i, sent, p.at.Sub(start), allowed)
			}
		}
	})
}

func TestCacheIsNotUsedWhenItIsTooLargeTooOldOrPast(t *testing.T) {
	for name, test := range map[string]struct {
		cam   camera
		n     int
		pause time.Duration
	}{
		"over 4 MB":      {camera{gop: 1000, keySize: 200_000, size: 45_000}, 100, 0},
		"over 6 s":       {camera{gop: 1000, keySize: 2000, size: 400}, 155, 0},
		"source is gone": {camera{gop: 1000, keySize: 2000, size: 400}, 20, staleAfter + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := NewStream(Config{})
				cam := test.cam
				cam.stream = s
				cam.run(test.n)
				time.Sleep(test.pause)
				view, _ := watchStream(t, s)
				time.Sleep(time.Second)
				if got := view.got(); len(got) != 0 {
					t.Errorf("got %d packets", len(got))
				}
			})
		})
	}
}

func TestTimeGoesOnWhenTheSourceComesBack(t *testing.T) {
	for name, comeBack := range map[string]func(*Stream, *camera){
		"restarted":           func(s *Stream, _ *camera) { s.Restarted(nil) },
		"clock jumps back":    func(_ *Stream, c *camera) { c.pts = time.Hour },
		"clock jumps forward": func(_ *Stream, c *camera) { c.pts = 30 * time.Hour },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := NewStream(Config{})
				view, _ := watchStream(t, s)
				cam := &camera{stream: s, gop: 10, keySize: 2000, size: 400, pts: 20 * time.Hour}
				cam.run(20)
				time.Sleep(3 * time.Second)
				comeBack(s, cam)
				cam.run(20)
				got := pictures(t, view.got())
				if len(got) != 40 {
					t.Fatalf("got %d pictures, want 40", len(got))
				}
				if gap, want := got[20].ts-got[19].ts, uint32(ticks(3*time.Second+frameTime, VideoClockRate)); gap != want {
					t.Errorf("the gap is %d ticks, want %d", gap, want)
				}
			})
		})
	}
}

func TestOversizedPictureStopsUntilTheNextKeyframe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStream(Config{})
		view, _ := watchStream(t, s)
		cam := &camera{stream: s, gop: 10, keySize: 2000, size: 400}
		cam.run(12)
		s.WriteVideo(AccessUnit{NALUs: inter(MaxAccessUnit + 1), PTS: cam.pts})
		cam.run(10)
		got := pictures(t, view.got())
		if len(got) != 14 || !got[12].key {
			t.Errorf("got %d pictures, want 12, a hole up to the keyframe, and 2", len(got))
		}
		if stats := s.Stats(); stats.Dropped != 9 {
			t.Errorf("got %+v, want 9 dropped", stats)
		}
	})
}

func TestSoundIsNotHeldUpByPacing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStream(Config{})
		s.Restarted(&AudioFormat{Codec: CodecPCMU, ClockRate: 8000, Channels: 1})
		view, ear := &screen{}, &screen{}
		sub := s.Subscribe(Options{
			Video: Track{Writer: view, SSRC: 7, PayloadType: 96},
			Audio: Track{Writer: ear, SSRC: 8, PayloadType: 0},
		})
		run(t, sub)
		synctest.Wait()
		s.WriteVideo(AccessUnit{NALUs: idr(500_000)})
		for i := range 50 {
			written := time.Now()
			s.WriteAudio(AudioFrame{Payload: make([]byte, 160), PTS: time.Duration(i) * 20 * time.Millisecond})
			synctest.Wait()
			heard := ear.got()
			if len(heard) != i+1 || !heard[i].at.Equal(written) {
				t.Fatalf("frame %d was held up", i)
			}
			if i > 0 && heard[i].Timestamp-heard[i-1].Timestamp != 160 {
				t.Fatalf("frame %d: time %d after %d", i, heard[i].Timestamp, heard[i-1].Timestamp)
			}
			time.Sleep(20 * time.Millisecond)
		}
		pictures(t, view.got())
	})
}

func TestViewerMayOnlyListen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStream(Config{})
		s.Restarted(&AudioFormat{Codec: CodecPCMU, ClockRate: 8000, Channels: 1})
		cam := &camera{stream: s, gop: 10, keySize: 2000, size: 400}
		cam.run(15)
		ear := &screen{}
		sub := s.Subscribe(Options{Audio: Track{Writer: ear}})
		run(t, sub)
		synctest.Wait()
		sub.RequestKeyframe()
		s.WriteAudio(AudioFrame{Payload: make([]byte, 160), PTS: cam.pts})
		cam.run(10)
		if got := len(ear.got()); got != 1 {
			t.Errorf("got %d packets, want 1", got)
		}
	})
}

func TestSoundOfAnotherFormatIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStream(Config{})
		s.Restarted(&AudioFormat{Codec: CodecPCMU, ClockRate: 8000, Channels: 1})
		ear := &screen{}
		run(t, s.Subscribe(Options{Video: Track{Writer: &screen{}}, Audio: Track{Writer: ear}}))
		synctest.Wait()
		s.Restarted(&AudioFormat{Codec: CodecOpus, ClockRate: 48000, Channels: 2})
		s.WriteAudio(AudioFrame{Payload: make([]byte, 60)})
		synctest.Wait()
		if got := len(ear.got()); got != 0 {
			t.Errorf("got %d packets", got)
		}
	})
}

func TestFormatWaitsForTheParameterSets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStream(Config{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Format(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want a deadline", err)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			f, err := s.Format(t.Context())
			if err != nil || f.Width != 320 || f.PPS == nil {
				t.Errorf("got %+v, %v", f, err)
			}
		})
		s.WriteVideo(AccessUnit{NALUs: [][]byte{highSPS, highPPS}})
		wg.Wait()
	})
}

func TestFailingWriterEndsRun(t *testing.T) {
	s := NewStream(Config{})
	s.WriteVideo(AccessUnit{NALUs: idr(100)})
	sub := s.Subscribe(Options{Video: Track{Writer: brokenWriter{}}})
	if err := sub.Run(t.Context()); !errors.Is(err, errBroken) {
		t.Errorf("got %v, want %v", err, errBroken)
	}
	if got := s.Stats().Viewers; got != 0 {
		t.Errorf("%d viewers are left", got)
	}
}

func TestClosedSubscriptionDoesNotRun(t *testing.T) {
	s := NewStream(Config{})
	sub := s.Subscribe(Options{Video: Track{Writer: brokenWriter{}}})
	sub.Close()
	sub.Close()
	if err := sub.Run(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestPicturesOutOfOrderAreNotedOnce(t *testing.T) {
	s := NewStream(Config{})
	s.Restarted(nil)
	s.WriteVideo(AccessUnit{NALUs: idr(100)})
	for _, ms := range []time.Duration{120, 40, 240, 160} { // a pyramid's, in decoding order
		s.WriteVideo(AccessUnit{NALUs: inter(100), PTS: ms * time.Millisecond})
	}
	if notes := s.Notes(); len(notes) != 1 || notes[0].Code != protocol.NoteSourceQuirk {
		t.Errorf("got the notes %+v, want one of a quirk", notes)
	}

	s.Restarted(nil)
	for i, at := range []time.Duration{time.Hour, time.Hour + time.Second, time.Minute} { // jumps, and a life before
		s.WriteVideo(AccessUnit{NALUs: idr(100), PTS: at})
		if notes := s.Notes(); len(notes) != 0 {
			t.Errorf("picture %d: got the notes %+v, want none", i, notes)
		}
	}
}
