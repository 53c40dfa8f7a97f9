//go:build linux

package e2e

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/test/browser"
	"github.com/sightline-rtc/sightline/test/natlab"
	"github.com/sightline-rtc/sightline/test/rig"
)

func TestThePictureGoesOnWhenAnAddressChanges(t *testing.T) {
	s := town(t, natlab.TownConfig{Device: natlab.PortRestricted, Viewer: natlab.PortRestricted})
	ctx := t.Context()
	s.private()
	a := s.agent("agent", "test:")
	p, session := s.looks("viewer", a, "direct", "ice")
	for _, move := range []struct {
		what string
		do   func() error
		old  netip.Addr // of the camera, that is no more
		now  func() netip.Addr
	}{
		{
			"the provider gives the camera's router another address",
			func() error { return s.Town.Renumber(ctx, natlab.DeviceSide) },
			s.Town.Outside(natlab.DeviceSide),
			func() netip.Addr { return s.Town.Outside(natlab.DeviceSide) },
		},
		{
			"the router gives the camera another address",
			func() error { return s.Camera.Readdress(ctx, netip.MustParseAddr("10.1.0.77")) },
			s.Camera.Addr,
			func() netip.Addr { return s.Camera.Addr },
		},
		{
			"the provider gives the viewer's router another address",
			func() error { return s.Town.Renumber(ctx, natlab.ViewerSide) },
			netip.Addr{},
			nil,
		},
		{
			"the router gives the viewer another address",
			func() error { return s.Viewer.Readdress(ctx, netip.MustParseAddr("10.2.0.77")) },
			netip.Addr{},
			nil,
		},
	} {
		t.Log(move.what)
		must(t, move.do())
		s.goesOn(p, session.ID)
		if move.now != nil {
			s.knownAt(a, move.now(), move.old)
			s.goesOn(p, session.ID)
		}
	}
}

// goesOn waits until a picture that was cut off runs again, directly, in the session that it had.
func (s *stage) goesOn(p *browser.Page, id string) {
	s.t.Helper()
	need(p.Grow(s.t.Context(), 60, later))(s.t)
	s.live(p, "direct")
	if r := s.taken(id, "direct", "ice"); r.State == "ended" {
		s.t.Errorf("the session has ended for %q", r.Reason)
	}
}

// knownAt waits until new viewers are told of a device's address, and no more of its old one.
func (s *stage) knownAt(a *rig.Agent, now, old netip.Addr) {
	s.t.Helper()
	eventually(s.t, "an answer with the new address alone", func() (string, error) {
		p, err := s.chromium.Open(s.t.Context(), "another", s.hub.WatchURL(a.Device, s.token(a.Device), ""))
		if err != nil {
			return "", err
		}
		s.live(p, "direct")
		answers := s.told(p)
		return answers, p.Close(s.t.Context())
	}, func(answers string) bool {
		return strings.Contains(answers, " "+now.String()+" ") && !strings.Contains(answers, " "+old.String()+" ")
	})
}
