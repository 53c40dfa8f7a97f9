package peer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/time/rate"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
)

// camera is one that can do everything and notes what it is asked.
type camera struct {
	mu       sync.Mutex // guards all below
	status   protocol.Camera
	changed  map[int]func()
	heard    int
	moves    []protocol.PTZ
	still    []byte
	stills   int
	holdMove chan struct{}
	// speaker and talks are set before anybody looks.
	speaker *speaker
	talks   []media.AudioFormat
}

func newCamera() *camera {
	return &camera{
		status: protocol.Camera{Source: protocol.SourceUp, Talk: true, PTZ: true, Snapshot: true}, changed: map[int]func(){},
		still: bytes.Repeat([]byte{0xff, 0xd8, 0xff, 0xe0}, 10_000),
	}
}

func (c *camera) Status() protocol.Camera {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status
}

func (c *camera) set(change func(*protocol.Camera)) {
	c.mu.Lock()
	change(&c.status)
	told := make([]func(), 0, len(c.changed))
	for _, f := range c.changed {
		told = append(told, f)
	}
	c.mu.Unlock()
	for _, f := range told {
		f()
	}
}

func (c *camera) Subscribe(changed func()) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard++
	n := c.heard
	c.changed[n] = changed
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.changed, n)
	}
}

func (c *camera) listeners() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.changed)
}

func (c *camera) Snapshot(context.Context) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stills++
	return c.still, nil
}

func (c *camera) Move(ctx context.Context, _ protocol.SessionID, m protocol.PTZ) error {
	if c.holdMove != nil {
		select {
		case <-c.holdMove:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moves = append(c.moves, m)
	return nil
}

func (c *camera) TalkFormats() []media.AudioFormat { return c.talks }

func (c *camera) Talk(ctx context.Context) (Mouth, error) { return c.speaker.talk(ctx) }

// tube is a control channel without a network.
type tube struct {
	in     chan message
	past   chan struct{} // closed with the read deadline
	passed sync.Once

	mu      sync.Mutex // guards all below
	out     []message
	stuck   bool // nothing that is written leaves
	until   time.Time
	closed  bool
	release chan struct{}
}

type message struct {
	data []byte
	text bool
}

func newTube() *tube {
	return &tube{in: make(chan message, 1000), past: make(chan struct{}), release: make(chan struct{})}
}

func (w *tube) ReadDataChannel(b []byte) (int, bool, error) {
	select {
	case m, ok := <-w.in:
		switch {
		case !ok:
			return 0, false, io.EOF
		case len(m.data) > len(b):
			return 0, false, io.ErrShortBuffer
		}
		return copy(b, m.data), m.text, nil
	case <-w.past:
		return 0, false, errors.New("deadline")
	}
}

func (w *tube) WriteDataChannel(b []byte, text bool) (int, error) {
	w.mu.Lock()
	stuck, until := w.stuck, w.until
	w.mu.Unlock()
	if stuck {
		timer := time.NewTimer(time.Until(until))
		defer timer.Stop()
		select {
		case <-timer.C:
			return 0, context.DeadlineExceeded
		case <-w.past:
			return 0, context.DeadlineExceeded
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.out = append(w.out, message{slices.Clone(b), text})
	return len(b), nil
}

func (w *tube) SetReadDeadline(time.Time) error {
	w.passed.Do(func() { close(w.past) })
	return nil
}

func (w *tube) SetWriteDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.until = t
	return nil
}

func (w *tube) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	return nil
}

func (w *tube) say(t protocol.ControlType, id uint64, body protocol.Message) {
	m, err := protocol.NewControl(t, body)
	if err != nil {
		panic(err)
	}
	m.ID = id
	b, err := m.Encode()
	if err != nil {
		panic(err)
	}
	w.in <- message{b, true}
}

// sent is all that the device has sent by now.
func (w *tube) sent() []message {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.out)
}

// answer is what the device said, in short.
type answer struct {
	Type protocol.ControlType
	Re   uint64
	Code protocol.Code
}

// said lists the texts so far without their statuses.
func (w *tube) said(t *testing.T) []answer {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []answer
	for _, m := range w.out {
		if !m.text {
			continue
		}
		c, body, err := protocol.DecodeControl(m.data)
		if err != nil {
			t.Fatalf("the device says %q: %v", m.data, err)
		}
		a := answer{Type: c.Type, Re: c.Re}
		if e, ok := body.(*protocol.Error); ok {
			a.Code = e.Code
		}
		if c.Type != protocol.ControlStatus {
			list = append(list, a)
		}
	}
	return list
}

func (w *tube) statuses(t *testing.T) (list []protocol.Camera) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.out {
		if !m.text {
			continue
		}
		if _, body, _ := protocol.DecodeControl(m.data); body != nil {
			if c, ok := body.(*protocol.Camera); ok {
				list = append(list, *c)
			}
		}
	}
	return list
}

// atConsole runs a console in a bubble. The test ends it.
func atConsole(t *testing.T, grants []protocol.Right, test func(t *testing.T, c *camera, w *tube, end func() error)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cam, w := newCamera(), newTube()
		p := &Peer{opt: Options{Grants: grants}, controls: cam, log: slog.New(slog.DiscardHandler), closing: make(chan struct{})}
		over := make(chan error, 1)
		p.work.Go(func() { over <- newConsole(p, w).serve() })
		end := sync.OnceValue(func() error {
			close(w.in)
			err := <-over
			p.work.Wait()
			if got := cam.listeners(); got != 0 {
				t.Errorf("listeners of the camera after the end: got %d", got)
			}
			if !w.closed {
				t.Error("the channel was not closed")
			}
			return err
		})
		test(t, cam, w, end)
		_ = end()
	})
}

var everything = []protocol.Right{protocol.RightView, protocol.RightControl, protocol.RightTalk}

func TestConsoleTellsHowTheCameraIs(t *testing.T) {
	atConsole(t, []protocol.Right{protocol.RightView}, func(t *testing.T, c *camera, w *tube, _ func() error) {
		synctest.Wait()
		want := []protocol.Camera{{Source: protocol.SourceUp, Renditions: []protocol.Rendition{}, Auto: true, Snapshot: true}}
		if diff := cmp.Diff(want, w.statuses(t)); diff != "" {
			t.Errorf("status at first (-want +got):\n%s", diff)
		}
		for range 1000 {
			c.set(func(s *protocol.Camera) { s.Source = protocol.SourceDown })
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		list := w.statuses(t)
		if got := len(list); got < 2 || got > 7 {
			t.Errorf("statuses of a second full of changes: got %d, want a few", got)
		}
		if got := list[len(list)-1].Source; got != protocol.SourceDown {
			t.Errorf("source at last: got %s, want down", got)
		}
	})
}

func TestWhoMayTalkHearsThatTheCameraDoesNotListen(t *testing.T) {
	atConsole(t, everything, func(t *testing.T, c *camera, w *tube, _ func() error) {
		c.set(func(s *protocol.Camera) { s.Talk, s.Source = false, protocol.SourceDown })
		time.Sleep(time.Second)
		c.set(func(s *protocol.Camera) { s.Source = protocol.SourceUp })
		time.Sleep(time.Second)
		var got [][]protocol.Note
		for _, s := range w.statuses(t) {
			got = append(got, s.Notes)
		}
		want := []protocol.Note{{Code: protocol.NoteNoBackChannel, Message: "the camera has no way to be talked to"}}
		if diff := cmp.Diff([][]protocol.Note{nil, want}, got[len(got)-2:]); diff != "" {
			t.Errorf("notes while the source is down, and up (-want +got):\n%s", diff)
		}
	})
}

func TestConsoleAnswersRequests(t *testing.T) {
	ptz := &protocol.PTZ{Pan: 1}
	for name, c := range map[string]struct {
		grants []protocol.Right
		ask    func(w *tube)
		want   []answer
	}{
		"keyframe":   {everything, func(w *tube) { w.say(protocol.ControlKeyframe, 7, nil) }, []answer{{protocol.ControlOK, 7, ""}}},
		"without id": {everything, func(w *tube) { w.say(protocol.ControlKeyframe, 0, nil) }, nil},
		"no right to view": {
			[]protocol.Right{protocol.RightAudio},
			func(w *tube) { w.say(protocol.ControlSnapshot, 1, nil) },
			[]answer{{protocol.ControlError, 1, protocol.CodeForbidden}},
		},
		"no right to move": {
			[]protocol.Right{protocol.RightView},
			func(w *tube) { w.say(protocol.ControlPTZ, 1, ptz) },
			[]answer{{protocol.ControlError, 1, protocol.CodeForbidden}},
		},
		"move": {everything, func(w *tube) { w.say(protocol.ControlPTZ, 1, ptz) }, []answer{{protocol.ControlOK, 1, ""}}},
		"too fast": {
			everything, func(w *tube) { w.say(protocol.ControlPTZ, 1, &protocol.PTZ{Pan: 2}) },
			[]answer{{protocol.ControlError, 1, protocol.CodeInvalid}},
		},
		"view": {everything, func(w *tube) {
			w.say(protocol.ControlView, 1, &protocol.View{Width: 640, Height: 360})
		}, []answer{{protocol.ControlOK, 1, ""}}},
		"rendition that is not there": {everything, func(w *tube) {
			w.say(protocol.ControlRendition, 1, &protocol.Choice{Rendition: protocol.RenditionSub})
		}, []answer{{protocol.ControlError, 1, protocol.CodeNotFound}}},
		"unknown": {everything, func(w *tube) { w.say("dance", 3, nil) }, []answer{{protocol.ControlError, 3, protocol.CodeUnknownType}}},
		"a device's own": {
			everything, func(w *tube) { w.say(protocol.ControlStatus, 3, &protocol.Camera{}) },
			[]answer{{protocol.ControlError, 3, protocol.CodeBadMessage}},
		},
		"garbage": {everything, func(w *tube) { w.in <- message{[]byte("{]"), true} }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			atConsole(t, c.grants, func(t *testing.T, _ *camera, w *tube, end func() error) {
				c.ask(w)
				synctest.Wait()
				if diff := cmp.Diff(c.want, w.said(t)); diff != "" {
					t.Errorf("answers (-want +got):\n%s", diff)
				}
				if err := end(); err != nil {
					t.Errorf("end: got %v, want none: the channel lives on", err)
				}
			})
		})
	}
}

func TestSnapshotComesInPieces(t *testing.T) {
	atConsole(t, everything, func(t *testing.T, c *camera, w *tube, _ func() error) {
		w.say(protocol.ControlSnapshot, 1, nil)
		w.say(protocol.ControlSnapshot, 2, nil) // one at a time
		w.say(protocol.ControlKeyframe, 3, nil) // answered before the picture has gone
		time.Sleep(time.Second)
		want := []answer{{protocol.ControlOK, 1, ""}, {protocol.ControlError, 2, protocol.CodeBusy}, {protocol.ControlOK, 3, ""}}
		less := func(a, b answer) int { return int(a.Re) - int(b.Re) }
		got := w.said(t)
		slices.SortFunc(got, less)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
		var picture []byte
		for _, m := range w.sent() {
			if m.text {
				continue
			}
			if len(m.data) > protocol.SnapshotChunk {
				t.Errorf("piece: got %d bytes, want %d at most", len(m.data), protocol.SnapshotChunk)
			}
			picture = append(picture, m.data...)
		}
		if !bytes.Equal(picture, c.still) {
			t.Errorf("picture: got %d bytes, want the camera's %d", len(picture), len(c.still))
		}
		w.say(protocol.ControlSnapshot, 4, nil)
		time.Sleep(time.Second)
		if got := w.said(t); got[len(got)-1] != (answer{protocol.ControlOK, 4, ""}) {
			t.Errorf("the next snapshot: got %v, want ok", got[len(got)-1])
		}
	})
}

func TestConsoleIsClosedForWhatTheViewerDoes(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(w *tube)
		want error
	}{
		"flood": {func(w *tube) {
			for range 200 {
				w.say(protocol.ControlKeyframe, 1, nil)
			}
		}, errFlood},
		"binary": {func(w *tube) { w.in <- message{[]byte("{}"), false} }, errBinary},
		"large":  {func(w *tube) { w.in <- message{make([]byte, protocol.MaxControlBytes+1), true} }, errLarge},
		"unread": {func(w *tube) {
			w.mu.Lock()
			w.stuck = true
			w.mu.Unlock()
			w.say(protocol.ControlSnapshot, 1, nil)
			time.Sleep(time.Minute)
		}, errUnread},
		"unread answers": {func(w *tube) {
			w.mu.Lock()
			w.stuck = true
			w.mu.Unlock()
			for range 5 * maxAnswers {
				w.say(protocol.ControlKeyframe, 1, nil)
				time.Sleep(time.Second / protocol.ControlsPerSecond)
			}
		}, errUnread},
	} {
		t.Run(name, func(t *testing.T) {
			atConsole(t, everything, func(t *testing.T, _ *camera, w *tube, end func() error) {
				c.do(w)
				synctest.Wait()
				if got := end(); !errors.Is(got, c.want) {
					t.Errorf("end: got %v, want %v", got, c.want)
				}
			})
		})
	}
}

func TestNewestMoveCounts(t *testing.T) {
	atConsole(t, everything, func(t *testing.T, c *camera, w *tube, _ func() error) {
		hold := make(chan struct{})
		c.mu.Lock()
		c.holdMove = hold
		c.mu.Unlock()
		for n := range uint64(5) {
			w.say(protocol.ControlPTZ, n+1, &protocol.PTZ{Pan: float64(n) / 10})
			synctest.Wait()
		}
		if got := w.said(t); len(got) != 0 {
			t.Errorf("answers while the camera has none: got %v", got)
		}
		close(hold)
		synctest.Wait()
		want := []protocol.PTZ{{}, {Pan: 0.4}}
		if diff := cmp.Diff(want, c.moves); diff != "" {
			t.Errorf("moves (-want +got):\n%s", diff)
		}
		if got := len(w.said(t)); got != 5 {
			t.Errorf("answers: got %d, want one for each request", got)
		}
	})
}

func TestMoveThatTakesTooLongFails(t *testing.T) {
	atConsole(t, everything, func(t *testing.T, c *camera, w *tube, _ func() error) {
		c.mu.Lock()
		c.holdMove = make(chan struct{})
		c.mu.Unlock()
		w.say(protocol.ControlPTZ, 1, &protocol.PTZ{Pan: 1})
		time.Sleep(moveTime + time.Second)
		if diff := cmp.Diff([]answer{{protocol.ControlError, 1, protocol.CodeInternal}}, w.said(t)); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
	})
}

func FuzzConsole(f *testing.F) {
	for _, seed := range []string{
		`{"type":"keyframe","id":1}`, `{"type":"ptz","id":2,"data":{"pan":1}}`, `{"type":"snapshot","id":3}`,
		`{"type":"view","data":{"width":1,"height":2}}`, `{"type":"talk","id":4,"data":{"on":true}}`,
		`{"type":"rendition","id":5,"data":{"rendition":"sub"}}`, `{"type":"status","id":6}`, `{}`, `[`,
	} {
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, text bool) {
		atConsole(t, everything, func(t *testing.T, _ *camera, w *tube, _ func() error) {
			w.in <- message{data, text}
			time.Sleep(time.Second)
			w.said(t)
		})
	})
}

func TestAnswersDoNotWaitForASlowSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := newOutbox()
		w := newTube()
		ctx, cancel := context.WithCancel(t.Context())
		var writing sync.WaitGroup
		writing.Go(func() {
			_ = out.write(ctx, w, func() []byte { return []byte("status") }, func() rate.Limit { return 1000 })
		})
		out.reserve()
		out.fill([]byte("still"), make([]byte, 3*protocol.SnapshotChunk)) // 16 s apart
		time.Sleep(time.Second)
		out.put([]byte("answer"))
		out.changed()
		time.Sleep(time.Second)
		var got []string
		for _, m := range w.sent() {
			if m.text {
				got = append(got, string(m.data))
			}
		}
		if diff := cmp.Diff([]string{"still", "answer", "status"}, got); diff != "" {
			t.Errorf("texts after two seconds (-want +got):\n%s", diff)
		}
		time.Sleep(time.Minute)
		pieces := len(w.sent()) - len(got)
		if pieces != 3 || !out.reserve() {
			t.Errorf("pieces: got %d, want 3, and room for the next snapshot", pieces)
		}
		cancel()
		writing.Wait()
	})
}
