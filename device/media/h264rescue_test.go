package media

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
)

// lateClip is what comes of a clip after its first picture: parameter sets, and no IDR picture that began it.
func lateClip(t testing.TB, name string) [][][]byte {
	units := clip(t, name)
	var sets [][]byte
	for _, nalu := range units[0] {
		if kind := nalType(nalu); kind == 7 || kind == 8 {
			sets = append(sets, nalu)
		}
	}
	return append([][][]byte{sets}, units[1:]...)
}

// heads reads the slices' headers of an access unit by the parameter sets of a clip.
func heads(t *testing.T, c *h264Coding, nalus [][]byte) (list []sliceHead) {
	t.Helper()
	for _, nalu := range nalus {
		if !isSlice(nalu) {
			continue
		}
		syntax, err := (&h264Rescue{}).syntaxOf(nalu, c)
		if err != nil {
			t.Fatal(err)
		}
		head, err := readSlice(nalu, syntax)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, head)
	}
	return list
}

// The pictures that come out were compared with those of the whole clip by ffmpeg: they are the same, bit by bit.
func TestIntraPicturesBecomeIDRPictures(t *testing.T) {
	for name, test := range map[string]struct {
		// from is the first picture that is sent, frames and order are frame_num and pic_order_cnt_lsb of what is.
		from          int
		frames, order []uint32
	}{
		"opengop.h264": {5, []uint32{0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 4}, []uint32{0, 4, 6, 8, 0, 6, 2, 8, 0, 2, 4, 6, 8}},
		"opengop-cavlc.h264": {5, []uint32{0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 4}, []uint32{
			0, 4, 6, 8, 0, 4, 6, 8, 0, 2, 4, 6, 8,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var remarks []string
			c := &h264Coding{remark: func(s string) { remarks = append(remarks, s) }}
			var frames, order []uint32
			started := false
			for _, unit := range lateClip(t, name) {
				out, key, err := c.normalise(unit, arrival{now: time.Now()})
				if err != nil {
					continue
				}
				if started = started || key; !started {
					continue
				}
				if key != (nalType(out[len(out)-1]) == 5) || key && nalType(out[0]) != 7 {
					t.Errorf("keyframe: %t, with %d units", key, len(out))
				}
				was := heads(t, c, unit)
				for i, head := range heads(t, c, out) {
					frames, order = append(frames, head.frameNum), append(order, head.lsb)
					if tail := was[i].rbsp[len(was[i].rbsp)-20:]; name == "opengop.h264" && !bytes.HasSuffix(head.rbsp, tail) {
						t.Error("the picture's data has changed")
					}
				}
			}
			if diff := cmp.Diff(test.frames, frames); diff != "" {
				t.Errorf("frame numbers: %s", diff)
			}
			if diff := cmp.Diff(test.order, order); diff != "" {
				t.Errorf("order: %s", diff)
			}
			if len(remarks) != 3 || remarks[0] != rescueWords {
				t.Errorf("remarks: %q", remarks)
			}
		})
	}
}

func TestStreamsWithKeyframesAreLeftAlone(t *testing.T) {
	for _, name := range []string{"main.h264", "baseline.h264", "opengop.h264"} {
		c := &h264Coding{remark: func(s string) { t.Errorf("%s: %s", name, s) }}
		now := time.Now()
		for _, unit := range clip(t, name) {
			out, _, err := c.normalise(unit, arrival{now: now})
			if err != nil {
				continue
			}
			if diff := cmp.Diff(unit[len(unit)-1], out[len(out)-1]); diff != "" {
				t.Fatalf("%s: a slice has changed", name)
			}
			now = now.Add(100 * time.Millisecond)
		}
	}
}

func TestUnmarkedIntraPicturesStartAStreamAfterAWhile(t *testing.T) {
	var remarked int
	c := &h264Coding{remark: func(string) { remarked++ }}
	now := time.Now()
	keys := []int{}
	for i, unit := range lateClip(t, "opengop.h264") {
		var bare [][]byte
		for _, nalu := range unit {
			if nalType(nalu) != 6 {
				bare = append(bare, nalu)
			}
		}
		if _, key, err := c.normalise(bare, arrival{now: now}); err == nil && key {
			keys = append(keys, i)
		}
		now = now.Add(time.Second)
	}
	if diff := cmp.Diff([]int{10, 15}, keys); diff != "" { // the one at 4 comes too soon
		t.Error(diff)
	}
}

func TestRefreshedStreamStartsWithAGreyPicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStream(Config{})
		units := lateClip(t, "refresh.h264")
		s.WriteVideo(AccessUnit{NALUs: units[0]})
		write := func(units [][][]byte) {
			for _, unit := range units {
				s.WriteVideo(AccessUnit{NALUs: unit, PTS: time.Duration(time.Now().UnixNano())})
				time.Sleep(100 * time.Millisecond)
			}
		}
		view, _ := watchStream(t, s)
		write(units[1:])
		got := pictures(t, view.got())
		if len(got) != 13 {
			t.Fatalf("got %d pictures, want the grey one and 12", len(got))
		}
		c := &h264Coding{remark: ignore}
		_, _, _ = c.normalise(units[0], arrival{})
		for _, nalu := range got[0].nalus {
			if nalType(nalu) == 8 {
				c.keep(nalu)
			}
		}
		grey := heads(t, c, got[0].nalus)
		if len(grey) != 1 || grey[0].frameNum != 0 || len(grey[0].rbsp) < 128*96/256 {
			t.Errorf("the first picture: %+v", grey)
		}
		for i, shown := range got[1:] {
			if head := heads(t, c, shown.nalus); head[0].frameNum != uint32(i+1) {
				t.Fatalf("picture %d has the number %d", i+1, head[0].frameNum)
			}
		}
		if notes := s.Notes(); len(notes) != 1 || notes[0].Code != protocol.NoteSourceQuirk {
			t.Errorf("notes: %+v", notes)
		}

		write(units[1:]) // begins with a jump
		if got := pictures(t, view.got()); len(got) != 26 || !got[13].key {
			t.Errorf("got %d pictures after a jump, want 26 with a grey one again", len(got))
		}
	})
}

func TestRefreshedStreamIsBegunAnewForWhoWaits(t *testing.T) {
	units := lateClip(t, "refresh.h264")
	for name, test := range map[string]struct {
		wanted bool
		after  time.Duration
		want   int
	}{
		"nobody waits":      {false, greyAgain, 1},
		"somebody waits":    {true, greyAgain, 2},
		"not so soon again": {true, greyAgain / 2, 1},
	} {
		c := &h264Coding{remark: ignore}
		got := 0
		for i, unit := range units {
			at := arrival{now: time.Unix(100, 0)}
			if i > 10 {
				at = arrival{at.now.Add(test.after), test.wanted}
			}
			_, _, _ = c.normalise(unit, at)
			if c.before() != nil {
				got++
			}
		}
		if got != test.want {
			t.Errorf("%s: %d grey pictures, want %d", name, got, test.want)
		}
	}
}

func FuzzRescue(f *testing.F) {
	for _, name := range []string{"opengop.h264", "opengop-cavlc.h264", "refresh.h264", "baseline.h264"} {
		units := lateClip(f, name)
		for _, unit := range units[1:9] {
			f.Add(bytes.Join(append(units[0], unit...), startCode))
		}
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		c := &h264Coding{remark: ignore}
		units := SplitAnnexB(append([]byte{0, 0, 1}, in...))
		for i := range 3 {
			out, key, err := c.normalise(units, arrival{now: time.Unix(int64(100*i), 0), wanted: i > 1})
			_ = c.before()
			if err == nil && key && nalType(out[0]) != 7 {
				t.Fatal("a keyframe does not begin with its SPS")
			}
		}
	})
}
