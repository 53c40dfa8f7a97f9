//go:build linux

package e2e

import (
	"testing"

	"github.com/sightline-rtc/sightline/test/natlab"
	"github.com/sightline-rtc/sightline/test/rig"
)

// No hole can be punched between two symmetric translators: the port that the router opens is the only way.
func TestARouterThatMapsPortsBringsThePictureDirectly(t *testing.T) {
	s := town(t, natlab.TownConfig{Device: natlab.Symmetric, Viewer: natlab.Symmetric, Mapping: true})
	router := s.Town.Mapper()
	agent := s.agent("agent", "test:")
	s.rules(router, 2)
	p := s.watch("viewer", agent, "", "direct")
	eventually(t, "word of a mapped path", func() (rig.Session, error) { return s.session(agent.Device), nil },
		func(session rig.Session) bool { return session.Path != nil && session.Path.Means == "mapped" })
	must(t, p.Close(t.Context()))

	// The router loses its power, and all that it knew.
	must(t, router.Restart(t.Context(), 0))
	s.rules(router, 2)
	s.watch("viewer after a restart of the router", agent, "", "direct")

	// The camera does.
	agent.Kill()
	must(t, agent.Start(t.Context()))
	s.watch("viewer after a restart of the camera", agent, "", "direct")
	s.rules(router, 2)

	must(t, agent.Stop())
	s.rules(router, 0)
}

// rules waits until a router maps so many ports.
func (s *stage) rules(router *natlab.Mapper, want int) {
	s.t.Helper()
	eventually(s.t, "the router's mapping", func() ([]string, error) { return router.Mappings(s.t.Context()) },
		func(rules []string) bool { return len(rules) == want })
}
