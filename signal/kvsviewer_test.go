package signal

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// answerTo answers a device's invite.
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
	d := s.device(t, camera)
	v.offer(1)
	d.await(protocol.TypeInvite)
}

func TestARefusalOfTheCameraIsToldWithTheOffersCorrelation(t *testing.T) {
	s := onKVS(t, nil)
	d := s.device(t, camera)
	v := s.watch(t, camera)
	v.offer(1)
	d.reply(d.await(protocol.TypeInvite), protocol.TypeError, protocol.Errorf(protocol.CodeCodec, "no codec in common"))
	got := v.await("STATUS_RESPONSE").status(t)
	if got["correlationId"] != "offer" || got["description"] != "codec: the session has ended: codec" {
		t.Errorf("got %v", got)
	}
}

func TestTheKVSDoorIsForGoodTokensOfItsDevice(t *testing.T) {
	s := onKVS(t, nil)
	agentsKey := s.giveBearer(t, "spare", project)
	for name, c := range map[string]struct {
		device protocol.DeviceID
		token  string
		want   int
	}{
		"none":                        {camera, "", http.StatusForbidden},
		"garbage":                     {camera, "garbage", http.StatusForbidden},
		"another camera's":            {other, s.token(t, nil), http.StatusForbidden},
		"another project's camera":    {foreign, s.token(t, looksAt(foreign)), http.StatusNotFound},
		"a bearer of another device":  {gate, agentsKey, http.StatusForbidden},
		"a bearer on a viewer's path": {camera, s.bearer, http.StatusForbidden},
		"a bearer of nobody":          {"nobody", bearerOfNobody(t), http.StatusForbidden},
		"a bearer with an error":      {gate, s.bearer[:len(s.bearer)-1] + "-", http.StatusForbidden},
		"an expired one": {camera, func() string {
			token, err := s.keyring.Mint(auth.Viewer{
				Project: project, Key: apiKey, Device: camera, Expires: time.Now().Add(-time.Minute),
			}, time.Now().Add(-time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			return token
		}(), http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			p, refusal := s.knockKVS(t, c.device, url.Values{"token": {c.token}})
			if p != nil {
				t.Fatal("it is let in")
			}
			defer refusal.Body.Close() //nolint:errcheck // read or not
			if refusal.StatusCode != c.want {
				t.Errorf("got %s, want %d", refusal.Status, c.want)
			}
		})
	}
	if got := s.hub.Counts(); got != (Counts{}) {
		t.Errorf("somebody is left: %+v", got)
	}
}

func bearerOfNobody(t *testing.T) string {
	t.Helper()
	_, token := auth.MintBearer("nobody")
	return token.Reveal()
}

func TestBadMessagesOfTheKVSFormatAreToldAndDoNotEndTheSocket(t *testing.T) {
	s := onKVS(t, nil)
	d := s.device(t, camera)
	v := s.watch(t, camera)
	for _, text := range []string{
		"", "{}", "[]", `{"action":"SDP_OFFER"}`, `{"action":"SDP_OFFER","messagePayload":"e30="}`, `{"action":"ICE_CANDIDATE","messagePayload":"e30="}`,
		`{"action":"SDP_ANSWER","messagePayload":"e30=","correlationId":"c"}`, `{"action":"GO_AWAY"}`,
	} {
		if err := v.conn.WriteMessage(1, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got := v.next().status(t); got["errorType"] == "InternalFailureException" {
			t.Errorf("%s: got %v", text, got)
		}
	}
	v.offer(1)
	d.await(protocol.TypeInvite)
}

func TestWhoSendsNothingButBadMessagesToTheKVSDoorIsSentAway(t *testing.T) {
	s := onKVS(t, nil)
	v := s.watch(t, camera)
	for range faults.Burst + 20 {
		if v.conn.WriteMessage(1, []byte("{}")) != nil {
			break // it is closed already
		}
	}
	if got := v.closed(); got != protocol.CloseRate {
		t.Errorf("closed with %s", got)
	}
}

func TestABinaryMessageEndsAKVSSocket(t *testing.T) {
	s := onKVS(t, nil)
	v := s.watch(t, camera)
	if err := v.conn.WriteMessage(2, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if got := v.closed(); got != protocol.CloseVersion {
		t.Errorf("closed with %s", got)
	}
}

func TestARevokedKeyShutsViewersOfTheKVSFormatOut(t *testing.T) {
	s := onKVS(t, nil)
	d := s.device(t, camera)
	v := s.watch(t, camera)
	v.offer(1)
	invite := d.await(protocol.TypeInvite)
	s.hub.RevokeKey(t.Context(), apiKey)
	if got := v.closed(); got != protocol.CloseRevoked {
		t.Errorf("closed with %s", got)
	}
	s.until(t, "the session is revoked", func() bool { return s.row(invite.Session).Reason == protocol.ReasonRevoked })
	if _, refusal := s.knockKVS(t, camera, url.Values{"token": {s.token(t, nil)}}); refusal == nil || refusal.StatusCode != http.StatusForbidden {
		t.Errorf("a revoked token: %v", refusal)
	}
}

func TestAHubThatStopsAsksClientsOfTheKVSFormatToGo(t *testing.T) {
	s := onKVS(t, nil)
	d := s.device(t, camera)
	v := s.watch(t, camera)
	v.offer(1)
	invite := d.await(protocol.TypeInvite)
	d.answerInvite(invite)
	v.await("SDP_ANSWER")
	s.stop(t)
	v.await("GO_AWAY")
	if got := v.closed(); got != protocol.CloseGoingAway {
		t.Errorf("closed with %s", got)
	}
	if row := s.row(invite.Session); !row.Ended.IsZero() {
		t.Errorf("the session ended: %s", row.Reason)
	}
	s.start(t)
}

func TestAKVSClientThatDoesNotAnswerPingsIsLost(t *testing.T) {
	s := onKVS(t, func(c *Config) { c.Link.Ping, c.Link.Grace = 50*time.Millisecond, 50*time.Millisecond })
	mute, refusal := s.knockKVS(t, camera, url.Values{"token": {s.token(t, nil)}})
	if refusal != nil {
		t.Fatal(refusal.Status)
	}
	mute.conn.SetPingHandler(func(string) error { return nil })
	s.until(t, "the client is lost", func() bool { return s.hub.Counts().Viewers == 0 })
}

func TestICEServersAreFetchedAndTheirGrantIsTheSessions(t *testing.T) {
	s := onKVS(t, nil)
	d := s.device(t, camera)
	token := s.token(t, nil)
	first, again := s.servers(t, camera, token, "a"), s.servers(t, camera, token, "a")
	another := s.servers(t, camera, token, "b")
	if first != again || first == another || !first.Valid() {
		t.Errorf("got the grants %q, %q and, of another client, %q", first, again, another)
	}
	v, refusal := s.knockKVS(t, camera, url.Values{"token": {token}, "X-Amz-ClientId": {"a"}})
	if refusal != nil {
		t.Fatal(refusal.Status)
	}
	v.offer(1)
	invite := d.await(protocol.TypeInvite)
	if got := s.row(invite.Session).ViewerGrant; got != first {
		t.Errorf("the session has the grant %q, want %q", got, first)
	}
	s.hub.sweepFetched(time.Now().Add(relayLife))
	if s.hasEnded(first) || !s.hasEnded(another) {
		t.Errorf("used: %t, unused: %t", s.hasEnded(first), s.hasEnded(another))
	}
	if got := s.servers(t, camera, token, "a"); got == first {
		t.Error("a used grant is given away again")
	}
}

// servers fetches ICE servers and returns the grant of the relay among them.
func (s *kvsStage) servers(t *testing.T, device protocol.DeviceID, token, client string) protocol.GrantID {
	t.Helper()
	status, answer := s.get(t, s.base+string(device)+"/ice-servers?X-Amz-ClientId="+client, token)
	if status != http.StatusOK {
		t.Fatalf("got %d", status)
	}
	list, _ := answer["IceServerList"].([]any)
	if len(list) != 2 {
		t.Fatalf("got %v", answer)
	}
	relay, _ := list[1].(map[string]any)
	if keys := slices.Sorted(maps.Keys(relay)); !slices.Equal(keys, []string{"Password", "Ttl", "Uris", "Username"}) || relay["Ttl"] != 300.0 {
		t.Errorf("got %v", relay)
	}
	return protocol.GrantID(relay["Username"].(string))
}

func TestICEServersAreForWhoMaySeeTheCamera(t *testing.T) {
	s := onKVS(t, nil)
	for name, c := range map[string]struct {
		device protocol.DeviceID
		token  string
		want   int
	}{
		"no token":                 {camera, "x", http.StatusForbidden},
		"another camera":           {other, s.token(t, nil), http.StatusForbidden},
		"another project's camera": {foreign, s.token(t, looksAt(foreign)), http.StatusNotFound},
		"another device's bearer":  {camera, s.bearer, http.StatusForbidden},
	} {
		if got, _ := s.get(t, s.base+string(c.device)+"/ice-servers", c.token); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
	if s.alive() != 0 {
		t.Error("somebody got a grant")
	}
}
