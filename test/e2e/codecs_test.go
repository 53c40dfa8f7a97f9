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

// codecClips are clips of the pipeline: 128x96 in 10 pictures a second, played over and over.
const codecClips = "../../device/media/testdata/"

// anywhere is the whole picture of a clip, which moves a lot.
var anywhere = browser.Region{X: 0, Y: 0, Width: 1, Height: 1}

func TestChromiumShowsWhatItCanOfDifficultCameras(t *testing.T) {
	s := enter(t)
	file := func(name string) string { return "file:" + need(filepath.Abs(codecClips+name))(t) }
	for _, camera := range []struct {
		name, source string
		flags        []string
	}{
		{"intra pictures that are not IDR", "file:" + withoutIDR(t, "opengop.h264"), nil},
		{"refreshed bit by bit", "file:" + withoutIDR(t, "refresh.h264"), nil},
		{"H.265, and H.264 as its sub stream", file("closed.h265"), []string{"--sub", file("main.h264")}},
	} {
		a := s.agent(strings.Fields(camera.name)[0], camera.source, camera.flags...)
		p := s.watch(camera.name, a, "", "direct")
		if frames := need(p.Frames(t.Context()))(t); frames.Width != 128 || frames.Height != 96 {
			t.Errorf("%s: the picture is %dx%d, want 128x96", camera.name, frames.Width, frames.Height)
		}
		s.moves(p, anywhere)
		must(t, p.Close(t.Context()))
		must(t, a.Stop())
	}

	turncoat := filepath.Join(t.TempDir(), "clip")
	copyFile(t, codecClips+"main.h264", turncoat)
	p := s.watch("changes its codec", s.agent("turncoat", "file:"+turncoat), "", "direct")
	copyFile(t, codecClips+"large.vp9.ivf", turncoat)
	eventually(t, "the picture in VP9", func() (browser.Frames, error) { return p.Frames(t.Context()) },
		func(f browser.Frames) bool { return f.Width == 192 })
	s.live(p, "direct")

	alone := s.agent("alone", file("closed.h265"))
	s.pageSays("alone", s.hub.WatchURL(alone.Device, s.token(alone.Device), ""), "closed", "codec", "no video format in common")
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
