package signal

import (
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// answerInvite answers a device's invite.
func (p *peer) answerInvite(invite message) {
	p.t.Helper()
	p.reply(invite, protocol.TypeReply, &protocol.Reply{})
	p.post(protocol.TypeDescribe, invite.Session, &protocol.Describe{Revision: 1, Kind: protocol.DescribeAnswer, SDP: "v=0 answer"})
}

func TestAViewerOfTheKVSFormatSeesACamera(t *testing.T) {
	s := onKVS(t, nil)
	d := s.device(t, camera)
	v := s.watch(t, camera)
	v.offer(1)
	v.say("ICE_CANDIDATE", "", "", kvsCandidate)
	invite := d.await(protocol.TypeInvite)
	m := body[*protocol.Invite](t, invite)
	if m.Offer == nil || m.Offer.SDP != kvsSDP(1) || m.Media != (protocol.Media{Video: true, Audio: true}) || m.Viewer.Name != "alice" || !m.Trickle {
		t.Errorf("got invite %+v", m)
	}
	got := body[*protocol.Candidate](t, d.await(protocol.TypeCandidate))
	if want := (protocol.Candidate{Revision: 1, Candidate: "candidate:1 1 udp 2130706431 192.0.2.7 50000 typ host", Mid: "0", Ufrag: "abcd"}); *got != want {
		t.Errorf("got %+v, want %+v", *got, want)
	}
	d.answerInvite(invite)
	d.post(protocol.TypeCandidate, invite.Session, candidate(3))
	d.post(protocol.TypeCandidate, invite.Session, &protocol.Candidate{Revision: 1})

	answer := v.await("SDP_ANSWER")
	if _, sender := answer["senderClientId"]; sender || answer.payload(t)["type"] != "answer" || answer.payload(t)["sdp"] != "v=0 answer" {
		t.Errorf("got the answer %v, %v", answer, answer.payload(t))
	}
	found := v.await("ICE_CANDIDATE").payload(t)
	if found["candidate"] != candidate(3).Candidate || found["sdpMLineIndex"] != float64(candidate(3).MLine) {
		t.Errorf("got the candidate %v", found)
	}
	if row := s.row(invite.Session); row.Viewer != "alice" || row.Key != apiKey || row.Answered.IsZero() || !row.ViewerGrant.Valid() {
		t.Errorf("got row %+v", row)
	}
}

func TestASessionOfTheKVSFormatOutlivesItsSocketOnceItIsAnswered(t *testing.T) {
	s := onKVS(t, nil)
	d := s.device(t, camera)
	v := s.watch(t, camera)
	v.offer(1)
	invite := d.await(protocol.TypeInvite)
	d.answerInvite(invite)
	v.await("SDP_ANSWER")
	_ = v.conn.Close()
	s.until(t, "the viewer has left", func() bool { return s.hub.Counts().Viewers == 0 })
	if got := s.hub.Counts(); got.Sessions != 1 || got.Parked != 0 {
		t.Errorf("got %+v, want the session, and no link that waits", got)
	}
	d.post(protocol.TypeClose, invite.Session, &protocol.Close{Reason: protocol.ReasonICEFailed})
	s.until(t, "the camera has ended it", func() bool { return s.row(invite.Session).Reason == protocol.ReasonICEFailed })
}

func TestASessionOfTheKVSFormatThatWasNeverAnsweredEndsWithItsSocket(t *testing.T) {
	s := onKVS(t, nil)
	d := s.device(t, camera)
	v := s.watch(t, camera)
	v.offer(1)
	invite := d.await(protocol.TypeInvite)
	_ = v.conn.Close()
	if got := body[*protocol.Closed](t, d.await(protocol.TypeClosed)); got.Reason != protocol.ReasonViewerLeft {
		t.Errorf("got %s", got.Reason)
	}
	s.until(t, "the row has its end", func() bool { return !s.row(invite.Session).Ended.IsZero() })
}

func TestAnOfferOfTheSamePeerConnectionGoesToItsSession(t *testing.T) {
	s := onKVS(t, nil)
	d := s.device(t, camera)
	v := s.watch(t, camera)
	v.offer(1)
	invite := d.await(protocol.TypeInvite)
	d.answerInvite(invite)
	v.await("SDP_ANSWER")
	restart := strings.Replace(kvsSDP(1), " 2 IN", " 3 IN", 1)
	v.say("SDP_OFFER", "", "", describedAs("offer", restart))
	again := d.await(protocol.TypeDescribe)
	if m := body[*protocol.Describe](t, again); again.Session != invite.Session || m.Revision != 2 || m.SDP != restart {
		t.Errorf("got %+v of %s", m, again.Session)
	}
	d.post(protocol.TypeDescribe, invite.Session, &protocol.Describe{Revision: 2, Kind: protocol.DescribeAnswer, SDP: "v=0 second"})
	if got := v.await("SDP_ANSWER").payload(t)["sdp"]; got != "v=0 second" {
		t.Errorf("got %v", got)
	}

	v.offer(2) // another peer connection
	if got := d.await(protocol.TypeClosed); got.Session != invite.Session {
		t.Errorf("the session of %s was closed", got.Session)
	}
	if got := d.await(protocol.TypeInvite); got.Session == invite.Session {
		t.Error("a new peer connection got the old session")
	}
}

func TestAnAnswerIsPassedOnceToTheKVSFormat(t *testing.T) {
	s := onKVS(t, nil)
	d := s.device(t, camera)
	v := s.watch(t, camera)
	v.offer(1)
	invite := d.await(protocol.TypeInvite)
	d.answerInvite(invite)
	v.await("SDP_ANSWER")
	d.post(protocol.TypeDescribe, invite.Session, &protocol.Describe{Revision: 1, Kind: protocol.DescribeAnswer, SDP: "v=0 again"})
	d.post(protocol.TypeCandidate, invite.Session, candidate(1))
	if got := v.next(); got.text("messageType") != "ICE_CANDIDATE" {
		t.Errorf("got %v", got)
	}
}

func TestWhatAViewerLostWithTheCamerasLinkIsRepaired(t *testing.T) {
	s := onKVS(t, nil)
	d := s.device(t, camera)
	v := s.watch(t, camera)
	v.offer(1)
	v.say("ICE_CANDIDATE", "", "", kvsCandidate)
	invite := d.await(protocol.TypeInvite)
	d.await(protocol.TypeCandidate)
	d = s.device(t, camera) // which has lost its state
	d.post(protocol.TypeSync, "", &protocol.Sync{Last: true})
	again := d.await(protocol.TypeInvite)
	if again.Session != invite.Session || body[*protocol.Invite](t, again).Offer.SDP != kvsSDP(1) {
		t.Errorf("got %+v", again)
	}
	m := body[*protocol.Sync](t, d.await(protocol.TypeSync))
	if len(m.Candidates) != 1 || !m.Answer || m.Owner != "" {
		t.Errorf("got %+v", m)
	}
	d.post(protocol.TypeSync, invite.Session, &protocol.Sync{
		Revision: 1, Description: &protocol.Describe{Revision: 1, Kind: protocol.DescribeAnswer, SDP: "v=0 answer"}, Candidates: []protocol.Candidate{*candidate(1)},
	})
	if got := v.await("SDP_ANSWER").payload(t)["sdp"]; got != "v=0 answer" {
		t.Errorf("got %v", got)
	}
	v.await("ICE_CANDIDATE")
}

func TestRefusalsAreToldInTheWordsOfKVS(t *testing.T) {
	for name, c := range map[string]struct {
		prepare                   func(*testing.T, *kvsStage)
		errorType, status, prefix string
	}{
		"offline": {func(*testing.T, *kvsStage) {}, "ResourceNotFoundException", "404", "offline: "},
		"full": {func(t *testing.T, s *kvsStage) {
			hello := s.deviceHello(t, camera)
			hello.MaxSessions = 1
			s.hello(t, hello)
			first := s.watch(t, camera)
			first.offer(1)
			s.until(t, "the first is in", func() bool { return s.hub.Counts().Sessions == 1 })
		}, "ClientLimitExceededException", "429", "full: "},
		"quota": {func(t *testing.T, s *kvsStage) {
			s.device(t, camera)
			s.setPlan(record.Plan{BudgetBytes: 1, UsedBytes: 1, Terms: record.Terms{Path: protocol.PathRelayOnly}})
		}, "ClientLimitExceededException", "429", "quota: "},
	} {
		t.Run(name, func(t *testing.T) {
			s := onKVS(t, nil)
			c.prepare(t, s)
			v := s.watch(t, camera)
			v.offer(1)
			got := v.await("STATUS_RESPONSE").status(t)
			if got["correlationId"] != "offer" || got["errorType"] != c.errorType || got["statusCode"] != c.status || !strings.HasPrefix(got["description"].(string), c.prefix) {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestARefusedViewerMayOfferAgainOnTheSameSocket(t *testing.T) {
	s := onKVS(t, nil)
	v := s.watch(t, camera)
	v.offer(1)
	v.await("STATUS_RESPONSE")
	v.say("ICE_CANDIDATE", "", "", kvsCandidate) // which is not worth another
	d := s.device(t, camera)
	v.offer(1)
	d.answerInvite(d.await(protocol.TypeInvite))
	if got := v.next(); got.text("messageType") != "SDP_ANSWER" {
		t.Errorf("got %v", got)
	}
}

func TestARefusalOfTheCameraIsToldWithTheOffersCorrelation(t *testing.T) {
	s := onKVS(t, nil)
	d := s.device(t, camera)
	v := s.watch(t, camera)
	v.offer(1)
	d.reply(d.await(protocol.TypeInvite), protocol.TypeError, protocol.Errorf(protocol.CodeCodec, "no codec in common"))
	got := v.await("STATUS_RESPONSE").status(t)
	if got["correlationId"] != "offer" || got["description"] != "codec: the session was closed: codec" {
		t.Errorf("got %v", got)
	}
}
