package source

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"testing"

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
	c := newCaption(readyWidth, readyHeight, 2)
	var raw bytes.Buffer
	for n := range maxCountdown + 2 {
		c.frame(false, offlineLines(n-1)...)
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
