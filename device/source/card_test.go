package source

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/device/media"
)

// needFFmpeg skips on machines without ffmpeg, where CI must have it.
func needFFmpeg(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("ffmpeg is not installed: make test installs it")
		}
		t.Skip("ffmpeg is not installed")
	}
}

// cardStream encodes n pictures, with a keyframe at the first and every 50th.
func cardStream(width, height, fps, n int) []byte {
	c := newCard(width, height, fps, "Front door 1")
	at := time.Date(2026, 1, 2, 12, 34, 59, 500e6, time.UTC)
	var out bytes.Buffer
	for i := range n {
		for _, nalu := range c.frame(i, at.Add(time.Duration(i)*time.Second/time.Duration(fps)), i%50 == 0) {
			out.Write([]byte{0, 0, 0, 1})
			out.Write(nalu)
		}
	}
	return out.Bytes()
}

func TestTestCardDecodesWithoutAFault(t *testing.T) {
	needFFmpeg(t)
	for _, size := range []struct{ width, height int }{{640, 360}, {224, 128}, {1280, 720}, {642, 362}, {1920, 1080}} {
		path := filepath.Join(t.TempDir(), "card.h264")
		if err := os.WriteFile(path, cardStream(size.width, size.height, 30, 120), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "warning", "-xerror", "-err_detect", "explode",
			"-i", path, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-y", path+".yuv").CombinedOutput()
		if err != nil || len(bytes.TrimSpace(out)) > 0 {
			t.Errorf("%v: ffmpeg: %v\n%s", size, err, out)
			continue
		}
		info, err := os.Stat(path + ".yuv")
		if err != nil {
			t.Fatal(err)
		}
		if got, want := info.Size(), int64(size.width*size.height*3/2*120); got != want {
			t.Errorf("%v: decoded %d bytes, want %d", size, got, want)
		}
	}
}

// The decoded picture has to be the canvas, sample by sample: prediction and skipping lose nothing.
func TestTestCardDecodesToWhatWasDrawn(t *testing.T) {
	needFFmpeg(t)
	const width, height, n = 640, 360, 70
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "h264", "-i", "-", "-f", "rawvideo", "-")
	cmd.Stdin = bytes.NewReader(cardStream(width, height, 30, n))
	raw, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	frame := width * height * 3 / 2
	if len(raw) != n*frame {
		t.Fatalf("got %d bytes, want %d", len(raw), n*frame)
	}
	c := newCard(width, height, 30, "Front door 1")
	at := time.Date(2026, 1, 2, 12, 34, 59, 500e6, time.UTC)
	for i := range n {
		c.frame(i, at.Add(time.Duration(i)*time.Second/30), false)
		luma := raw[i*frame : i*frame+width*height]
		for y := 0; y < height; y += 3 {
			for x := 0; x < width; x += 3 {
				block := c.canvas.blocks[y/16*c.canvas.columns+x/16]
				if got, want := luma[y*width+x], block[y%16*16+x%16]; got != want {
					t.Fatalf("picture %d at %d,%d: luma %d, want %d", i, x, y, got, want)
				}
			}
		}
	}
}

func TestTestCardDeclaresItsFormat(t *testing.T) {
	f, err := media.FormatOf(newCard(640, 360, 30, "").sps)
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Profile.String(); !strings.HasPrefix(got, "42c0") {
		t.Errorf("profile-level-id %s is not Constrained Baseline", got)
	}
	if f.Width != 640 || f.Height != 360 || f.FPS != 30 {
		t.Errorf("got %dx%d at %v, want 640x360 at 30", f.Width, f.Height, f.FPS)
	}
}

func TestTestCardCostsLittle(t *testing.T) {
	c := newCard(640, 360, 30, "camera")
	at := time.Now()
	total := 0
	for i := range 120 {
		for _, nalu := range c.frame(i, at.Add(time.Duration(i)*time.Second/30), i == 0) {
			total += len(nalu)
		}
	}
	if kbps := total * 8 / 4 / 1000; kbps > 2000 {
		t.Errorf("the test card takes %d kbit/s, want at most 2000", kbps)
	} else {
		t.Logf("%d kbit/s", kbps)
	}
}

func BenchmarkTestCardPicture(b *testing.B) {
	c := newCard(640, 360, 30, "camera")
	at := time.Now()
	c.frame(0, at, true)
	b.ReportAllocs()
	n := 1
	for b.Loop() {
		c.frame(n, at.Add(time.Duration(n)*time.Second/30), false)
		n++
	}
}
