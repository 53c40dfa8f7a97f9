//go:build linux

package e2e

import (
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/test/browser"
	"github.com/sightline-rtc/sightline/test/natlab"
	"github.com/sightline-rtc/sightline/test/rig"
)

// The page tells nothing of where it is but a name that only its own network could resolve, and the camera need not: it tells
// its own address in the network, the page writes to it, and so is known.
func TestAPictureStaysInTheNetworkOfBothEnds(t *testing.T) {
	s := town(t, natlab.TownConfig{Device: natlab.PortRestricted, Viewer: natlab.SameLAN}, lateRelay...)
	s.private()
	a := s.agent("agent", "test:")
	p, session := s.looks("viewer", a, "direct", "ice")
	for _, m := range need(p.Signaled(t.Context()))(t) {
		if m.Sent && strings.Contains(m.Data, s.Viewer.Addr.String()) {
			t.Errorf("the page tells its address: %s", m.Data)
		}
	}
	if remote := s.remote(p); remote.Address != s.Camera.Addr.String() {
		t.Errorf("the picture comes from %+v, want the camera's own address %v", remote, s.Camera.Addr)
	}
	s.leavesNothing(session.ID)
}

func TestNeighboursBehindOneCarrierMeetWhereItHairpins(t *testing.T) {
	s := town(t, natlab.TownConfig{Device: natlab.CarrierPort, Viewer: natlab.SameCarrier, Hairpin: true}, lateRelay...)
	s.private()
	_, session := s.looks("viewer", s.agent("agent", "test:"), "direct", "ice")
	s.leavesNothing(session.ID)
}

// Neither home knows the other's address in the carrier's network, and its own home's router opens no port there.
func TestNeighboursBehindACarrierThatDoesNotHairpinAreConnected(t *testing.T) {
	s := town(t, natlab.TownConfig{Device: natlab.CarrierPort, Viewer: natlab.SameCarrier})
	s.private()
	_, session := s.looks("viewer", s.agent("agent", "test:"), "relay")
	explained := eventually(t, "the reason", func() (rig.Session, error) { return s.api.Session(t.Context(), session.ID) },
		func(r rig.Session) bool { return r.RelayReason != nil })
	if r := explained.RelayReason; (r.Code != "not_yet" && r.Code != "no_path_found") || r.Text == "" {
		t.Errorf("the reason is %+v, want not_yet or no_path_found, in words", r)
	}
}

// remote is the other end of the pair that a page's media takes now.
func (s *stage) remote(p *browser.Page) browser.Candidate {
	s.t.Helper()
	path := need(p.Path(s.t.Context()))(s.t)
	if len(path.Pairs) == 0 {
		s.t.Fatal("the page has selected no pair")
	}
	return path.Pairs[len(path.Pairs)-1].Remote
}
