package signal

import (
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
)

// restart replaces the hub by a new process on the same store.
func (s *stage) restart(t *testing.T) {
	t.Helper()
	s.stop(t)
	s.mu.Lock()
	clear(s.ended) // a relay in the same process forgets too
	s.mu.Unlock()
	s.start(t)
}

func answer(sdp string) *protocol.Describe {
	return &protocol.Describe{Revision: 1, Kind: protocol.DescribeAnswer, SDP: sdp}
}

// deviceSync is what a device that serves the session tells of it.
var deviceSync = protocol.Sync{
	Revision: 1, Description: answer("v=0 answer"), Candidates: []protocol.Candidate{*candidate(7)}, ICEConnected: true,
}

// viewerSync is the viewer's side of the same session.
func viewerSync(owner string) *protocol.Sync {
	return &protocol.Sync{
		Revision: 1, Description: &protocol.Describe{Revision: 1, Kind: protocol.DescribeOffer, SDP: offer.SDP},
		Candidates: []protocol.Candidate{*candidate(1), *candidate(2)}, Owner: owner,
	}
}

func TestARestartedHubTakesSessionsBackWhicheverEndComesFirst(t *testing.T) {
	for name, deviceFirst := range map[string]bool{"device first": true, "viewer first": false} {
		t.Run(name, func(t *testing.T) {
			s := onSockets(t, nil)
			d, v := s.device(t, camera), s.viewer(t, nil)
			connect(v, d, 1)
			s.until(t, "the answer is kept", func() bool { return !s.row(sessionID(1)).Answered.IsZero() })
			s.restart(t)
			deviceBack := func() {
				d = s.device(t, camera)
				d.post(protocol.TypeSync, sessionID(1), &deviceSync)
				d.post(protocol.TypeSync, "", &protocol.Sync{Last: true})
				d.settled()
			}
			viewerBack := func() {
				v = s.viewer(t, nil)
				v.post(protocol.TypeSync, sessionID(1), viewerSync(owner))
				v.settled()
			}
			early, late := &d, &v
			if deviceFirst {
				deviceBack()
				viewerBack()
			} else {
				early, late = &v, &d
				viewerBack()
				deviceBack()
			}
			got := body[*protocol.Sync](t, (*early).await(protocol.TypeSync))
			if got.Owner != "" || got.Last || got.Description == nil || len(got.Candidates) == 0 {
				t.Errorf("the end that was there got %+v", got)
			}
			(*early).post(protocol.TypeSync, sessionID(1), &protocol.Sync{Revision: 1, Answer: true})
			if got := body[*protocol.Sync](t, (*late).await(protocol.TypeSync)); !got.Answer {
				t.Errorf("the end that came got %+v, want an answer", got)
			}
			v.post(protocol.TypeCandidate, sessionID(1), candidate(3))
			d.await(protocol.TypeCandidate)
			d.post(protocol.TypeCandidate, sessionID(1), candidate(4))
			v.await(protocol.TypeCandidate)
			if s.hub.Counts().Sessions != 1 {
				t.Error("the session is not known")
			}
			if grant := s.row(sessionID(1)).ViewerGrant; grant == "" || s.hasEnded(grant) || s.granted[grant] < 2 {
				t.Error("the viewer's relay credentials were not renewed")
			}
		})
	}
}

func TestAnUnansweredSessionIsInvitedAgain(t *testing.T) {
	s := onSockets(t, nil)
	d, v := s.device(t, camera), s.viewer(t, nil)
	v.open(1)
	d.await(protocol.TypeInvite) // and is lost with the hub
	s.restart(t)
	v = s.viewer(t, nil)
	v.post(protocol.TypeSync, sessionID(1), viewerSync(owner))
	v.settled()
	d = s.device(t, camera)
	d.post(protocol.TypeSync, "", &protocol.Sync{Last: true})
	invite := d.await(protocol.TypeInvite)
	if m := body[*protocol.Invite](t, invite); m.Offer == nil || m.Offer.SDP != offer.SDP {
		t.Errorf("got invite %+v, want the offer", m)
	}
	for n := 1; n <= 2; n++ {
		if got := body[*protocol.Candidate](t, d.await(protocol.TypeCandidate)); *got != *candidate(n) {
			t.Errorf("got %+v, want candidate %d", got, n)
		}
	}
	d.reply(invite, protocol.TypeReply, &protocol.Reply{})
	d.post(protocol.TypeDescribe, sessionID(1), answer("v=0 answer"))
	v.await(protocol.TypeDescribe)
}

func TestAnAnsweredSessionThatTheDeviceLostHasEnded(t *testing.T) {
	s := onSockets(t, nil)
	d, v := s.device(t, camera), s.viewer(t, nil)
	connect(v, d, 1)
	connect(v, d, 2)
	d.hangUp()
	d = s.device(t, camera)
	d.post(protocol.TypeSync, sessionID(2), &deviceSync)
	d.post(protocol.TypeSync, "", &protocol.Sync{Last: true})
	m := v.await(protocol.TypeClosed)
	if got := body[*protocol.Closed](t, m); m.Session != sessionID(1) || got.Reason != protocol.ReasonDeviceLeft {
		t.Errorf("got closed of %s, %s", m.Session, got.Reason)
	}
	if s.hub.Counts().Sessions != 1 {
		t.Error("the other session ended too")
	}
}

func TestASyncOfWhatIsOverIsToldWhy(t *testing.T) {
	s := onSockets(t, nil)
	d, v := s.device(t, camera), s.viewer(t, nil)
	connect(v, d, 1)
	if err := s.hub.Close(t.Context(), sessionID(1), protocol.ReasonClosedByAPI); err != nil {
		t.Fatal(err)
	}
	v.await(protocol.TypeClosed)
	for session, want := range map[protocol.SessionID]protocol.Reason{
		sessionID(1): protocol.ReasonClosedByAPI, sessionID(99): protocol.ReasonUnknown,
	} {
		v.post(protocol.TypeSync, session, viewerSync(owner))
		if m := v.await(protocol.TypeClosed); m.Session != session || body[*protocol.Closed](t, m).Reason != want {
			t.Errorf("got %v of %s, want %s of %s", m.body, m.Session, want, session)
		}
	}
}

func TestASyncNeedsTheOwnersSecret(t *testing.T) {
	s := onSockets(t, nil)
	d, v := s.device(t, camera), s.viewer(t, nil)
	connect(v, d, 1)
	v.hangUp()
	thief := s.viewer(t, nil)
	thief.post(protocol.TypeSync, sessionID(1), viewerSync(strings.Repeat("0", 32)))
	if got := thief.refused(); got.Code != protocol.CodeConflict {
		t.Errorf("got %v, want conflict", got)
	}
	thief.post(protocol.TypeClose, sessionID(1), &protocol.Close{Reason: protocol.ReasonViewerLeft})
	thief.settled()
	rightful := s.viewer(t, nil)
	rightful.post(protocol.TypeSync, sessionID(1), viewerSync(owner))
	rightful.post(protocol.TypeClose, sessionID(1), &protocol.Close{Reason: protocol.ReasonViewerLeft})
	rightful.await(protocol.TypeClosed)
}

func TestACloseThatTheLastLinkLostEndsTheSession(t *testing.T) {
	s := onSockets(t, nil)
	d, v := s.device(t, camera), s.viewer(t, nil)
	connect(v, d, 1)
	d.hangUp()
	d = s.device(t, camera)
	d.post(protocol.TypeClose, sessionID(1), &protocol.Close{Reason: protocol.ReasonICEFailed})
	if got := body[*protocol.Closed](t, v.await(protocol.TypeClosed)); got.Reason != protocol.ReasonICEFailed {
		t.Errorf("got %s", got.Reason)
	}
}

func TestALinkHasTheSameRoomAfterItsAdoptedSessions(t *testing.T) {
	s := onSockets(t, nil)
	const rounds = 3
	for range rounds {
		d, v := s.device(t, camera), s.viewer(t, nil)
		for n := range 4 {
			connect(v, d, n)
		}
		d.hangUp()
		d = s.device(t, camera)
		for n := range 4 {
			d.post(protocol.TypeSync, sessionID(n), &deviceSync)
		}
		d.settled()
		for n := range 4 {
			if err := s.hub.Close(t.Context(), sessionID(n), protocol.ReasonClosedByAPI); err != nil {
				t.Fatal(err)
			}
		}
		d.settled() // were the room used up, its link would be closed as too slow
		for n := range 4 {
			s.mu.Lock()
			delete(s.rows, sessionID(n))
			s.mu.Unlock()
		}
	}
}

func TestSessionsOfAKeyThatWasRevokedMeanwhileAreNotTakenBack(t *testing.T) {
	s := onSockets(t, nil)
	d := s.device(t, camera)
	a, b := s.viewer(t, nil), s.viewer(t, func(v *auth.Viewer) { v.Key = "key2" })
	connect(a, d, 1)
	connect(b, d, 2)
	s.mu.Lock()
	s.revoked = []protocol.KeyID{apiKey}
	s.mu.Unlock()
	s.restart(t)
	if row := s.row(sessionID(1)); row.Reason != protocol.ReasonRevoked {
		t.Errorf("the session of the revoked key: %q", row.Reason)
	}
	d = s.device(t, camera)
	d.post(protocol.TypeSync, sessionID(1), &deviceSync)
	if got := body[*protocol.Closed](t, d.await(protocol.TypeClosed)); got.Reason != protocol.ReasonRevoked {
		t.Errorf("the device is told %s", got.Reason)
	}
	checkRefusal(t, s.dial(t).greet(s.viewerHello(t, nil)), protocol.CodeRevoked, protocol.CloseRevoked)
	if s.hub.Counts().Sessions != 1 {
		t.Error("the other session was not taken back")
	}
}

func TestARestartGivesLeasesTimeToComeBack(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d, v := s.device(t, camera), s.viewer(t, func(v *auth.Viewer) { v.Expires = time.Now().Add(10 * time.Second) })
		connect(v, d, 1)
		s.stop(t)
		time.Sleep(20 * time.Second)
		s.start(t)
		time.Sleep(protocol.MediaTimeout - 2*sweepInterval)
		if s.hub.Counts().Sessions != 1 {
			t.Error("the session ended before its ends could come back")
		}
		time.Sleep(4 * sweepInterval)
		if s.hub.Counts().Sessions != 0 {
			t.Error("the session outlived its lease and the time to come back")
		}
	})
}
