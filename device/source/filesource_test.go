package source

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
)

func writeFile(t *testing.T, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clip")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// playFile plays a file for a while in a bubble.
func playFile(t *testing.T, spec string, d time.Duration) (*sink, error) {
	t.Helper()
	out := newSink()
	var err error
	synctest.Test(t, func(t *testing.T) {
		s := openSource(t, "file:"+spec, nil)
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		if err = s.Run(ctx, out); errors.Is(err, context.DeadlineExceeded) {
			err = nil
		}
	})
	return out, err
}

func TestFileIsLoopedInRealTime(t *testing.T) {
	clip := cardStream(224, 128, 20, 30)
	for suffix, distance := range map[string]time.Duration{"": 50 * time.Millisecond, "?fps=10": 100 * time.Millisecond} {
		path := writeFile(t, clip)
		synctest.Test(t, func(t *testing.T) {
			s, err := Open("file:"+path+suffix, Config{})
			if err != nil {
				t.Fatal(err)
			}
			out := newSink()
			ctx, cancel := context.WithTimeout(t.Context(), 9990*time.Millisecond)
			defer cancel()
			start := time.Now()
			if err := s.Run(ctx, out); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			if got, want := len(out.units), int(10*time.Second/distance); got != want {
				t.Fatalf("got %d pictures in 10 s, want %d", got, want)
			}
			for i, u := range out.units {
				if u.PTS != time.Duration(i)*distance || out.at[i].Sub(start) != u.PTS {
					t.Fatalf("picture %d of time %s came at %s", i, u.PTS, out.at[i].Sub(start))
				}
				if want := i%30 == 0; u.Key != want {
					t.Fatalf("picture %d: key %t, want %t", i, u.Key, want)
				}
			}
		})
	}
}

// media of demux are 1 s of 25 pictures, the first and every 12th of them a keyframe.
func TestFilesOfEveryFormAreLoopedInRealTime(t *testing.T) {
	for name, codec := range map[string]media.Codec{
		"plain.h264": media.CodecH264, "plain.h265": media.CodecH265, "vp8.ivf": media.CodecVP8, "vp9.ivf": media.CodecVP9,
		"av1.ivf": media.CodecAV1, "plain.ts": media.CodecH264, "plain.mp4": media.CodecH265, "vp9.mp4": media.CodecVP9,
	} {
		t.Run(name, func(t *testing.T) {
			out, err := playFile(t, "demux/testdata/"+name, 10*time.Second-time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			// What is left out of sound at the ends of a round makes it a little longer than a second.
			if n := len(out.units); n < 225 || n > 250 {
				t.Errorf("got %d pictures in 10 s", n)
			}
			for i, u := range out.units {
				if u.Codec != codec {
					t.Fatalf("picture %d is in %s", i, u.Codec)
				}
				if i%25 == 0 && !u.Key {
					t.Errorf("picture %d begins a round and is no keyframe", i)
				}
				if i > 0 && out.at[i].Sub(out.at[i-1]) > 150*time.Millisecond {
					t.Errorf("picture %d comes %s after the one before", i, out.at[i].Sub(out.at[i-1]))
				}
			}
			if got := out.started[0]; len(out.started) != 1 || got.Codec != codec {
				t.Errorf("announced %+v", out.started)
			}
			for i, f := range out.sound {
				if i > 0 && f.PTS <= out.sound[i-1].PTS {
					t.Errorf("sound %d of %s follows %s", i, f.PTS, out.sound[i-1].PTS)
				}
			}
			if sound := out.started[0].Sound; sound != nil && len(out.sound) < 450 {
				t.Errorf("got %d packets of sound", len(out.sound))
			}
		})
	}
}

func TestFileOfSoundAloneHasAPictureThatSaysSo(t *testing.T) {
	out, err := playFile(t, "demux/testdata/tone.ogg", 20*time.Second-time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if len(out.units) != 20*captionFPS || !out.units[0].Key || len(out.sound) < 950 {
		t.Errorf("got %d pictures and %d packets of sound in 20 s", len(out.units), len(out.sound))
	}
}

func TestSoundThatIsLeftOutIsNoted(t *testing.T) {
	out, err := playFile(t, "demux/testdata/h264_aac.mp4", time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if n := out.started[0].Notes; len(n) != 2 || n[0].Code != protocol.NoteAudioDropped || !strings.Contains(n[0].Message, "AAC") {
		t.Errorf("noted %+v", n)
	}
}

func TestPicturesOutOfOrderAreNoted(t *testing.T) {
	out, err := playFile(t, "demux/testdata/clip.h264", 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if n := out.started[0].Notes; len(n) != 1 || n[0].Code != protocol.NoteSourceQuirk {
		t.Errorf("noted %+v", n)
	}
	if n := len(out.units); n < 30 || n > 90 {
		t.Errorf("got %d pictures in 10 s", n)
	}
}

func TestFileThatGrowsIsPlayedAsFarAsItGoes(t *testing.T) {
	clip := cardStream(224, 128, 20, 60)
	path := writeFile(t, clip[:len(clip)/2])
	synctest.Test(t, func(t *testing.T) {
		out := newSink()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		time.AfterFunc(time.Second, func() {
			if err := os.WriteFile(path, clip, 0o600); err != nil {
				t.Error(err)
			}
		})
		if err := openSource(t, "file:"+path, nil).Run(ctx, out); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if n := len(out.units); n < 399 || n > 401 {
			t.Errorf("got %d pictures in 20 s, want 400", n)
		}
	})
}

func TestFileThatCannotBePlayedEndsWithWords(t *testing.T) {
	for words, content := range map[string]string{
		"nothing that can be played": "this is no video", "it is empty": "", "Matroska": "\x1aE\xdf\xa3....",
	} {
		path := writeFile(t, []byte(content))
		if _, err := playFile(t, path, time.Second); err == nil || !strings.Contains(err.Error(), words) || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v, want %q", err, words)
		}
	}
	path := writeFile(t, cardStream(224, 128, 20, 2))
	s := openSource(t, "file:"+path, nil)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context(), newSink()); err == nil || !strings.Contains(err.Error(), "there is no file") {
		t.Errorf("got %v", err)
	}
}
