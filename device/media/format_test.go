package media

import (
	"testing"
	"time"
)

func TestResolutionMayChangeInMidStream(t *testing.T) {
	for _, clips := range [][2]string{
		{"main.h264", "large.h264"},
		{"closed.h265", "large.h265"},
		{"small.vp8.ivf", "large.vp8.ivf"},
		{"small.vp9.ivf", "large.vp9.ivf"},
		{"small.av1.ivf", "large.av1.ivf"},
	} {
		s := NewStream(Config{})
		var told []Format
		cancel := s.OnFormat(func() {
			f, _ := s.LastFormat()
			told = append(told, f)
		})
		at := time.Duration(0)
		for _, name := range clips {
			for _, unit := range clip(t, name) {
				s.WriteVideo(AccessUnit{Codec: clipCodec(name), NALUs: unit, PTS: at})
				at += frameTime
			}
		}
		if len(told) != 2 || told[0].Width != 128 || told[1].Width != 192 || told[1].Height != 112 {
			t.Errorf("%s: told %+v, want 128x96 and 192x112", clips[0], told)
		}
		if stats := s.Stats(); stats.Dropped != 0 || stats.Keyframes < 3 {
			t.Errorf("%s: %+v", clips[0], stats)
		}
		cancel()
		s.WriteVideo(AccessUnit{NALUs: clip(t, "baseline.h264")[0]})
		if len(told) != 2 {
			t.Errorf("%s: told after it was cancelled", clips[0])
		}
	}
}

func TestCodecMayChangeInMidStream(t *testing.T) {
	s := NewStream(Config{})
	for _, name := range []string{"main.h264", "small.vp9.ivf", "closed.h265", "small.av1.ivf"} {
		for _, unit := range clip(t, name) {
			s.WriteVideo(AccessUnit{Codec: clipCodec(name), NALUs: unit})
		}
		if f, ok := s.LastFormat(); !ok || f.Codec != clipCodec(name) {
			t.Errorf("%s: format %+v", name, f)
		}
	}
	s.WriteVideo(AccessUnit{Codec: "MJPEG", NALUs: [][]byte{{1}}})
	if got := s.Stats().Dropped; got != 1 {
		t.Errorf("pictures of a codec that does not pass: %d were dropped, want 1", got)
	}
}
