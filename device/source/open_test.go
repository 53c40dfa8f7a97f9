package source

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestOpenSaysWhatIsWrongWithASpecification(t *testing.T) {
	dir := t.TempDir()
	for spec, want := range map[string]string{
		"camera":                         "no scheme",
		"http://camera/":                 `"http" is unknown`,
		"exec:":                          "a command must follow",
		"test:fps=3":                     "question mark",
		"test:?fps=0":                    "from 1 to 60",
		"test:?fps=x":                    "from 1 to 60",
		"test:?size=640":                 "like 640x360",
		"test:?size=641x360":             "even",
		"test:?size=64x36":               "even and from",
		"test:?colour=red":               `unknown option "colour"`,
		"file:":                          "a path must follow",
		"file:" + dir + "/none.h264":     "there is no file",
		"file:" + dir:                    "is a directory",
		"file:/dev/null":                 "not a regular file",
		"file:" + dir + "/x?fps=9999":    "from 1 to 120",
		"rtsp://":                        "write it as rtsp://host/path",
		"rtsp://admin:se%zzcret@camera/": "write it as rtsp://host/path",
		"rtsp://admin:secret@camera:x/":  "write it as rtsp://host/path",
	} {
		_, err := Open(spec, Config{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q in it", spec, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "cret") {
			t.Errorf("%s: the error tells the password: %v", spec, err)
		}
	}
}

func TestSourcesNameThemselvesWithoutSecrets(t *testing.T) {
	for spec, want := range map[string]string{
		"":                                    "test:?fps=30&size=640x360",
		"test:?fps=15&size=320x180":           "test:?fps=15&size=320x180",
		"rtsp://admin:se%40cret@camera/s?x=1": "rtsp://camera/s?x=1",
		"RTSP://camera:8554/live":             "rtsp://camera:8554/live",
	} {
		s, err := Open(spec, Config{})
		if err != nil {
			t.Errorf("%s: %v", spec, err)
			continue
		}
		if got := s.String(); got != want {
			t.Errorf("%s: got %q, want %q", spec, got, want)
		}
	}
}

func TestTestSourceKeepsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Open("test:?fps=25", Config{Name: "camera"})
		if err != nil {
			t.Fatal(err)
		}
		out := newSink()
		ctx, cancel := context.WithTimeout(t.Context(), 9990*time.Millisecond)
		defer cancel()
		time.AfterFunc(1010*time.Millisecond, func() {
			out.mu.Lock()
			defer out.mu.Unlock()
			out.force()
		})
		start := time.Now()
		if err := s.Run(ctx, out); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if len(out.units) != 250 || len(out.sound) != 500 {
			t.Fatalf("got %d pictures and %d frames of sound in 10 s, want 250 and 500", len(out.units), len(out.sound))
		}
		var keys []int
		for i, u := range out.units {
			if got := out.at[i].Sub(start); got != u.PTS || u.PTS != time.Duration(i)*40*time.Millisecond {
				t.Fatalf("picture %d of time %s came at %s", i, u.PTS, got)
			}
			if u.Key {
				keys = append(keys, i)
			}
		}
		// The first, the one asked for at 1.01 s, and one every 4 s after that.
		if want := []int{0, 26, 126, 226}; !equal(keys, want) {
			t.Errorf("keyframes are pictures %v, want %v", keys, want)
		}
		loud := 0
		for _, f := range out.sound {
			if len(f.Payload) != 160 {
				t.Fatalf("a frame of sound has %d bytes, want 160", len(f.Payload))
			}
			if f.Payload[1] != muLaw(0) {
				loud++
			}
		}
		if loud != 30 {
			t.Errorf("%d frames are loud, want 3 in each of 10 s", loud)
		}
		if out.force != nil {
			t.Error("the keyframer is still set")
		}
	})
}

func equal(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// The values of silence and of both ends stand in ITU-T G.711 table 2; those between are what ffmpeg makes of them.
func TestMuLawEncodesAsG711Says(t *testing.T) {
	for sample, want := range map[int]byte{0: 0xff, 32767: 0x80, -32768: 0x00, 132: 0xef, 1000: 0xce} {
		if got := muLaw(sample); got != want {
			t.Errorf("muLaw(%d) = %#x, want %#x", sample, got, want)
		}
	}
}
