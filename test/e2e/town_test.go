//go:build linux

package e2e

import (
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/test/browser"
	"github.com/sightline-rtc/sightline/test/natlab"
	"github.com/sightline-rtc/sightline/test/rig"
)

// visit opens a stage in a town, with a hub that has these flags, whose agents and browser are behind NATs. Pages hide their
// addresses as they do for a person.
func visit(t *testing.T, town natlab.TownConfig, flags ...string) *stage {
	t.Helper()
	usable(t)
	s := occupy(t, need(rig.OpenTown(t.Context(), town))(t))
	s.hub = need(s.TownHub(t.Context(), flags...))(t)
	s.api = need(s.hub.API(t.Context()))(t)
	return s
}

// private starts the browser of a person, in place of the one that runs.
func (s *stage) private() {
	s.t.Helper()
	if s.chromium != nil {
		must(s.t, s.chromium.Close())
	}
	s.chromium = need(s.PrivateBrowser(s.t.Context()))(s.t)
}

// move carries both ends, whose programs are started anew, to other networks.
func (s *stage) move(a *rig.Agent, device, viewer natlab.Type) {
	s.t.Helper()
	must(s.t, a.Stop())
	must(s.t, s.Town.Rebuild(s.t.Context(), device, viewer))
	must(s.t, a.Start(s.t.Context()))
	s.private()
}

// taken waits until the server knows that a session goes that way, by one of the means, and returns it.
func (s *stage) taken(id, path string, means ...string) rig.Session {
	s.t.Helper()
	return eventually(s.t, "the path "+path, func() (rig.Session, error) {
		return s.api.Session(s.t.Context(), id)
	}, func(r rig.Session) bool {
		if r.Path == nil || r.Path.Kind != path {
			return false
		}
		for _, m := range means {
			if r.Path.Means == m {
				return true
			}
		}
		return len(means) == 0
	})
}

// looks opens the page of a device and waits for a picture that goes that way. It returns the session too.
func (s *stage) looks(name string, a *rig.Agent, path string, means ...string) (*browser.Page, rig.Session) {
	s.t.Helper()
	p := s.watch(name, a, "", path)
	return p, s.taken(s.session(a.Device).ID, path, means...)
}

// leavesTheRelay ends a session and proves that the relay has carried nothing for it.
func (s *stage) leavesNothing(id string) {
	s.t.Helper()
	must(s.t, s.api.CloseSession(s.t.Context(), id))
	ended := eventually(s.t, "the session's end", func() (rig.Session, error) {
		return s.api.Session(s.t.Context(), id)
	}, func(r rig.Session) bool { return r.State == "ended" })
	if ended.Relayed != (rig.Relayed{}) {
		s.t.Errorf("the relay has carried %+v for a direct session", ended.Relayed)
	}
}

// settle lets an agent that has begun find out about its network, as cameras have before somebody looks.
func (s *stage) settle() { wait(s.t.Context(), time.Second) }
