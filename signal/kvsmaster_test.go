package signal

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// openAt asks for the n-th session on a device.
func (p *peer) openAt(device protocol.DeviceID, n int) {
	p.t.Helper()
	p.ask(protocol.TypeOpen, sessionID(n), &protocol.Open{
		Device: device, Owner: owner, Grant: p.welcome.Grant, Media: protocol.Media{Video: true}, Offer: offer,
	})
}

func TestACameraOfTheKVSFormatIsADevice(t *testing.T) {
	s := onKVS(t, nil)
	m := s.master(t)
	if got := s.hub.Presence(gate); got.Transport != protocol.TransportKVS || got.Generation != 1 {
		t.Errorf("got presence %+v", got)
	}
	s.until(t, "its connection is known", func() bool {
		c, ok := s.hub.Connection(gate)
		return ok && c.Transport == protocol.TransportKVS
	})
	v := s.viewer(t, looksAt(gate))
	v.openAt(gate, 1)
	v.post(protocol.TypeCandidate, sessionID(1), candidate(1))
	invite := m.await("SDP_OFFER")
	if invite.text("senderClientId") != string(sessionID(1)) || invite.payload(t)["sdp"] != offer.SDP || invite.payload(t)["type"] != "offer" {
		t.Errorf("got %v, %v", invite, invite.payload(t))
	}
	servers, _ := invite["IceServerList"].([]any)
	if len(servers) != 2 {
		t.Errorf("got the servers %v", servers)
	}
	found := m.await("ICE_CANDIDATE")
	if found.text("senderClientId") != string(sessionID(1)) || found.payload(t)["candidate"] != candidate(1).Candidate {
		t.Errorf("got %v", found)
	}

	m.sayC("ICE_CANDIDATE", string(sessionID(1)), kvsCandidate) // before the answer, as some do
	m.sayC("SDP_ANSWER", string(sessionID(1)), describedAs("answer", "v=0 answer"))
	v.await(protocol.TypeOpened)
	answer := v.await(protocol.TypeDescribe)
	if d := body[*protocol.Describe](t, answer); d.Kind != protocol.DescribeAnswer || d.Revision != 1 || d.SDP != "v=0 answer" {
		t.Errorf("got %+v", d)
	}
	c := body[*protocol.Candidate](t, v.await(protocol.TypeCandidate))
	if c.Revision != 1 || c.Mid != "0" || !strings.HasPrefix(c.Candidate, "candidate:1 1 udp") {
		t.Errorf("got %+v", c)
	}
	if row := s.row(sessionID(1)); row.Answered.IsZero() || row.Device != gate {
		t.Errorf("got row %+v", row)
	}

	v.post(protocol.TypeDescribe, sessionID(1), &protocol.Describe{Revision: 2, Kind: protocol.DescribeOffer, SDP: "v=0 restart"})
	if again := m.await("SDP_OFFER"); again.text("senderClientId") != string(sessionID(1)) || again.payload(t)["sdp"] != "v=0 restart" {
		t.Errorf("got %v", again)
	}
	m.sayC("SDP_ANSWER", string(sessionID(1)), describedAs("answer", "v=0 restarted"))
	if d := body[*protocol.Describe](t, v.await(protocol.TypeDescribe)); d.Revision != 2 {
		t.Errorf("got %+v", d)
	}
}

func TestBothEndsMaySpeakTheKVSFormat(t *testing.T) {
	s := onKVS(t, nil)
	m := s.master(t)
	a, b := s.watch(t, gate), s.watch(t, gate)
	a.offer(1)
	first := m.await("SDP_OFFER")
	b.offer(2)
	second := m.await("SDP_OFFER")
	if first.text("senderClientId") == second.text("senderClientId") {
		t.Fatal("two viewers with one client ID are one to the master")
	}
	m.say("SDP_ANSWER", second.text("senderClientId"), "", describedAs("answer", "v=0 for b"))
	m.say("ICE_CANDIDATE", second.text("senderClientId"), "", kvsCandidate)
	if got := b.next(); got.text("messageType") != "SDP_ANSWER" || got.payload(t)["sdp"] != "v=0 for b" {
		t.Errorf("got %v", got)
	}
	if got := b.next(); got.text("messageType") != "ICE_CANDIDATE" || got.payload(t)["usernameFragment"] != "abcd" {
		t.Errorf("got %v", got)
	}
	m.say("SDP_ANSWER", first.text("senderClientId"), "", describedAs("answer", "v=0 for a"))
	if got := a.next(); got.payload(t)["sdp"] != "v=0 for a" { // the first that it hears at all
		t.Errorf("got %v", got)
	}
}

func TestAMasterIsToldWhomItCannotReach(t *testing.T) {
	s := onKVS(t, nil)
	d := s.device(t, camera)
	v := s.viewer(t, nil)
	v.open(1)
	d.await(protocol.TypeInvite)
	m := s.master(t)
	for action, recipient := range map[string]string{
		"SDP_ANSWER": "viewer-7", "ICE_CANDIDATE": string(sessionID(1)), // which is another device's
	} {
		m.say(action, recipient, "c1", map[string]string{"SDP_ANSWER": describedAs("answer", "v=0"), "ICE_CANDIDATE": kvsCandidate}[action])
		got := m.next().status(t)
		if got["correlationId"] != "c1" || got["errorType"] != "ResourceNotFoundException" || got["statusCode"] != "404" {
			t.Errorf("%s: got %v", action, got)
		}
	}
	m.say("SDP_OFFER", string(sessionID(1)), "c2", describedAs("offer", "v=0"))
	if got := m.next().status(t); got["errorType"] != "AccessDeniedException" {
		t.Errorf("got %v", got)
	}
	v.post(protocol.TypeCandidate, sessionID(1), candidate(1))
	d.await(protocol.TypeCandidate) // their session goes on
}

func TestAMasterThatComesBackGoesOnWithItsSessions(t *testing.T) {
	s := onKVS(t, nil)
	m := s.master(t)
	answered, waiting := s.viewer(t, looksAt(gate)), s.viewer(t, looksAt(gate))
	answered.openAt(gate, 1)
	m.await("SDP_OFFER")
	m.sayC("SDP_ANSWER", string(sessionID(1)), describedAs("answer", "v=0 answer"))
	answered.await(protocol.TypeDescribe)
	waiting.openAt(gate, 2)
	m.await("SDP_OFFER")
	_ = m.conn.Close()
	s.until(t, "the camera is missed", func() bool { return s.hub.Presence(gate).Status == protocol.StatusSuspect })
	if got := s.hub.Counts().Sessions; got != 2 {
		t.Fatalf("%d sessions are left, want 2", got)
	}

	m = s.master(t)
	if got := m.await("SDP_OFFER").text("senderClientId"); got != string(sessionID(2)) {
		t.Errorf("%s was offered again, want the one that was not answered", got)
	}
	answered.post(protocol.TypeCandidate, sessionID(1), candidate(1))
	if got := m.await("ICE_CANDIDATE").text("senderClientId"); got != string(sessionID(1)) {
		t.Errorf("got a candidate of %s", got)
	}
	if got := s.hub.Presence(gate).Generation; got != 2 {
		t.Errorf("got generation %d", got)
	}
	s.until(t, "its connections are kept", func() bool {
		list := s.history(gate)
		return len(list) == 2 && list[1].Cause == record.CauseLost
	})
}

func TestAnOpenWaitsForASuspectMaster(t *testing.T) {
	s := onKVS(t, nil)
	m := s.master(t)
	_ = m.conn.Close()
	s.until(t, "the camera is missed", func() bool { return s.hub.Presence(gate).Status == protocol.StatusSuspect })
	v := s.watch(t, gate)
	v.offer(1)
	s.until(t, "the open waits", func() bool {
		s.hub.mu.Lock()
		defer s.hub.mu.Unlock()
		return len(s.hub.devices[gate].waiting) == 1
	})
	m = s.master(t)
	m.await("SDP_OFFER")
}

func TestTheNewestMasterHasTheDevice(t *testing.T) {
	s := onKVS(t, nil)
	m := s.master(t)
	s.master(t)
	if got := m.closed(); got != protocol.CloseSuperseded {
		t.Errorf("closed with %s", got)
	}
	s.until(t, "the second is online", func() bool {
		p := s.hub.Presence(gate)
		return p.Status == protocol.StatusOnline && p.Generation == 2
	})
}

func TestARenewedTokenCutsTheOldMasterOff(t *testing.T) {
	s := onKVS(t, nil)
	m := s.master(t)
	old := s.bearer
	s.bearer = s.giveBearer(t, gate, project)
	s.hub.RenewDevice(gate)
	if got := m.closed(); got != protocol.CloseBadToken {
		t.Errorf("closed with %s", got)
	}
	if _, refusal := s.knockKVS(t, gate, url.Values{"token": {old}}); refusal == nil || refusal.StatusCode != http.StatusForbidden {
		t.Errorf("the old token: %v", refusal)
	}
	s.master(t)
}

func TestARemovedDevicesMasterIsShutOut(t *testing.T) {
	s := onKVS(t, nil)
	m := s.master(t)
	s.hub.RevokeDevice(t.Context(), gate)
	if got := m.closed(); got != protocol.CloseRevoked {
		t.Errorf("closed with %s", got)
	}
	if _, refusal := s.knockKVS(t, gate, url.Values{"token": {s.bearer}}); refusal == nil || refusal.StatusCode != http.StatusForbidden {
		t.Errorf("its token: %v", refusal)
	}
	if got := s.hub.Presence(gate).Status; got != protocol.StatusOffline {
		t.Errorf("it is %s", got)
	}
}

func TestServersAreLeftOutOfAnOfferThatWouldBeTooLong(t *testing.T) {
	s := onKVS(t, nil)
	m := s.master(t)
	v := s.viewer(t, looksAt(gate))
	sdp := "v=0\r\n" + strings.Repeat("a=x\r\n", 1400)
	v.ask(protocol.TypeOpen, sessionID(1), &protocol.Open{Device: gate, Owner: owner, Offer: &protocol.Offer{Revision: 1, SDP: sdp}})
	got := m.await("SDP_OFFER")
	if _, ok := got["IceServerList"]; ok || got.payload(t)["sdp"] != sdp {
		t.Errorf("got the servers %v", got["IceServerList"])
	}
}

func TestAMasterIsAskedForNoStillPicture(t *testing.T) {
	s := onKVS(t, nil)
	s.master(t)
	if _, _, err := s.hub.Snapshot(t.Context(), gate); protocol.AsError(err).Code != protocol.CodeNotFound {
		t.Errorf("got %v", err)
	}
}

func TestTheCameraIsToldSTUNServersAlone(t *testing.T) {
	s := onKVS(t, func(c *Config) { c.DeviceSTUN = []string{"stun:third.example"} })
	status, answer := s.get(t, s.base+string(gate)+"/ice-servers", s.bearer)
	list, _ := answer["IceServerList"].([]any)
	if status != http.StatusOK || len(list) != 1 || s.alive() != 0 {
		t.Errorf("got %d, %v", status, answer)
	}
}

// TestASessionOfWhichNobodyTellsLivesWithItsCamera is of two ends that have no words for media.
func TestASessionOfWhichNobodyTellsLivesWithItsCamera(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		bearer := s.giveBearer(t, gate, project)
		m, leave := s.masterGuest(t, bearer)
		v, _ := s.guest(t, looksAt(gate))
		v.tell(t, protocol.TypeOpen, sessionID(1), &protocol.Open{Device: gate, Owner: owner, Offer: offer})
		m.await(t, protocol.TypeInvite)
		m.tell(t, protocol.TypeDescribe, sessionID(1), &protocol.Describe{Revision: 1, Kind: protocol.DescribeAnswer, SDP: "v=0 answer"})
		v.await(t, protocol.TypeDescribe)
		v.depart(stoppingError) // after which its session goes on
		time.Sleep(protocol.SessionLease - time.Minute)
		if got := s.row(sessionID(1)); !got.Ended.IsZero() {
			t.Fatalf("it ended: %s", got.Reason)
		}
		time.Sleep(2 * time.Minute)
		if got := s.row(sessionID(1)); got.Reason != protocol.ReasonExpired {
			t.Errorf("got %q after the lease", got.Reason)
		}

		w, _ := s.guest(t, looksAt(gate))
		w.tell(t, protocol.TypeOpen, sessionID(2), &protocol.Open{Device: gate, Owner: owner, Offer: offer})
		m.await(t, protocol.TypeInvite)
		m.tell(t, protocol.TypeDescribe, sessionID(2), &protocol.Describe{Revision: 1, Kind: protocol.DescribeAnswer, SDP: "v=0 answer"})
		w.await(t, protocol.TypeDescribe)
		w.depart(stoppingError)
		m.depart(leftError)
		leave()
		time.Sleep(protocol.MediaTimeout + 2*time.Second)
		if got := s.row(sessionID(2)); got.Reason != protocol.ReasonTimeout {
			t.Errorf("got %q without the camera", got.Reason)
		}
	})
}

// TestAViewerThatCanTellMustTell is of our own page at a camera of the KVS format.
func TestAViewerThatCanTellMustTell(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		m, _ := s.masterGuest(t, s.giveBearer(t, gate, project))
		v := s.viewer(t, looksAt(gate))
		v.openAt(gate, 1)
		m.await(t, protocol.TypeInvite)
		m.tell(t, protocol.TypeDescribe, sessionID(1), &protocol.Describe{Revision: 1, Kind: protocol.DescribeAnswer, SDP: "v=0 answer"})
		v.await(protocol.TypeDescribe)
		time.Sleep(protocol.MediaTimeout - time.Second)
		v.post(protocol.TypeStats, sessionID(1), &protocol.Stats{Media: true})
		time.Sleep(protocol.MediaTimeout - time.Second)
		if got := s.row(sessionID(1)); !got.Ended.IsZero() {
			t.Fatalf("it ended: %s", got.Reason)
		}
		time.Sleep(3 * time.Second)
		if got := s.row(sessionID(1)); got.Reason != protocol.ReasonTimeout {
			t.Errorf("got %q", got.Reason)
		}
	})
}

// TestAViewerThatCannotAskForMoreHasItsTokensTime is of a viewer of the KVS format at a camera with our agent.
func TestAViewerThatCannotAskForMoreHasItsTokensTime(t *testing.T) {
	s := onKVS(t, nil)
	d := s.device(t, camera)
	expires := time.Now().Add(5 * time.Hour).Truncate(time.Second)
	token := s.token(t, func(v *auth.Viewer) { v.Expires = expires })
	v, refusal := s.knockKVS(t, camera, url.Values{"token": {token}})
	if refusal != nil {
		t.Fatal(refusal.Status)
	}
	v.offer(1)
	if got := body[*protocol.Invite](t, d.await(protocol.TypeInvite)).Expires; !got.Equal(expires) {
		t.Errorf("got %s, want %s", got, expires)
	}
}

// masterGuest lets a master in as the door does.
func (s *stage) masterGuest(t testing.TB, bearer string) (*guest, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	if !s.hub.enter() {
		t.Fatal("the hub is stopping")
	}
	defer s.hub.work.Done()
	g, err := s.hub.welcomeMaster(ctx, guestConfig{Address: netip.MustParseAddr("192.0.2.8"), Door: protocol.TransportKVS}, bearer, gate)
	if err != nil {
		t.Fatal(err)
	}
	return g, cancel
}

// FuzzKVS gives a hub what clients of the KVS door may say, beside a session that must not suffer.
func FuzzKVS(f *testing.F) {
	session := string(sessionID(1))
	f.Add(false, []byte(`{"action":"SDP_OFFER","messagePayload":"eyJzZHAiOiJ2PTBcclxubz0tIDEgMiJ9"}`+"\n"+`{"action":"ICE_CANDIDATE","messagePayload":"e30="}`))
	f.Add(true, []byte(`{"action":"SDP_ANSWER","RecipientClientId":"`+session+`","MessagePayload":"eyJzZHAiOiJ2PTAifQ=="}`))
	f.Add(true, []byte(`{"action":"ICE_CANDIDATE","recipientClientId":"`+session+`","messagePayload":"eyJjYW5kaWRhdGUiOiJjYW5kaWRhdGU6MSJ9","correlationId":"1"}`))
	f.Add(false, []byte(`{"action":"SDP_ANSWER"}`+"\n"+`[]`))
	f.Fuzz(func(t *testing.T, asMaster bool, text []byte) {
		s := newStage(t, nil)
		h := New(s.config)
		h.running = true
		bearer := s.giveBearer(t, gate, project)
		s.hub = h
		master, _ := s.masterGuest(t, bearer)
		token := auth.Viewer{Project: project, Key: apiKey, Device: gate, ID: "1", Rights: []protocol.Right{protocol.RightView}, Expires: time.Now().Add(time.Hour)}
		viewer, err := h.welcomeGuest(t.Context(), guestConfig{Viewer: token, Door: protocol.TransportKVS})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := viewer.say(t.Context(), protocol.TypeOpen, sessionID(1), &protocol.Open{Device: gate, Owner: owner, Offer: offer}); err != nil {
			t.Fatal(err)
		}
		var socket *kvsSocket
		if asMaster {
			socket = &kvsSocket{hub: h, guest: master, speaker: &kvsMaster{guest: master, calls: map[protocol.SessionID]*kvsCall{}}}
		} else {
			socket = &kvsSocket{hub: h, guest: viewer, speaker: &kvsViewer{guest: viewer, device: gate}}
		}
		socket.fuzz(t, text)
		viewer.depart(leftError)
		master.depart(leftError)
		h.work.Wait()
		if len(h.clients)+len(h.sessions) != 0 {
			t.Errorf("%d clients and %d sessions are left", len(h.clients), len(h.sessions))
		}
	})
}

func TestAMasterComesBackToItsSessionsOverARestartOfTheHub(t *testing.T) {
	s := onKVS(t, nil)
	m := s.master(t)
	v := s.watch(t, gate)
	v.offer(1)
	id := protocol.SessionID(m.await("SDP_OFFER").text("senderClientId"))
	m.say("SDP_ANSWER", string(id), "", describedAs("answer", "v=0 answer"))
	v.await("SDP_ANSWER")
	s.stop(t)
	m.await("GO_AWAY")
	s.start(t)
	s.master(t)
	s.until(t, "it has its session", func() bool {
		s.hub.mu.Lock()
		defer s.hub.mu.Unlock()
		session := s.hub.sessions[id]
		return session != nil && session.device != nil
	})
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	if !s.hub.vouchedLocked(s.hub.sessions[id]) {
		t.Error("its link does not stand for the media")
	}
}

func TestAViewersSessionGoesOnWhenItsSocketTakesNothing(t *testing.T) {
	s := onKVS(t, func(c *Config) { c.WriteTimeout = 50 * time.Millisecond })
	d := s.device(t, camera)
	v := s.watch(t, camera)
	v.offer(1)
	invite := d.await(protocol.TypeInvite)
	d.answerInvite(invite)
	v.await("SDP_ANSWER")
	s.hub.mu.Lock()
	c := s.hub.sessions[invite.Session].viewer
	s.hub.mu.Unlock()
	c.close(protocol.Errorf(protocol.CodeTooSlow, "the door does not take what is said"))
	s.until(t, "the viewer has left", func() bool { return s.hub.Counts().Viewers == 0 })
	if got := s.hub.Counts().Sessions; got != 1 {
		t.Errorf("%d sessions are left, want 1", got)
	}
}
