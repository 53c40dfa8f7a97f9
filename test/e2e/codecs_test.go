//go:build linux

package e2e

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/test/browser"
)

// codecClips are where the pipeline has its clips of every codec: 128x96 in 10 pictures a second, played over and over.
const codecClips = "../../device/media/testdata/"

// anywhere is the whole picture of a clip, which moves a lot.
var anywhere = browser.Region{X: 0, Y: 0, Width: 1, Height: 1}

func TestChromiumShowsEveryCodecAndStreamsWithoutKeyframes(t *testing.T) {
	s := enter(t)
	for _, test := range []struct{ name, file string }{
		{"vp8", codecClips + "small.vp8.ivf"},
		{"vp9", codecClips + "small.vp9.ivf"},
		{"av1", codecClips + "small.av1.ivf"},
		{"intra", withoutIDR(t, "opengop.h264")},
		{"refresh", withoutIDR(t, "refresh.h264")},
	} {
		file := need(filepath.Abs(test.file))(t)
		a := s.agent(test.name, "file:"+file)
		p := s.watch(test.name, a, "", "direct")
		if frames := need(p.Frames(t.Context()))(t); frames.Width != 128 || frames.Height != 96 {
			t.Errorf("%s: the picture is %dx%d, want 128x96", test.name, frames.Width, frames.Height)
		}
		if moved := need(p.Moves(t.Context(), anywhere, soon/20))(t); moved < 0.005 {
			t.Errorf("%s: %.4f of the picture moves in 1.5 s, want a running one", test.name, moved)
		}
		must(t, p.Close(t.Context()))
		must(t, a.Stop())
	}

	hevc := s.agent("hevc", "file:"+need(filepath.Abs(codecClips+"closed.h265"))(t))
	s.pageSays("hevc", s.hub.WatchURL(hevc.Device, s.token(hevc.Device), ""), "closed", "codec", "no video format in common")
}

// withoutIDR writes a clip of H.264 as it looks to somebody who comes in the middle.
func withoutIDR(t *testing.T, name string) string {
	t.Helper()
	f := need(os.Open(codecClips + name))(t)
	defer f.Close()
	var late []byte
	for r := media.NewAnnexBReader(f); ; {
		nalu, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		if nalu[0]&0x1f != 5 {
			late = append(append(late, 0, 0, 0, 1), nalu...)
		}
	}
	path := filepath.Join(t.TempDir(), strings.ReplaceAll(name, ".", "-late."))
	must(t, os.WriteFile(path, late, 0o600))
	return path
}
