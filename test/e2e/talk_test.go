//go:build linux

package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/test/camera"
)

// The microphone of a page reaches the loudspeaker of an RTSP camera, through a back channel that is open while the page talks.
func TestAPersonTalksThroughTheCamera(t *testing.T) {
	s := enter(t)
	heard := filepath.Join(t.TempDir(), "heard")
	rtsp := need(s.RTSPCameraWith(t.Context(), camera.Options{Port: 8554, Width: 640, Height: 360, Speaker: heard}))(t)
	a := s.agent("agent", rtsp.URL)
	s.chromium = need(s.Browser(t.Context(), "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
		"--unsafely-treat-insecure-origin-as-secure="+s.hub.URL))(t) // which browsers ask for before they open a microphone
	token := need(s.hub.Token(t.Context(), a.Device, "--grants", "view,audio,talk"))(t)
	p := s.open("viewer", s.hub.WatchURL(a.Device, token, ""))
	s.live(p, "direct")
	state := func() (c protocol.Camera, err error) {
		err = p.Evaluate(t.Context(), element+`.camera`, &c)
		return c, err
	}
	eventually(t, "the page may talk", state, func(c protocol.Camera) bool { return c.Talk })
	sound := func() ([]byte, error) { return os.ReadFile(heard) }
	if got := need(sound())(t); len(got) != 0 {
		t.Errorf("the loudspeaker played %d bytes before anybody talked", len(got))
	}
	must(t, p.Evaluate(t.Context(), `void `+element+`.talk(true)`, nil))
	eventually(t, "a beep at the loudspeaker", sound, loud)
	must(t, p.Evaluate(t.Context(), `void `+element+`.talk(false)`, nil))
	eventually(t, "nobody is heard any more", state, func(c protocol.Camera) bool { return !c.Talking })
	need(p.Grow(t.Context(), 15, soon))(t)
}

// loud reports whether there is more than silence in some sound in mu-law, whose segments of 16 values have twice the
// steps of the one before (ITU-T G.711 table 2).
func loud(sound []byte) bool {
	for _, sample := range sound {
		if segment := ^sample >> 4 & 7; segment >= 4 {
			return true
		}
	}
	return false
}
