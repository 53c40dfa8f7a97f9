package signal

import (
	"slices"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

var usedUp = record.Plan{Project: project, BudgetBytes: 1, UsedBytes: 1}

// replan says what projects may use from now on, and has the hub act on it.
func (s *stage) replan(t *testing.T, plan record.Plan) {
	t.Helper()
	s.setPlan(plan)
	s.hub.Replan(t.Context(), project)
}

// going connects a viewer and says how the media goes.
func (s *stage) going(t *testing.T, d *peer, n int, path protocol.PathKind) *peer {
	t.Helper()
	v := s.viewer(t, nil)
	connect(v, d, n)
	v.post(protocol.TypePath, sessionID(n), &protocol.Path{Kind: path, Means: "ice"})
	s.until(t, "the path is known", func() bool { return s.row(sessionID(n)).Path.Kind == path })
	return v
}

func hasRelay(servers []protocol.ICEServer) bool {
	return slices.ContainsFunc(servers, func(s protocol.ICEServer) bool { return s.Username != "" })
}

func TestAUsedUpBudgetEndsWhatIsRelayedAndLeavesTheDirectPath(t *testing.T) {
	s := onSockets(t, nil)
	d := s.device(t, camera)
	relayed := s.going(t, d, 1, protocol.PathRelay)
	direct := s.going(t, d, 2, protocol.PathDirect)
	idle := s.viewer(t, nil)

	s.replan(t, usedUp)
	if got := body[*protocol.Closed](t, relayed.await(protocol.TypeClosed)).Reason; got != protocol.ReasonQuota {
		t.Errorf("the relayed session: got %s, want quota", got)
	}
	if got := body[*protocol.Policy](t, direct.await(protocol.TypePolicy)).Path; got != protocol.PathDirectOnly {
		t.Errorf("the direct session: got the policy %s, want direct_only", got)
	}
	row := s.row(sessionID(2))
	if !row.Ended.IsZero() || !s.hasEnded(row.ViewerGrant) || !s.hasEnded(row.DeviceGrant) {
		t.Errorf("the direct session is %+v, want it open and without a relay", row)
	}
	fresh := body[*protocol.ICEServers](t, idle.await(protocol.TypeICEServers))
	if hasRelay(fresh.ICEServers) || fresh.Grant == idle.welcome.Grant || !s.hasEnded(idle.welcome.Grant) {
		t.Errorf("a viewer without a session got %+v", fresh)
	}
	s.hub.Replan(t.Context(), project) // Nothing is done twice.
	if got, want := s.hub.Quota(), (Quota{Ended: 1, Direct: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestSessionsOpenedOnAUsedUpBudgetHaveTheDirectPath(t *testing.T) {
	s := onSockets(t, nil)
	s.setPlan(usedUp)
	d, v := s.device(t, camera), s.viewer(t, nil)
	if hasRelay(v.welcome.ICEServers) || v.welcome.Path != protocol.PathDirectOnly {
		t.Errorf("the welcome has %+v", v.welcome.ICEServers)
	}
	v.open(1)
	invite := d.await(protocol.TypeInvite)
	if m := body[*protocol.Invite](t, invite); m.Policy.Path != protocol.PathDirectOnly || !m.Policy.Quota || hasRelay(m.ICEServers) {
		t.Errorf("got invite %+v", m)
	}
	if m := body[*protocol.Opened](t, v.await(protocol.TypeOpened)); m.Policy.Path != protocol.PathDirectOnly || !m.Policy.Quota || hasRelay(m.ICEServers) {
		t.Errorf("got opened %+v", m)
	}
	d.reply(invite, protocol.TypeReply, &protocol.Reply{})
	d.post(protocol.TypeClose, sessionID(1), &protocol.Close{Reason: protocol.ReasonICEFailed})
	if got := body[*protocol.Closed](t, v.await(protocol.TypeClosed)).Reason; got != protocol.ReasonQuota {
		t.Errorf("no direct path: got %s, want quota", got)
	}
	// A page may tell the reason in the hub's words, but only where they are true.
	v.open(3)
	d.reply(d.await(protocol.TypeInvite), protocol.TypeReply, &protocol.Reply{})
	v.post(protocol.TypeClose, sessionID(3), &protocol.Close{Reason: protocol.ReasonQuota})
	if got := body[*protocol.Closed](t, d.await(protocol.TypeClosed)).Reason; got != protocol.ReasonQuota {
		t.Errorf("the page found no direct path: got %s, want quota", got)
	}
	// With the next month the relay is back, for the same link.
	s.replan(t, record.Plan{Project: project, BudgetBytes: 1})
	if m := body[*protocol.ICEServers](t, v.await(protocol.TypeICEServers)); !hasRelay(m.ICEServers) {
		t.Errorf("got %+v, want a relay", m)
	}
	v.open(2)
	if m := body[*protocol.Invite](t, d.await(protocol.TypeInvite)); m.Policy.Path != protocol.PathPreferDirect || !hasRelay(m.ICEServers) {
		t.Errorf("got invite %+v, want a relay", m)
	}
	v.post(protocol.TypeClose, sessionID(2), &protocol.Close{Reason: protocol.ReasonQuota})
	if got := body[*protocol.Closed](t, d.await(protocol.TypeClosed)).Reason; got != protocol.ReasonViewerLeft {
		t.Errorf("a page that speaks of a quota that there is not: got %s, want viewer_left", got)
	}
}

func TestAnOpenThatMayOnlyGoByRelayIsRefusedWithoutABudget(t *testing.T) {
	s := onSockets(t, nil)
	plan := usedUp
	plan.Path = protocol.PathRelayOnly
	s.setPlan(plan)
	s.device(t, camera)
	v := s.viewer(t, nil)
	id := v.open(1)
	if got, ok := v.answerTo(id).body.(*protocol.Error); !ok || got.Code != protocol.CodeQuota {
		t.Errorf("got %+v, want quota", got)
	}
	if got := s.hub.Quota().Refused; got != 1 {
		t.Errorf("%d refusals counted, want 1", got)
	}
}

func TestASessionThatTellsNoPathLosesTheRelayAfterAWhile(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d, v := s.device(t, camera), s.viewer(t, nil)
		connect(v, d, 1)
		s.until(t, "the answer is kept", func() bool { return !s.row(sessionID(1)).Answered.IsZero() })
		s.replan(t, usedUp)
		row := s.row(sessionID(1))
		if s.hasEnded(row.ViewerGrant) {
			t.Error("it has lost the relay before it could tell its path")
		}
		time.Sleep(pathGrace)
		s.hub.Replan(t.Context(), project)
		if !s.hasEnded(row.ViewerGrant) || !s.hasEnded(row.DeviceGrant) {
			t.Error("it still has the relay")
		}
	})
}

func TestTheRateCapIsToldToBothEndsAndTheRelay(t *testing.T) {
	s := onSockets(t, nil)
	s.setPlan(record.Plan{Terms: record.Terms{MaxKbps: 3000}})
	d, v := s.device(t, camera), s.viewer(t, nil)
	v.open(1)
	invite := body[*protocol.Invite](t, d.await(protocol.TypeInvite))
	opened := body[*protocol.Opened](t, v.await(protocol.TypeOpened))
	if invite.Policy.MaxKbps != 3000 || opened.Policy.MaxKbps != 3000 {
		t.Errorf("got %d and %d, want 3000", invite.Policy.MaxKbps, opened.Policy.MaxKbps)
	}
	grants := []protocol.GrantID{invite.Grant, v.welcome.Grant, opened.NextGrant}
	for _, grant := range grants {
		if got, want := s.assignedTo(grant), (record.Plan{Project: project, Terms: record.Terms{MaxKbps: 3000}}); got != want {
			t.Errorf("the relay was told %+v, want %+v", got, want)
		}
	}
	s.replan(t, record.Plan{Terms: record.Terms{MaxKbps: 500}})
	for _, end := range []*peer{d, v} {
		if got := body[*protocol.Policy](t, end.await(protocol.TypePolicy)); got.MaxKbps != 500 || got.Path != protocol.PathPreferDirect {
			t.Errorf("got %+v, want 500 kbit/s", got)
		}
	}
	for _, grant := range grants[:2] {
		if got := s.assignedTo(grant).MaxKbps; got != 500 {
			t.Errorf("the relay was told %d, want 500", got)
		}
	}
}

func TestAProjectHasNoMoreSessionsAtOnceThanItMay(t *testing.T) {
	s := onSockets(t, nil)
	const most, many = 3, 8
	s.setPlan(record.Plan{MaxSessions: most})
	s.device(t, camera)
	viewers := make([]*peer, many)
	for i := range viewers {
		viewers[i] = s.viewer(t, nil)
	}
	requests := make([]uint64, many)
	for i, v := range viewers {
		requests[i] = v.open(i + 1) // nobody waits for an answer
	}
	var in []int
	for i, v := range viewers {
		switch answer := v.answerTo(requests[i]).body.(type) {
		case *protocol.Opened:
			in = append(in, i)
		case *protocol.Error:
			if answer.Code != protocol.CodeFull {
				t.Errorf("got %+v, want full", answer)
			}
		}
	}
	if len(in) != most || s.hub.Quota().Full != many-most {
		t.Fatalf("%d of %d are in, %d refusals counted, want %d in", len(in), many, s.hub.Quota().Full, most)
	}
	// Who leaves makes room, and who repeats an open has its place.
	viewers[in[0]].post(protocol.TypeClose, sessionID(in[0]+1), &protocol.Close{Reason: protocol.ReasonViewerLeft})
	s.until(t, "the first has left", func() bool { return s.hub.Counts().Sessions == most-1 })
	late := s.viewer(t, nil)
	if answer, ok := late.answerTo(late.open(many + 1)).body.(*protocol.Opened); !ok {
		t.Errorf("got %+v, want it opened", answer)
	}
	again := viewers[in[1]]
	if answer, ok := again.answerTo(again.open(in[1] + 1)).body.(*protocol.Opened); !ok {
		t.Errorf("got %+v, want it opened again", answer)
	}
}
