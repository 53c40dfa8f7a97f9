//go:build linux

package e2e

import (
	"testing"

	"github.com/sightline-rtc/sightline/test/rig"
)

// A WHEP player of somebody else's, unmodified, shows our camera, also while the hub is away, and deletes its session; it hears
// of a camera that is offline.
func TestAWHEPPlayerShowsACamera(t *testing.T) {
	s := enter(t)
	a := s.agent("agent", "test:")
	endpoint := s.hub.URL + "/v1/devices/" + a.Device + "/whep"
	page := s.open("viewer", s.hub.URL+"/healthz")
	must(t, page.WHEP(t.Context()))
	must(t, page.WatchWHEP(t.Context(), endpoint, s.token(a.Device)))
	need(page.Grow(t.Context(), 30, soon))(t)
	session := eventually(t, "the direct path", func() (rig.Session, error) { return s.api.Session(t.Context(), s.session(a.Device).ID) },
		func(r rig.Session) bool { return r.Path != nil })
	if session.State != "answered" || session.Path.Kind != "direct" {
		t.Errorf("got the session %+v", session)
	}

	s.hub.Kill()
	must(t, s.hub.Start(t.Context()))
	need(page.Grow(t.Context(), 30, soon))(t)
	must(t, page.UnloadWHEP(t.Context()))
	eventually(t, "the session has ended", func() (rig.Session, error) { return s.api.Session(t.Context(), session.ID) },
		func(r rig.Session) bool { return r.State == "ended" })

	a.Kill()
	eventually(t, "the player hears that the camera is offline", func() (int, error) {
		if err := page.WatchWHEP(t.Context(), endpoint, s.token(a.Device)); err != nil {
			return 0, err
		}
		return page.WHEPFailures(t.Context())
	}, func(n int) bool { return n > 0 })
}
