package demux

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/device/media"
)

// known are the media of testdata.
var known = map[string]Tracks{
	"clip.h264":     {Container: "a byte stream", Video: media.CodecH264, Untimed: true, Disordered: true},
	"plain.h264":    {Container: "a byte stream", Video: media.CodecH264, Untimed: true},
	"clip.h265":     {Container: "a byte stream", Video: media.CodecH265, Untimed: true, Disordered: true},
	"plain.h265":    {Container: "a byte stream", Video: media.CodecH265, Untimed: true},
	"plain.ts":      {Container: "MPEG-TS", Video: media.CodecH264, Sound: &opusFormat},
	"plain.mp4":     {Container: "MP4", Video: media.CodecH265, Sound: &opusFormat},
	"vp8.ivf":       {Container: "IVF", Video: media.CodecVP8},
	"vp9.ivf":       {Container: "IVF", Video: media.CodecVP9},
	"av1.ivf":       {Container: "IVF", Video: media.CodecAV1},
	"tone.ogg":      {Container: "Ogg", Sound: &opusFormat},
	"h264_aac.ts":   {Container: "MPEG-TS", Video: media.CodecH264, Disordered: true, LeftOut: []string{"sound in AAC"}},
	"h265_opus.ts":  {Container: "MPEG-TS", Video: media.CodecH265, Sound: &opusFormat, Disordered: true},
	"h264_aac.mp4":  {Container: "MP4", Video: media.CodecH264, Disordered: true, LeftOut: []string{"sound in AAC"}},
	"h264_opus.mp4": {Container: "MP4", Video: media.CodecH264, Sound: &opusFormat, Disordered: true},
	"fragments.mp4": {Container: "MP4", Video: media.CodecH264, Sound: &opusFormat, Disordered: true},
	"h265.mp4":      {Container: "MP4", Video: media.CodecH265, Disordered: true},
	"av1.mp4":       {Container: "MP4", Video: media.CodecAV1},
	"vp9.mp4":       {Container: "MP4", Video: media.CodecVP9},
}

func load(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func openBytes(t testing.TB, b []byte) Reader {
	t.Helper()
	r, err := OpenFile(bytes.NewReader(b), int64(len(b)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// whole is a reader without the care for browsers.
func whole(r Reader) Reader {
	if o, ok := r.(*inOrder); ok {
		return &inOrderless{o}
	}
	return r
}

// inOrderless reads what was looked at ahead too.
type inOrderless struct{ *inOrder }

func (o *inOrderless) Next() (Frame, error) { return o.read() }

// readAll reads to the end, pictures and sound apart.
func readAll(t testing.TB, r Reader) (pictures, sound []Frame) {
	t.Helper()
	last := -time.Hour
	for {
		f, err := r.Next()
		if errors.Is(err, io.EOF) {
			return pictures, sound
		}
		if err != nil {
			t.Fatal(err)
		}
		if f.DTS < last-100*time.Millisecond {
			t.Errorf("a frame of %s follows one of %s", f.DTS, last)
		}
		last = f.DTS
		if f.Sound {
			sound = append(sound, f)
		} else {
			pictures = append(pictures, f)
		}
	}
}

func TestEveryMediumIsKnownByItsContent(t *testing.T) {
	for name, want := range known {
		if diff := cmp.Diff(want, openBytes(t, load(t, name)).Tracks()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestEveryPictureHasItsTime(t *testing.T) {
	for name, tracks := range known {
		if tracks.Video == "" {
			continue
		}
		pictures, _ := readAll(t, whole(openBytes(t, load(t, name))))
		if len(pictures) != 25 {
			t.Errorf("%s: got %d pictures, want 25", name, len(pictures))
			continue
		}
		var times []time.Duration
		for _, f := range pictures {
			times = append(times, f.PTS)
		}
		slices.Sort(times)
		for i, at := range times {
			if want := times[0] + time.Duration(i)*40*time.Millisecond; (at - want).Abs() > time.Millisecond {
				t.Errorf("%s: the picture in place %d is shown at %s, want %s", name, i, at, want)
			}
		}
	}
}

func TestByteStreamsAreInTheOrderThatTheirCountSays(t *testing.T) {
	for name, container := range map[string]string{"clip.h264": "h264_aac.mp4", "clip.h265": "h265.mp4"} {
		var want, got []time.Duration
		for medium, times := range map[string]*[]time.Duration{container: &want, name: &got} {
			pictures, _ := readAll(t, whole(openBytes(t, load(t, medium))))
			for _, f := range pictures {
				*times = append(*times, (f.PTS - pictures[0].PTS).Round(time.Millisecond))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if slices.IsSorted(got) {
			t.Errorf("%s: nothing is out of order", name)
		}
	}
}

func TestWhatIsShownIsInOrderAndDecodes(t *testing.T) {
	for name, tracks := range known {
		if tracks.Video == "" {
			continue
		}
		all, _ := readAll(t, whole(openBytes(t, load(t, name))))
		pictures, _ := readAll(t, openBytes(t, load(t, name)))
		if !tracks.Disordered && len(pictures) != len(all) || tracks.Disordered && (len(pictures) < 3 || len(pictures) > 9) {
			t.Errorf("%s: got %d of %d pictures", name, len(pictures), len(all))
		}
		for i := range pictures[1:] {
			if pictures[i+1].PTS <= pictures[i].PTS {
				t.Errorf("%s: picture %d goes back", name, i+1)
			}
		}
		if tracks.Disordered {
			shown := hashes(t, bytes.NewReader(wrap(tracks.Video, pictures)))
			whole := hashes(t, bytes.NewReader(load(t, name)))
			for i, hash := range shown {
				if !slices.Contains(whole, hash) {
					t.Errorf("%s: picture %d is none of the medium", name, i)
				}
			}
		}
	}
}

func TestSoundIsWhole(t *testing.T) {
	for name, tracks := range known {
		if tracks.Sound == nil {
			continue
		}
		_, sound := readAll(t, openBytes(t, load(t, name)))
		if len(sound) < 50 || len(sound) > 52 {
			t.Errorf("%s: got %d packets of 20 ms in a second", name, len(sound))
		}
		for i, f := range sound[2:] { // ffmpeg stretches the first
			if step := f.PTS - sound[i+1].PTS; (step - 20*time.Millisecond).Abs() > 7*time.Millisecond {
				t.Errorf("%s: packet %d comes %s after the one before", name, i+2, step)
			}
		}
	}
}

// What is taken apart decodes to what ffmpeg makes of the medium itself.
func TestPicturesDecodeToWhatTheMediumHas(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("ffmpeg is not installed: make test installs it")
		}
		t.Skip("ffmpeg is not installed")
	}
	for name, tracks := range known {
		if tracks.Video == "" {
			continue
		}
		pictures, _ := readAll(t, whole(openBytes(t, load(t, name))))
		want, got := hashes(t, bytes.NewReader(load(t, name))), hashes(t, bytes.NewReader(wrap(tracks.Video, pictures)))
		if diff := cmp.Diff(want, got); diff != "" || len(got) != 25 {
			t.Errorf("%s: %d pictures: %s", name, len(got), diff)
		}
	}
}

// hashes are those of the decoded pictures.
func hashes(t *testing.T, medium io.Reader) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "medium")
	b, err := io.ReadAll(medium)
	if err == nil {
		err = os.WriteFile(path, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-i", path, "-map", "0:v", "-fps_mode", "passthrough", "-f", "framehash", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "#") {
			parts := strings.Split(line, ",")
			all = append(all, strings.TrimSpace(parts[len(parts)-1]))
		}
	}
	return all
}

// wrap makes a byte stream or IVF of pictures.
func wrap(codec media.Codec, pictures []Frame) []byte {
	var out bytes.Buffer
	if codec == media.CodecH264 || codec == media.CodecH265 {
		for _, f := range pictures {
			for _, nalu := range f.Units {
				out.Write([]byte{0, 0, 0, 1})
				out.Write(nalu)
			}
		}
		return out.Bytes()
	}
	head := make([]byte, ivfHeader)
	copy(head, "DKIF\x00\x00\x20\x00")
	copy(head[8:], map[media.Codec]string{media.CodecVP8: "VP80", media.CodecVP9: "VP90", media.CodecAV1: "AV01"}[codec])
	binary.LittleEndian.PutUint16(head[12:], 128)
	binary.LittleEndian.PutUint16(head[14:], 96)
	binary.LittleEndian.PutUint32(head[16:], 25)
	binary.LittleEndian.PutUint32(head[20:], 1)
	out.Write(head)
	for i, f := range pictures {
		data := bytes.Join(f.Units, nil)
		if codec == media.CodecAV1 {
			data = append([]byte{0x12, 0}, data...) // the temporal delimiter
		}
		frame := make([]byte, ivfFrameHeader)
		binary.LittleEndian.PutUint32(frame, uint32(len(data)))
		binary.LittleEndian.PutUint64(frame[4:], uint64(i))
		out.Write(frame)
		out.Write(data)
	}
	return out.Bytes()
}
