package media

import (
	"testing"
	"testing/synctest"
	"time"
)

// offline writes the pictures of a stand-in: a keyframe when one is wanted, and others.
type offline struct {
	show *StandIn
	keys int
}

func standIn(s *Stream) *offline {
	o := &offline{keys: 1}
	o.show = s.StandIn(func() { o.keys++ })
	return o
}

func (o *offline) write() bool {
	nalus := [][]byte{slice(0x41, 50, 3)}
	if o.keys > 0 {
		o.keys--
		nalus = [][]byte{baselineSPS, baselinePPS, slice(0x65, 50, 1)}
	}
	return o.show.Write(AccessUnit{Codec: CodecH264, NALUs: nalus})
}

func (o *offline) run(t *testing.T, n int) {
	t.Helper()
	for range n {
		if !o.write() {
			t.Fatal("the source is back")
		}
		time.Sleep(500 * time.Millisecond)
	}
}

func TestStandInGoesOnWhereTheSourceStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStream(Config{})
		cam := &camera{stream: s, gop: 25, keySize: 20_000, size: 1000}
		view, sub := watchStream(t, s)
		cam.run(30)
		o := standIn(s)
		o.run(t, 10)
		sub.RequestKeyframe()
		o.run(t, 2)
		late, _ := watchStream(t, s)
		o.run(t, 4)
		if !s.Absent() {
			t.Error("the source is not absent")
		}

		s.Restarted(nil)
		cam.n, cam.pts = 6, 99*time.Hour // the camera comes back in the middle of a group
		cam.run(20)
		if o.write() {
			t.Error("a picture was shown after the source's keyframe")
		}
		if s.Absent() {
			t.Error("the source is still absent")
		}
		cam.run(10)

		got := pictures(t, view.got())
		keys := 0
		for i, p := range got {
			if p.key {
				keys++
			}
			if i == 0 {
				continue
			}
			passed := p.first.Sub(got[i-1].first)
			if step := time.Duration(p.ts-got[i-1].ts) * time.Second / VideoClockRate; (step - passed).Abs() > 30*time.Millisecond {
				t.Errorf("picture %d is %s later by its time and came after %s", i, step, passed)
			}
		}
		// Two of the camera, one that stands in at first, one asked for, one for the late viewer, one of the camera again.
		if want := 30 + 16 + 11; len(got) != want || keys != 6 {
			t.Errorf("got %d pictures, %d of them keyframes; want %d and 6", len(got), keys, want)
		}
		if got := pictures(t, late.got()); len(got) != 4+11 || len(got[0].nalus[0]) != len(baselineSPS) {
			t.Errorf("the late viewer got %d pictures, want 15 from the stand-in's keyframe on", len(got))
		}
		if f, ok := s.LastFormat(); !ok || f.Width != 320 {
			t.Errorf("the format is %+v, want that of the camera", f)
		}
	})
}

func TestStandInIsNoPictureOfTheSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStream(Config{})
		told := 0
		defer s.OnFormat(func() { told++ })()
		o := standIn(s)
		o.run(t, 3)
		if _, ok := s.LastFormat(); ok || told != 1 || s.Stats().Frames != 0 {
			t.Errorf("format known: %t, told %d times, %d pictures; want no format, once, none", ok, told, s.Stats().Frames)
		}
		other := standIn(s)
		if o.write() {
			t.Error("two stand in")
		}
		other.run(t, 1)
		other.show.End()
		if other.write() || s.Absent() {
			t.Error("it stands in after its end")
		}
	})
}

// A viewer that is to get another rendition does not go there for a stand-in.
func TestNobodyGoesToARenditionThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		main, sub := NewStream(Config{}), NewStream(Config{})
		cam := &camera{stream: main, gop: 25, keySize: 5000, size: 1000}
		both := Camera{Renditions: []Rendition{{Name: "main", Stream: main}, {Name: "sub", Stream: sub}}}
		view := &screen{}
		s := both.Subscribe(Options{Video: Track{Writer: view, SSRC: 7, PayloadType: 96}})
		run(t, s)
		synctest.Wait()
		o := standIn(sub)
		cam.run(10)
		s.Select("sub")
		for range 25 {
			cam.run(10)
			if !o.write() {
				t.Fatal("the source is back")
			}
		}
		if now, next := s.Showing(); now != "main" || next != "" {
			t.Errorf("shown is %s, next %q", now, next)
		}
		if got := pictures(t, view.got()); len(got) != 260 {
			t.Errorf("got %d pictures, want 260", len(got))
		}
	})
}
