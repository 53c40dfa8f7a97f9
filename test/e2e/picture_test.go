//go:build linux

package e2e

import (
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/test/browser"
)

var (
	// testClock is where the test picture shows its clock, testBars a part of it that never changes, below the machines' clock.
	testClock = browser.Region{X: 0.2, Y: 0.42, Width: 0.6, Height: 0.14}
	testBars  = browser.Region{X: 0, Y: 0.06, Width: 1, Height: 0.14}
	// cameraClock is where the RTSP camera shows its clock.
	cameraClock = browser.Region{X: 0.02, Y: 0.02, Width: 0.3, Height: 0.12}
)

func TestTheTestPictureRunsDirect(t *testing.T) {
	s := enter(t)
	p := s.watch("viewer", s.agent("agent", "test:"), "", "direct")
	runsFor20Seconds(s, p, testClock)
	if moved := need(p.Moves(t.Context(), testBars, time.Second))(t); moved > 0 {
		t.Errorf("%.4f of the colour bars moves, want none: what moves must be the clock", moved)
	}
	for _, age := range need(p.Ages(t.Context(), 30))(t) {
		if age < 0 || age > 2000 {
			t.Errorf("a picture was %.0f ms old when it came on the screen: its clock is wrong, or it waited somewhere", age)
		}
	}
}

func TestAnRTSPCameraRunsDirectAndComesBackAfterItsOwnRestart(t *testing.T) {
	s := enter(t)
	camera := need(s.RTSPCamera(t.Context()))(t)
	p := s.watch("viewer", s.agent("agent", camera.URL), "", "direct")
	runsFor20Seconds(s, p, cameraClock)

	camera.Kill()
	need(p.Reads(t.Context(), "Camera offline", soon))(t)
	s.countsDown(p)
	must(t, camera.Start(t.Context()))
	s.isBack(p, cameraClock)
}

// offlineWords is where the picture says that the camera is offline, in two lines, of which the lower counts down.
var offlineWords = browser.Region{X: 0.15, Y: 0.5, Width: 0.7, Height: 0.12}

// countsDown proves that the session goes on with a picture that says when the camera is tried again.
func (s *stage) countsDown(p *browser.Page) {
	s.t.Helper()
	need(p.Grow(s.t.Context(), 4, soon))(s.t)
	for began := time.Now(); need(p.Moves(s.t.Context(), offlineWords, 1500*time.Millisecond))(s.t) == 0; {
		if time.Since(began) > soon {
			s.t.Fatal("the picture does not count down")
		}
	}
	if state := need(p.State(s.t.Context()))(s.t); state.DataState != "live" {
		s.t.Errorf("the element says %+v, want live: the session goes on", state)
	}
}

// isBack waits for the camera's own picture, in the same session.
func (s *stage) isBack(p *browser.Page, clock browser.Region) {
	s.t.Helper()
	s.moves(p, clock)
	if path := need(p.Path(s.t.Context()))(s.t); len(path.Opens) != 1 {
		s.t.Errorf("the page opened %d sessions, want 1: it stays while the camera is away", len(path.Opens))
	}
}

// moves waits until a part of the picture changes: a clip that is played over and over is where it was, whenever a comparison
// takes as long as the clip.
func (s *stage) moves(p *browser.Page, part browser.Region) {
	s.t.Helper()
	eventually(s.t, "a picture that moves",
		func() (float64, error) { return p.Moves(s.t.Context(), part, 300*time.Millisecond) },
		func(share float64) bool { return share >= 0.005 })
}

// runsFor20Seconds proves that the picture is alive all that time, and that it takes the direct path still.
func runsFor20Seconds(s *stage, p *browser.Page, clock browser.Region) {
	s.t.Helper()
	must(s.t, p.Mark(s.t.Context()))
	began := time.Now()
	for time.Since(began) < 20*time.Second {
		clockMoves(s, p, clock)
	}
	frames := need(p.Frames(s.t.Context()))(s.t)
	if frames.StallMS > 1000 {
		s.t.Errorf("no new frame for %.0f ms, want frames all the time", frames.StallMS)
	}
	if state := need(p.State(s.t.Context()))(s.t); state.DataState != "live" || state.DataPath != "direct" || state.State != "live" {
		s.t.Errorf("after 20 seconds the element says %+v, want live and direct", state)
	}
}

// clockMoves proves that the picture is not the same one for ever. The digits are a small part of the region.
func clockMoves(s *stage, p *browser.Page, clock browser.Region) {
	s.t.Helper()
	if moved := need(p.Moves(s.t.Context(), clock, 1500*time.Millisecond))(s.t); moved < 0.005 {
		s.t.Errorf("%.4f of the clock moves in 1.5 s, want a running clock", moved)
	}
}
