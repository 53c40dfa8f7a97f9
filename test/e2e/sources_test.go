//go:build linux

package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sightline-rtc/sightline/test/browser"
)

// clips are files of package demux: 1 s of 25 pictures of 128x96, repeated.
const clips = "../../device/source/demux/testdata"

// clipMoves is a part of them that is never still.
var clipMoves = browser.Region{X: 0, Y: 0, Width: 1, Height: 1}

// Files of every form and a command are shown by Chromium, and the picture says that its source is away in codecs that the agent
// cannot encode.
func TestFilesAndCommandsAreShownAndSayWhenTheyAreAway(t *testing.T) {
	s := enter(t)
	dir := t.TempDir()
	pages := make(map[string]*browser.Page)
	for _, name := range []string{"clip.h264", "vp8.ivf", "vp9.mp4", "av1.ivf", "h264_aac.ts"} {
		path := filepath.Join(dir, name)
		copyFile(t, filepath.Join(clips, name), path)
		pages[name] = s.watch(name, s.agent(name, "file:"+path), "", "direct")
	}
	pages["command"] = s.watch("command", s.agent("command", "exec:ffmpeg -v error -re -f lavfi -i testsrc2=size=128x96:rate=25 "+
		"-f lavfi -i sine=frequency=440 -c:v libx264 -preset ultrafast -tune zerolatency -g 25 -c:a libopus -f mpegts -"), "", "direct")
	for name, p := range pages {
		must(t, p.Front(t.Context()))
		eventually(t, name+" without a break", func() (browser.Frames, error) { // six of them are shown by two processors
			must(t, p.Mark(t.Context()))
			return p.Grow(t.Context(), 40, soon)
		}, func(f browser.Frames) bool { return f.StallMS <= 1000 && f.Width == 128 })
		s.moves(p, clipMoves)
	}
	for _, name := range []string{"vp9.mp4", "av1.ivf"} {
		p := pages[name]
		must(t, os.Truncate(filepath.Join(dir, name), 0))
		must(t, p.Front(t.Context()))
		s.countsDown(p)
		copyFile(t, filepath.Join(clips, name), filepath.Join(dir, name))
		eventually(t, name+" is back", func() (browser.Frames, error) { return p.Frames(t.Context()) },
			func(f browser.Frames) bool { return f.Width == 128 })
		s.isBack(p, clipMoves)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content := need(os.ReadFile(from))(t)
	must(t, os.WriteFile(to, content, 0o600))
}
