//go:build linux

package e2e

import (
	"testing"

	"github.com/sightline-rtc/sightline/test/rig"
)

func TestAProjectsTermsReachAPictureThatRuns(t *testing.T) {
	s := enter(t, "--path", "relay_only")
	a := s.agent("agent", "test:?size=1280x720", "--sub", "test:?size=640x360")
	p := s.watch("viewer", a, "", "relay")
	session := s.session(a.Device).ID
	s.shows(p, 640)
	s.project("--relay-hd", "yes")
	s.shows(p, 1280)
	for _, step := range [][2]string{{"prefer_direct", "direct"}, {"server", "relay"}, {"direct_only", "direct"}} {
		s.project("--path", step[0])
		s.live(p, step[1])
	}
	if got := s.session(a.Device).ID; got != session {
		t.Errorf("the session is %s, want %s to go on", got, session)
	}
}

func TestAPictureEndsWhenItsTimeOnTheRelayIsOver(t *testing.T) {
	s := enter(t, "--max-relay-time", "10s")
	ctx := t.Context()
	a := s.agent("agent", "test:")
	direct := s.watch("direct", a, "", "direct")
	relayed := s.watch("relayed", a, "?ice=relay", "relay")
	need(relayed.Until(ctx, "closed", "", later))(t)
	need(relayed.Reads(ctx, "The time on the relay is used up", soon))(t)
	eventually(t, "the end of the relayed session alone", func() ([]rig.Session, error) {
		return s.api.Sessions(ctx, a.Device)
	}, func(all []rig.Session) bool {
		return len(all) == 2 && all[0].Reason == "quota" && all[0].Path.Kind == "relay" && all[1].State == "answered"
	})
	s.live(direct, "direct")
}

// project changes the terms of the default project.
func (s *stage) project(flags ...string) {
	s.t.Helper()
	var project struct{}
	must(s.t, s.hub.Do(s.t.Context(), &project, append([]string{"project", "set"}, flags...)...))
}
