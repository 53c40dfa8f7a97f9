//go:build linux

package e2e

import (
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/test/browser"
)

// On a way that becomes too narrow for the best picture the smaller one comes, and when there is room again the best one.
// Nothing is negotiated meanwhile.
func TestThePictureFollowsTheRoomThatThereIs(t *testing.T) {
	s := enter(t)
	a := s.agent("agent", "test:?size=1280x720&fps=30", "--sub", "test:?size=320x180&fps=15")
	p := s.watch("viewer", a, "", "direct")
	s.becomes(p, 1280)

	must(t, s.Lab.Narrow(t.Context(), s.Viewer, 600))
	s.becomes(p, 320)
	narrow := s.sees(p, 8*time.Second)
	t.Logf("600 kbit/s: %s", narrow)
	if pictures := float64(narrow.Decoded) / (narrow.At / 1000); pictures < 12 {
		t.Errorf("%.1f pictures a second came over the narrow way, want most of 15", pictures)
	}

	must(t, s.Lab.Widen(t.Context(), s.Viewer))
	began := time.Now()
	s.becomes(p, 1280)
	t.Logf("the best picture was back after %v", time.Since(began))
	s.live(p, "direct")
}

// becomes waits for pictures that are so many pixels wide.
func (s *stage) becomes(p *browser.Page, width int) {
	s.t.Helper()
	eventually(s.t, "a picture of another width", func() (browser.Pictures, error) {
		return p.Pictures(s.t.Context())
	}, func(now browser.Pictures) bool { return now.Width == width })
}
