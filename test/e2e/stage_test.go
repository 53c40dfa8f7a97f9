//go:build linux

package e2e

import (
	"os"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/test/browser"
	"github.com/sightline-rtc/sightline/test/rig"
)

const (
	// soon is how long anything may take that a person waits for. Tests do not measure: it is generous.
	soon = 30 * time.Second
	// later is how long repair may take: it waits for time-outs and back-off of the product itself.
	later = 60 * time.Second
	// atLast is how long it may take until an end that finds no path gives up: four tries, and the waits between them.
	atLast = 3 * time.Minute
)

// stage is a rig, mostly with a running hub, and what tests ask of it; every method fails the test rather than return an
// error.
type stage struct {
	*rig.Rig
	t   *testing.T
	hub *rig.Hub
	api *rig.API
	// chromium is started with the first page.
	chromium *browser.Browser
}

// enter opens a stage with a hub that has these flags. It goes with the test, and when that fails it shows what all programs said.
func enter(t *testing.T, flags ...string) *stage {
	t.Helper()
	s := bare(t)
	s.hub = need(s.Hub(t.Context(), flags...))(t)
	s.api = need(s.hub.API(t.Context()))(t)
	return s
}

// bare opens a stage on which nothing runs yet.
func bare(t *testing.T) *stage {
	t.Helper()
	usable(t)
	r, err := rig.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return occupy(t, r)
}

// occupy makes a stage of a rig, which goes with the test.
func occupy(t *testing.T, r *rig.Rig) *stage {
	t.Helper()
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("clean up: %v", err)
		}
		if t.Failed() {
			_, _ = r.Log.WriteTo(t.Output())
		}
	})
	return &stage{Rig: r, t: t}
}

// usable skips a test where nothing can be put on a stage; in CI it fails.
func usable(t *testing.T) {
	t.Helper()
	err := rig.Usable()
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
}

// need is for calls whose failure ends the test.
func need[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *stage) agent(name, source string, flags ...string) *rig.Agent {
	s.t.Helper()
	return need(s.Agent(s.t.Context(), s.hub, name, source, flags...))(s.t)
}

func (s *stage) token(device string) string {
	s.t.Helper()
	return need(s.hub.Token(s.t.Context(), device))(s.t)
}

// open opens a page, whatever it may show.
func (s *stage) open(name, url string) *browser.Page {
	s.t.Helper()
	if s.chromium == nil {
		s.chromium = need(s.Browser(s.t.Context()))(s.t)
	}
	return need(s.chromium.Open(s.t.Context(), name, url))(s.t)
}

// watch opens the page of a device and waits for the picture. The path is what it must take.
func (s *stage) watch(name string, a *rig.Agent, query, path string) *browser.Page {
	s.t.Helper()
	p := s.open(name, s.hub.WatchURL(a.Device, s.token(a.Device), query))
	s.live(p, path)
	return p
}

// live waits until the page shows a running picture on a path.
func (s *stage) live(p *browser.Page, path string) {
	s.t.Helper()
	need(p.Until(s.t.Context(), "live", path, later))(s.t)
	need(p.Grow(s.t.Context(), 15, soon))(s.t)
}

// session returns the only open session of a device.
func (s *stage) session(device string) rig.Session {
	s.t.Helper()
	var open []rig.Session
	for _, session := range need(s.api.Sessions(s.t.Context(), device))(s.t) {
		if session.State != "ended" {
			open = append(open, session)
		}
	}
	if len(open) != 1 {
		s.t.Fatalf("got the open sessions %+v, want one", open)
	}
	return open[0]
}

// eventually asks again and again until an answer satisfies, and returns it.
func eventually[T any](t *testing.T, what string, ask func() (T, error), satisfied func(T) bool) T {
	t.Helper()
	return within(t, later, what, ask, satisfied)
}

// within is eventually with a limit of its own.
func within[T any](t *testing.T, limit time.Duration, what string, ask func() (T, error), satisfied func(T) bool) T {
	t.Helper()
	deadline := time.After(limit)
	for {
		answer, err := ask()
		if err == nil && satisfied(answer) {
			return answer
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-deadline:
			t.Fatalf("%s did not happen in %v: the last answer was %+v, %v", what, limit, answer, err)
		}
	}
}
