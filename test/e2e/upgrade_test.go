//go:build linux

package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/test/browser"
	"github.com/sightline-rtc/sightline/test/natlab"
	"github.com/sightline-rtc/sightline/test/rig"
	"github.com/sightline-rtc/sightline/test/soak"
)

// A session that began on the relay goes direct as soon as that is possible, and nobody sees it: the picture does not freeze,
// ICE is not restarted, and the relay is paid no more.
func TestARelayedPictureMovesToADirectPathThatOpensLate(t *testing.T) {
	s := town(t, natlab.TownConfig{Device: natlab.PortRestricted, Viewer: natlab.PortRestricted})
	ctx := t.Context()
	s.private()
	a := s.agent("agent", "test:")
	cut := need(s.Town.Sever(ctx))(t)
	p, session := s.looks("viewer", a, "relay", "relay")
	wait(ctx, soak.Duration(5*time.Second, 20*time.Second))
	eventually(t, "the relay's part in the ledger", func() (rig.Session, error) {
		return s.api.Session(ctx, session.ID)
	}, func(r rig.Session) bool { return r.Relayed.DownPackets > 100 })
	before := need(p.Pictures(ctx))(t)

	must(t, cut.Mend(ctx))
	s.live(p, "direct")
	need(p.Grow(ctx, 90, soon))(t)
	after := need(p.Pictures(ctx))(t)
	if after.Freezes != before.Freezes || after.FrozenS != before.FrozenS {
		t.Errorf("Chromium counts %+v after the upgrade, %+v before: want no freeze", after, before)
	}
	if !slices.Equal(after.Revisions, before.Revisions) {
		t.Errorf("the page's fragments are %v, were %v: want no ICE restart", after.Revisions, before.Revisions)
	}
	s.tellsTheSwitch(session.ID)
	s.relayRests(p, session.ID)
}

// tellsTheSwitch wants both paths, one after the other, in what the API tells of a session.
func (s *stage) tellsTheSwitch(id string) {
	s.t.Helper()
	known := eventually(s.t, "an account of the switch", func() (rig.Session, error) {
		return s.api.Session(s.t.Context(), id)
	}, func(r rig.Session) bool { return r.Path != nil && r.Path.Kind == "direct" && r.Direct.Bytes > 0 })
	last := known.Paths[len(known.Paths)-1]
	relayed := slices.ContainsFunc(known.Paths, func(c rig.PathChange) bool { return c.Kind == "relay" })
	if !relayed || last.Kind != "direct" || known.DirectPathMS == 0 || known.Relay.Bytes == 0 || known.Relay.TimeS == 0 || known.RelayReason != nil {
		s.t.Errorf("the account is %+v, want the relay's part and then the direct path's", known)
	}
}

// relayRests waits until the relay carries no more of a picture that goes on: some of it may not be in the ledger yet.
func (s *stage) relayRests(p *browser.Page, id string) {
	s.t.Helper()
	ctx := s.t.Context()
	var before uint64
	eventually(s.t, "the end of what the relay carries", func() (more uint64, err error) {
		need(p.Grow(ctx, 150, later))(s.t)
		r, err := s.api.Session(ctx, id)
		now := r.Relayed.UpBytes + r.Relayed.DownBytes
		more, before = now-before, now
		return more, err
	}, func(more uint64) bool { return more == 0 })
}
