//go:build linux

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/test/browser"
	"github.com/sightline-rtc/sightline/test/natlab"
	"github.com/sightline-rtc/sightline/test/rig"
)

// lateRelay are flags of a hub whose viewers do without a relay for longer than it takes to connect, even on a machine with too
// much to do: what is direct has never been relayed.
var lateRelay = []string{"--relay-delay", "10s"}

// town opens a stage between routers, with a running hub on the internet.
func town(t *testing.T, config natlab.TownConfig, flags ...string) *stage {
	t.Helper()
	s := emptyTown(t, config)
	s.hub = need(s.TownHub(t.Context(), flags...))(t)
	s.api = need(s.hub.API(t.Context()))(t)
	return s
}

// emptyTown opens a stage between routers on which nothing runs yet.
func emptyTown(t *testing.T, config natlab.TownConfig) *stage {
	t.Helper()
	usable(t)
	return occupy(t, need(rig.OpenTown(t.Context(), config))(t))
}

// private starts the browser of a person, which hides its addresses, in place of the one that runs.
func (s *stage) private(flags ...string) {
	s.t.Helper()
	if s.chromium != nil {
		must(s.t, s.chromium.Close())
	}
	s.chromium = need(s.PrivateBrowser(s.t.Context(), flags...))(s.t)
}

// move carries both ends to other networks, and starts their programs anew.
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
	return eventually(s.t, fmt.Sprint("the path ", path, means), func() (rig.Session, error) {
		return s.api.Session(s.t.Context(), id)
	}, func(r rig.Session) bool {
		return r.Path != nil && r.Path.Kind == path && (len(means) == 0 || slices.Contains(means, r.Path.Means))
	})
}

// looks opens the page of a device and waits for a picture that goes that way. It returns the session too.
func (s *stage) looks(name string, a *rig.Agent, path string, means ...string) (*browser.Page, rig.Session) {
	s.t.Helper()
	p := s.watch(name, a, "", path)
	return p, s.taken(s.session(a.Device).ID, path, means...)
}

// knowsItsNetwork waits until an agent has found out in what kind of network it is.
func (s *stage) knowsItsNetwork(a *rig.Agent, kind string) {
	s.t.Helper()
	eventually(s.t, "word of a network that is "+kind, func() (rig.Device, error) {
		return s.api.Device(s.t.Context(), a.Device)
	}, func(d rig.Device) bool { return d.Network != nil && d.Network.Kind == kind })
}

// leavesNothing ends a session and proves that the relay has carried nothing for it.
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

// told returns all that a page was told of candidates.
func (s *stage) told(p *browser.Page) string {
	s.t.Helper()
	var all strings.Builder
	for _, m := range need(p.Signaled(s.t.Context()))(s.t) {
		if !m.Sent {
			all.WriteString(m.Data)
		}
	}
	return all.String()
}
