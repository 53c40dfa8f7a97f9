package source

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"github.com/sightline-rtc/sightline/device/media"
)

var update = flag.Bool("update", false, "make the pictures of the folder offline anew, with ffmpeg")

// The size of the ready pictures.
const readyWidth, readyHeight = 320, 180

// readyEncoders are ffmpeg's options: every picture is a keyframe.
var readyEncoders = map[media.Codec][]string{
	media.CodecH265: {"-c:v", "libx265", "-preset", "veryslow", "-x265-params", "log-level=none:keyint=1:crf=44:no-info=1:repeat-headers=1:tskip=1:aq-mode=0:cutree=0", "-f", "hevc"},
	media.CodecVP8:  {"-c:v", "libvpx", "-g", "1", "-crf", "63", "-b:v", "1k", "-qmin", "50", "-qmax", "63", "-f", "ivf"},
	media.CodecVP9:  {"-c:v", "libvpx-vp9", "-g", "1", "-crf", "60", "-b:v", "0", "-tune-content", "screen", "-f", "ivf"},
	media.CodecAV1:  {"-c:v", "libaom-av1", "-g", "1", "-crf", "45", "-cpu-used", "4", "-f", "ivf"},
}

// drawnPictures are the ready pictures as raw video.
func drawnPictures() []byte {
	c := newCaption(readyWidth, readyHeight)
	var raw bytes.Buffer
	for n := range maxCountdown + 2 {
		c.frame(false, offlineLines(n-1))
		raw.Write(planes(c.canvas))
	}
	return raw.Bytes()
}

// planes returns what is drawn as planar 4:2:0.
func planes(c *canvas) []byte {
	out := drawn(c)
	for plane := range 2 {
		for y := range c.height / 2 {
			for x := range c.width / 2 {
				out = append(out, c.blocks[y/8*c.columns+x/8][256+64*plane+y%8*8+x%8])
			}
		}
	}
	return out
}

func ffmpeg(t *testing.T, in []byte, args ...string) []byte {
	t.Helper()
	needFFmpeg(t)
	cmd := exec.CommandContext(t.Context(), "ffmpeg", append([]string{"-v", "error"}, args...)...)
	cmd.Stdin = bytes.NewReader(in)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestReadyPicturesAreWhatIsDrawn(t *testing.T) {
	drawn := drawnPictures()
	for codec, name := range readyNames {
		if *update {
			args := []string{"-f", "rawvideo", "-s", "320x180", "-r", "1", "-i", "-", "-fflags", "+bitexact", "-flags:v", "+bitexact"}
			if err := os.WriteFile(name, ffmpeg(t, drawn, append(append(args, readyEncoders[codec]...), "-")...), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		decoded := ffmpeg(t, content, "-i", "-", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-")
		if len(decoded) != len(drawn) {
			t.Errorf("%s: decodes to %d bytes, want %d", name, len(decoded), len(drawn))
			continue
		}
		for n := range maxCountdown + 2 {
			size := len(drawn) / (maxCountdown + 2)
			if off := difference(drawn[n*size:(n+1)*size], decoded[n*size:(n+1)*size]); off > 3 {
				t.Errorf("%s: picture %d is off by %.1f on average", name, n, off)
			}
		}
	}
}

func difference(a, b []byte) float64 {
	sum := 0
	for i := range a {
		d := int(a[i]) - int(b[i])
		sum += max(d, -d)
	}
	return float64(sum) / float64(len(a))
}

func TestReadyPicturesAreThereAndSmall(t *testing.T) {
	total := 0
	for codec, name := range readyNames {
		pictures, err := readPictures(name)
		if err != nil {
			t.Fatal(err)
		}
		for n, units := range pictures {
			if !media.IsKey(codec, units) {
				t.Errorf("%s: picture %d is no keyframe", name, n)
			}
		}
		if f, ok := media.ReadFormat(codec, pictures[0]); !ok || f.Width != readyWidth || f.Height != readyHeight {
			t.Errorf("%s: got %+v", name, f)
		}
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		total += len(content)
	}
	if total > 150<<10 {
		t.Errorf("they take %d bytes", total)
	}
}

func TestCaptionsDecodeToWhatIsDrawn(t *testing.T) {
	for _, size := range [][2]int{{640, 360}, {1280, 720}, {320, 180}, {1080, 1920}, {0, 0}} {
		c := newCaption(size[0], size[1])
		var stream, want bytes.Buffer
		for n := range 4 {
			for _, nalu := range c.frame(n == 0, offlineLines(11-n)) {
				stream.Write([]byte{0, 0, 0, 1})
				stream.Write(nalu)
			}
			want.Write(planes(c.canvas))
		}
		got := ffmpeg(t, stream.Bytes(), "-f", "h264", "-i", "-", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-")
		if !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%v: the pictures are not what was drawn", size)
		}
		if key := len(newCaption(size[0], size[1]).frame(true, offlineLines(10))[2]); key > 64<<10 {
			t.Errorf("%v: a keyframe has %d bytes", size, key)
		}
	}
}

func TestFontHasWhatCaptionsSay(t *testing.T) {
	for _, line := range []string{words.offline, words.dialing, offlineLines(maxCountdown)[1], words.soundOnly} {
		if len(line) > captionLetters {
			t.Errorf("%q is too long", line)
		}
		for _, r := range strings.ToUpper(line) {
			if _, ok := glyphs[byte(r)]; !ok {
				t.Errorf("%q: the font has no %q", line, r)
			}
		}
	}
}

func TestCountdownIsToTheNextTry(t *testing.T) {
	now := time.Now()
	for left, want := range map[time.Duration]int{3 * time.Second: 3, 2900 * time.Millisecond: 3, 0: 0, -time.Second: 0, time.Hour: 36} {
		if got := countdown(Status{State: StateDown, Retry: now.Add(left)}, now); got != want {
			t.Errorf("%s: got %d, want %d", left, got, want)
		}
	}
	if got := countdown(Status{State: StateDialing}, now); got != -1 {
		t.Errorf("dialing: got %d, want -1", got)
	}
	if longest := backoff[len(backoff)-1] * 12 / 10; longest > maxCountdown*time.Second {
		t.Errorf("the longest wait is %s", longest)
	}
}

// counter is a viewer that notes when pictures end.
type counter struct {
	mu    sync.Mutex // guards times
	times []time.Time
}

func (c *counter) WriteRTP(h *rtp.Header, payload []byte) (int, error) {
	if h.Marker {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.times = append(c.times, time.Now())
	}
	return len(payload), nil
}

// since counts the pictures that came since then.
func (c *counter) since(t time.Time) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, at := range c.times {
		if at.After(t) {
			n++
		}
	}
	return n
}

// look subscribes a viewer to a feed until the test ends.
func look(t *testing.T, f *Feed) *counter {
	t.Helper()
	c := &counter{}
	sub := f.Stream().Subscribe(media.Options{Video: media.Track{Writer: c}})
	var wg sync.WaitGroup
	wg.Go(func() { _ = sub.Run(context.Background()) })
	t.Cleanup(func() { sub.Close(); wg.Wait() })
	return c
}

// clip plays a file for a while and is lost then.
func clip(name string, d time.Duration) func(context.Context, Sink) error {
	return func(ctx context.Context, sink Sink) error {
		ctx, cancel := context.WithTimeout(ctx, d)
		defer cancel()
		err := (&fileSource{path: "demux/testdata/" + name, log: logger(nil)}).Run(ctx, sink)
		if errors.Is(err, context.DeadlineExceeded) {
			return errUnreachable
		}
		return err
	}
}

func TestViewersSeeThatTheSourceIsAway(t *testing.T) {
	for name, rate := range map[string]int{"plain.h264": 2, "plain.h265": 2, "vp8.ivf": 2, "vp9.ivf": 2, "av1.ivf": 2} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				src := &script{lives: []func(context.Context, Sink) error{
					clip(name, 20*time.Second), unreachable, unreachable, unreachable, unreachable, unreachable, clip(name, forever),
				}}
				f, stop := runFeed(t, FeedConfig{Source: src, Warm: true})
				defer stop()
				view := look(t, f)
				time.Sleep(19 * time.Second)
				wantState(t, f, StateUp)
				format, _ := f.Stream().LastFormat()
				time.Sleep(2 * time.Second)
				lost := time.Now()
				if !f.Stream().Absent() {
					t.Fatal("nothing stands in")
				}
				time.Sleep(10 * time.Second)
				if got := view.since(lost); got < 10*rate-1 || got > 10*rate+4 {
					t.Errorf("got %d pictures in 10 s, want about %d", got, 10*rate)
				}
				late := look(t, f)
				time.Sleep(3 * time.Second)
				if got := late.since(lost); got < 3*rate-1 {
					t.Errorf("a late viewer got %d pictures in 3 s", got)
				}
				if now, _ := f.Stream().LastFormat(); now.String() != format.String() || now.Width != format.Width {
					t.Errorf("the format became %+v", now)
				}
				time.Sleep(time.Minute)
				wantState(t, f, StateUp)
				back := time.Now()
				time.Sleep(2 * time.Second)
				if got := view.since(back); f.Stream().Absent() || got < 20 {
					t.Errorf("got %d pictures in 2 s after the source came back", got)
				}
			})
		})
	}
}

func TestFirstViewerOfASourceThatIsAwaySeesThat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &script{lives: []func(context.Context, Sink) error{unreachable}}
		f, stop := runFeed(t, FeedConfig{Source: src})
		defer stop()
		release := f.Acquire()
		synctest.Wait()
		if !f.Stream().Absent() {
			t.Fatal("nothing stands in after the first failure")
		}
		begun := time.Now()
		view := look(t, f)
		time.Sleep(time.Minute)
		if got := view.since(begun); got < 110 {
			t.Errorf("got %d pictures in a minute", got)
		}
		if f.Status().State == StateUp {
			t.Error("what stands in counts as life of the source")
		}
		release()
		time.Sleep(defaultLinger + time.Second)
		wantState(t, f, StateIdle)
		if f.Stream().Absent() {
			t.Error("somebody stands in for a source that nobody wants")
		}
	})
}
