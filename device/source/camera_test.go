package source

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
)

// newCamera makes a camera whose sources are scripts, and runs it until the returned function is called.
func newCamera(t *testing.T, main, sub Source) (*Camera, func()) {
	t.Helper()
	c := &Camera{}
	c.add(protocol.RenditionMain, main, CameraConfig{})
	if sub != nil {
		c.add(protocol.RenditionSub, sub, CameraConfig{})
	}
	if err := c.equip(CameraConfig{}, patiences{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := c.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	synctest.Wait()
	return c, func() { cancel(); wg.Wait() }
}

// able is a source that can do everything, and counts it.
type able struct {
	script

	mu     sync.Mutex // guards all below
	moves  []protocol.PTZ
	stills int
	jpeg   []byte
	err    error
	spoken int
}

func (a *able) Snapshot(context.Context) ([]byte, error) {
	time.Sleep(200 * time.Millisecond)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stills++
	return a.jpeg, a.err
}

func (a *able) Move(_ context.Context, to protocol.PTZ) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.moves = append(a.moves, to)
	return a.err
}

// fail has all that is asked from now on fail with an error, or not.
func (a *able) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err = err
}

func (a *able) TalkFormats() []media.AudioFormat {
	return []media.AudioFormat{{Codec: media.CodecPCMU, ClockRate: 8000, Channels: 1}}
}

func (a *able) Talk(context.Context) (Mouth, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a, a.err
}

func (a *able) Format() media.AudioFormat    { return a.TalkFormats()[0] }
func (a *able) Write(media.AudioFrame) error { a.spoken++; return nil }
func (a *able) Close() error                 { return nil }

// moved returns the commands that came until now.
func (a *able) moved() []protocol.PTZ {
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.moves)
}

func newAble() *able {
	return &able{
		script: script{lives: []func(context.Context, Sink) error{pictures(forever, time.Second, hang)}},
		jpeg:   []byte{0xff, 0xd8, 0xff, 0xe0},
	}
}

func TestCameraOpensOnlyTheStreamThatIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		main, sub := newAble(), newAble()
		c, stop := newCamera(t, main, sub)
		defer stop()
		release := c.feeds[1].feed.Acquire()
		synctest.Wait()
		if len(main.dialed()) != 0 || len(sub.dialed()) != 1 {
			t.Errorf("main was dialled %d times and sub %d, want 0 and 1", len(main.dialed()), len(sub.dialed()))
		}
		var got []State
		for _, f := range c.Renditions() {
			got = append(got, f.State)
		}
		if diff := cmp.Diff([]State{StateIdle, StateUp}, got); diff != "" {
			t.Error(diff)
		}
		release()
	})
}

func TestSubscribersHearOfEachChangeUntilTheyCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, stop := newCamera(t, newAble(), nil)
		defer stop()
		var states []State
		cancel := c.Subscribe(func() { states = append(states, c.Status().State) })
		release := c.feeds[0].feed.Acquire()
		synctest.Wait()
		cancel()
		release()
		time.Sleep(time.Minute)
		if diff := cmp.Diff([]State{StateDialing, StateUp}, slices.Compact(states)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestNotesOfBothStreamsAreToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		note := protocol.Note{Code: protocol.NoteAudioDropped, Message: "the sound is AAC"}
		noted := func() Source {
			return &script{lives: []func(context.Context, Sink) error{func(ctx context.Context, sink Sink) error {
				sink.Start(Tracks{Notes: []protocol.Note{note}})
				return hang(ctx)
			}}}
		}
		c, stop := newCamera(t, noted(), noted())
		defer stop()
		for _, f := range c.feeds {
			release := f.feed.Acquire()
			defer release()
		}
		synctest.Wait()
		if diff := cmp.Diff([]protocol.Note{note}, c.Abilities().Notes); diff != "" {
			t.Error(diff)
		}
	})
}

func TestCameraThatCanDoNothingSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, stop := newCamera(t, &script{lives: []func(context.Context, Sink) error{unreachable}}, nil)
		defer stop()
		if diff := cmp.Diff(Abilities{}, c.Abilities()); diff != "" {
			t.Error(diff)
		}
		_, snapshot := c.Snapshot(t.Context())
		_, talk := c.Talk(t.Context())
		for name, err := range map[string]error{
			"snapshot": snapshot, "talk": talk, "move": c.Move(t.Context(), protocol.PTZ{Pan: 1}),
		} {
			if !errors.Is(err, protocol.Errorf(protocol.CodeNotFound, "")) {
				t.Errorf("%s: got %v, want %s", name, err, protocol.CodeNotFound)
			}
		}
	})
}

func TestSnapshotsAreTakenOneAtATimeAndRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newAble()
		c, stop := newCamera(t, src, nil)
		defer stop()
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if jpeg, err := c.Snapshot(t.Context()); err != nil || len(jpeg) == 0 {
					t.Errorf("got %d bytes, %v", len(jpeg), err)
				}
			})
		}
		wg.Wait()
		if src.stills != 1 {
			t.Errorf("the camera was asked %d times for 20 at once, want 1", src.stills)
		}
		time.Sleep(stillLife + time.Second)
		if _, err := c.Snapshot(t.Context()); err != nil || src.stills != 2 {
			t.Errorf("after %s the camera was asked %d times (%v), want 2", stillLife, src.stills, err)
		}
	})
}

func TestWhatIsNoPictureIsNoSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newAble()
		c, stop := newCamera(t, src, nil)
		defer stop()
		for name, test := range map[string]struct {
			jpeg []byte
			want string
		}{
			"a page": {[]byte("<html>"), "no JPEG"}, "nothing": {nil, "no JPEG"},
			"too much": {append([]byte{0xff, 0xd8, 0xff}, make([]byte, protocol.MaxSnapshotBytes)...), "has more than"},
		} {
			src.jpeg = test.jpeg
			if _, err := c.Snapshot(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: got %v, want %q", name, err, test.want)
			}
		}
	})
}

func TestMotorsStopWhenNobodySaysAnything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newAble()
		c, stop := newCamera(t, src, nil)
		defer stop()
		left, still := protocol.PTZ{Pan: -0.5}, protocol.PTZ{}
		for range 4 {
			if err := c.Move(t.Context(), left); err != nil {
				t.Fatal(err)
			}
			time.Sleep(300 * time.Millisecond)
		}
		time.Sleep(600 * time.Millisecond)
		if diff := cmp.Diff([]protocol.PTZ{left, left, left, left}, src.moved()); diff != "" {
			t.Errorf("0.9 s after the last word: %s", diff)
		}
		time.Sleep(200 * time.Millisecond)
		if diff := cmp.Diff([]protocol.PTZ{left, left, left, left, still}, src.moved()); diff != "" {
			t.Errorf("1.1 s after the last word: %s", diff)
		}
		time.Sleep(time.Minute)
		if len(src.moved()) != 5 {
			t.Errorf("%d commands, want 5", len(src.moved()))
		}
	})
}

func TestMotorsThatStandAreLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newAble()
		c, stop := newCamera(t, src, nil)
		for _, to := range []protocol.PTZ{{Tilt: 1}, {}, {Home: true}} {
			if err := c.Move(t.Context(), to); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		stop()
		if len(src.moved()) != 3 {
			t.Errorf("got %v, want no command more", src.moved())
		}
	})
}

func TestCameraThatEndsStopsItsMotors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newAble()
		c, stop := newCamera(t, src, nil)
		if err := c.Move(t.Context(), protocol.PTZ{Zoom: 1}); err != nil {
			t.Fatal(err)
		}
		stop()
		if diff := cmp.Diff([]protocol.PTZ{{Zoom: 1}, {}}, src.moved()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestMotorsThatDoNotAnswerAreToldAFewTimesToStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newAble()
		src.err = errUnreachable
		c, stop := newCamera(t, src, nil)
		if err := c.Move(t.Context(), protocol.PTZ{Pan: 1}); !errors.Is(err, errUnreachable) {
			t.Errorf("got %v, want %v", err, errUnreachable)
		}
		time.Sleep(time.Minute)
		if got, want := len(src.moved()), 2+maxStops; got != want {
			t.Errorf("%d commands, want %d", got, want)
		}
		stop()
	})
}

func TestMotorsThatDidNotHearStopAreToldAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newAble()
		c, stop := newCamera(t, src, nil)
		defer stop()
		if err := c.Move(t.Context(), protocol.PTZ{Pan: 1}); err != nil {
			t.Fatal(err)
		}
		src.fail(errUnreachable)
		if err := c.Move(t.Context(), protocol.PTZ{}); !errors.Is(err, errUnreachable) {
			t.Errorf("got %v, want %v", err, errUnreachable)
		}
		src.fail(nil)
		time.Sleep(time.Minute)
		if diff := cmp.Diff([]protocol.PTZ{{Pan: 1}, {}, {}}, src.moved()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestOneTalksAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newAble()
		c, stop := newCamera(t, src, nil)
		defer stop()
		if !c.Abilities().Talk {
			t.Error("the camera says that it cannot be talked to")
		}
		first, err := c.Talk(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Talk(t.Context()); !errors.Is(err, protocol.Errorf(protocol.CodeBusy, "")) {
			t.Errorf("got %v, want %s", err, protocol.CodeBusy)
		}
		for range 2 {
			if err := first.Close(); err != nil {
				t.Error(err)
			}
		}
		second, err := c.Talk(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := first.Close(); err != nil {
			t.Error(err)
		}
		if _, err := c.Talk(t.Context()); !errors.Is(err, protocol.Errorf(protocol.CodeBusy, "")) {
			t.Errorf("closing the first again let a third in: %v", err)
		}
		if err := second.Close(); err != nil {
			t.Error(err)
		}
		src.err = errUnreachable
		for range 2 {
			if _, err := c.Talk(t.Context()); !errors.Is(err, errUnreachable) {
				t.Errorf("got %v, want %v", err, errUnreachable)
			}
		}
	})
}

func TestCameraSaysWhichSpecificationIsWrong(t *testing.T) {
	_, err := OpenCamera(CameraConfig{Source: "test:", Sub: "nowhere"})
	if err == nil || !strings.Contains(err.Error(), "sub stream: ") {
		t.Errorf("got %v", err)
	}
}
