//go:build linux

package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/test/browser"
	"github.com/sightline-rtc/sightline/test/natlab"
	"github.com/sightline-rtc/sightline/test/rig"
	"github.com/sightline-rtc/sightline/test/soak"
)

// A session that began on the relay goes direct as soon as that is possible, and nobody sees it: ICE is not restarted, the relay
// carries no more, and the picture does not freeze. On a machine with too much to do pictures freeze by themselves, so one
// upgrade of three has to be without.
func TestARelayedPictureMovesToADirectPathThatOpensLate(t *testing.T) {
	s := town(t, natlab.TownConfig{Device: natlab.PortRestricted, Viewer: natlab.PortRestricted})
	must(t, s.Server.Filter(t.Context(), watchRelay))
	s.private()
	a := s.agent("agent", "test:")
	for i := range 3 {
		frozen := s.upgrade(fmt.Sprint("viewer ", i), a)
		if frozen == "" {
			return
		}
		t.Log(frozen)
	}
	t.Error("the picture froze at every upgrade")
}

// upgrade opens the direct path of a relayed session. It returns what froze meanwhile; empty is nothing.
func (s *stage) upgrade(name string, a *rig.Agent) (frozen string) {
	s.t.Helper()
	t, ctx := s.t, s.t.Context()
	relayed := s.carried()
	cut := need(s.Town.Sever(ctx))(t)
	p, session := s.looks(name, a, "relay", "relay")
	wait(ctx, soak.Duration(5*time.Second, 20*time.Second))
	before := need(p.Pictures(ctx))(t)
	must(t, cut.Mend(ctx))
	s.live(p, "direct")
	need(p.Grow(ctx, 90, soon))(t)
	after := need(p.Pictures(ctx))(t)
	if after.Freezes != before.Freezes || after.FrozenS != before.FrozenS {
		frozen = fmt.Sprintf("Chromium counts %+v after the upgrade, %+v before", after, before)
	}
	if !slices.Equal(after.Revisions, before.Revisions) {
		t.Errorf("the page's fragments are %v, were %v: want no ICE restart", after.Revisions, before.Revisions)
	}
	s.tellsTheSwitch(session.ID)
	s.relayRests(p)

	must(t, s.api.CloseSession(ctx, session.ID))
	eventually(t, "a record of what the relay carried before", func() (rig.Session, error) {
		return s.api.Session(ctx, session.ID)
	}, func(r rig.Session) bool {
		wire := s.carried()
		wire.Packets -= relayed.Packets
		wire.Bytes -= relayed.Bytes
		return r.State == "ended" && near(float64(r.Relayed.UpBytes+r.Relayed.DownBytes), payload(wire), 0.02)
	})
	must(t, p.Close(ctx))
	return frozen
}

// carried is what the relay has exchanged with its peers (watchRelay).
func (s *stage) carried() natlab.Count {
	s.t.Helper()
	return need(s.Server.Counters(s.t.Context(), "relay"))(s.t)["carried"]
}

// tellsTheSwitch wants both paths, one after the other, in what the API tells of a session.
func (s *stage) tellsTheSwitch(id string) {
	s.t.Helper()
	known := eventually(s.t, "an account of the switch", func() (rig.Session, error) {
		return s.api.Session(s.t.Context(), id)
	}, func(r rig.Session) bool {
		return r.Path != nil && r.Path.Kind == "direct" && r.Direct.Bytes > 0 && r.Relay.Bytes > 0
	})
	last := known.Paths[len(known.Paths)-1]
	relayed := slices.ContainsFunc(known.Paths, func(c rig.PathChange) bool { return c.Kind == "relay" })
	if !relayed || last.Kind != "direct" || known.DirectPathMS == 0 || known.Relay.TimeS == 0 || known.RelayReason != nil {
		s.t.Errorf("the account is %+v, want the relay's part and then the direct path's", known)
	}
}

// relayRests waits until the relay carries no more of a picture that goes on, but a check now and then.
func (s *stage) relayRests(p *browser.Page) {
	s.t.Helper()
	const frames = 90
	before := s.carried()
	eventually(s.t, "the relay's rest", func() (more uint64, err error) {
		_, err = p.Grow(s.t.Context(), frames, soon)
		now := s.carried()
		more, before = now.Packets-before.Packets, now
		return more, err
	}, func(more uint64) bool { return more < frames/3 })
}
