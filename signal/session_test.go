package signal

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// body returns what a message says.
func body[M protocol.Message](t *testing.T, m message) M {
	t.Helper()
	b, ok := m.body.(M)
	if !ok {
		t.Fatalf("got %s with %T, want %T", m.Type, m.body, b)
	}
	return b
}

func candidate(n int) *protocol.Candidate {
	return &protocol.Candidate{Revision: 1, Candidate: fmt.Sprintf("candidate:%d 1 udp 1 192.0.2.%d 5000 typ host", n, n%250+1)}
}

func TestAnOpenBringsBothEndsTogether(t *testing.T) {
	s := onSockets(t, nil)
	d, v := s.device(t, camera), s.viewer(t, nil)
	v.open(1)
	for n := range 3 {
		v.post(protocol.TypeCandidate, sessionID(1), candidate(n))
	}
	invite := d.await(protocol.TypeInvite)
	m := body[*protocol.Invite](t, invite)
	if m.Offer == nil || *m.Offer != *offer || !m.Trickle || m.Viewer.Name != "alice" || !m.Grant.Valid() || len(m.ICEServers) == 0 {
		t.Errorf("got invite %+v", m)
	}
	if invite.Gen != 1 || invite.Session != sessionID(1) {
		t.Errorf("the invite is of session %s in generation %d", invite.Session, invite.Gen)
	}
	for n := range 3 {
		if got := body[*protocol.Candidate](t, d.await(protocol.TypeCandidate)); *got != *candidate(n) {
			t.Errorf("candidate %d: got %+v", n, got)
		}
	}
	d.reply(invite, protocol.TypeReply, &protocol.Reply{})
	d.post(protocol.TypeDescribe, sessionID(1), &protocol.Describe{Revision: 1, Kind: protocol.DescribeAnswer, SDP: "v=0 answer"})
	d.post(protocol.TypeCandidate, sessionID(1), candidate(9))

	first := v.next()
	for first.Type == protocol.TypePresence {
		first = v.next()
	}
	opened := body[*protocol.Opened](t, first) // before all else of its session
	if !opened.NextGrant.Valid() || opened.NextGrant == v.welcome.Grant || opened.NextGrant == m.Grant || len(opened.ICEServers) == 0 {
		t.Errorf("got opened %+v", opened)
	}
	if got := body[*protocol.Describe](t, v.next()); got.Kind != protocol.DescribeAnswer || got.SDP != "v=0 answer" {
		t.Errorf("got %+v, want the answer", got)
	}
	if got := v.next(); got.Type != protocol.TypeCandidate || got.Gen != 1 {
		t.Errorf("got %s in generation %d, want the device's candidate", got.Type, got.Gen)
	}
	s.until(t, "the answer is kept", func() bool { return !s.row(sessionID(1)).Answered.IsZero() })
	row := s.row(sessionID(1))
	want := record.Session{
		ID: sessionID(1), Kind: record.SessionLive, Project: project, Device: camera, Key: apiKey, Viewer: "alice",
		Rights: []protocol.Right{protocol.RightView, protocol.RightAudio}, Door: protocol.TransportWebSocket, Owner: ownerHash(owner),
		Media: protocol.Media{Video: true}, ViewerGrant: v.welcome.Grant, DeviceGrant: m.Grant,
		Created: row.Created, Expires: opened.Expires, Answered: row.Answered,
		Account: record.Account{Version: row.Account.Version, Policy: protocol.PathPreferDirect},
	}
	if diff := cmp.Diff(want, row); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
	local := netip.MustParseAddrPort("127.0.0.1:0")
	device := []netip.AddrPort{local, netip.MustParseAddrPort("192.0.2.10:5000")}
	viewer := []netip.AddrPort{
		local, netip.MustParseAddrPort("192.0.2.1:5000"), netip.MustParseAddrPort("192.0.2.2:5000"), netip.MustParseAddrPort("192.0.2.3:5000"),
	}
	if diff := cmp.Diff([][]netip.AddrPort{device, viewer}, [][]netip.AddrPort{s.peersOf(v.welcome.Grant), s.peersOf(m.Grant)},
		cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
		t.Errorf("peers that the relay was told, of the viewer's grant and of the device's (-want +got):\n%s", diff)
	}
}

func TestAnOpenIsRefusedInWords(t *testing.T) {
	s := onSockets(t, nil)
	s.mu.Lock()
	seen := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	away := s.devices[other]
	away.LastSeen = seen
	s.devices[other] = away
	s.mu.Unlock()
	d := s.device(t, camera)
	v := s.viewer(t, nil)
	absent := s.viewer(t, func(v *auth.Viewer) { v.Device = other })
	deaf := s.viewer(t, func(v *auth.Viewer) { v.Rights = []protocol.Right{protocol.RightAudio} })
	stranger := s.viewer(t, func(v *auth.Viewer) { v.Subject = "bob" })
	connect(v, d, 1)
	good := protocol.Open{Device: camera, Owner: owner, Media: protocol.Media{Video: true}}
	for _, test := range []struct {
		name    string
		by      *peer
		session protocol.SessionID
		change  func(*protocol.Open)
		want    protocol.Code
	}{
		{"another camera", v, sessionID(2), func(m *protocol.Open) { m.Device = other }, protocol.CodeForbidden},
		{"without the right", deaf, sessionID(2), func(*protocol.Open) {}, protocol.CodeForbidden},
		{"no session", v, "", func(*protocol.Open) {}, protocol.CodeInvalid},
		{"offline", absent, sessionID(2), func(m *protocol.Open) { m.Device = other }, protocol.CodeOffline},
		{"somebody else's session", stranger, sessionID(1), func(m *protocol.Open) { m.Owner = strings.Repeat("f", 32) }, protocol.CodeConflict},
		{"an offer that fills the invite", v, sessionID(2), func(m *protocol.Open) {
			m.Offer = &protocol.Offer{Revision: 1, SDP: strings.Repeat("\n", (protocol.MaxMessageBytes-700)/2)}
		}, protocol.CodeTooLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := good
			test.change(&m)
			id := test.by.ask(protocol.TypeOpen, test.session, &m)
			got := test.by.answerTo(id)
			refusal := body[*protocol.Error](t, got)
			if refusal.Code != test.want {
				t.Errorf("got %v, want %s", refusal, test.want)
			}
			if test.want == protocol.CodeOffline && !refusal.LastSeen.Equal(seen) {
				t.Errorf("got last seen %s, want %s", refusal.LastSeen, seen)
			}
		})
	}
	if got := d.settled(); len(got) != 0 {
		t.Errorf("the device was troubled with %v", got)
	}
	if got := s.hub.Counts(); got != (Counts{Devices: 1, Viewers: 4, Sessions: 1}) {
		t.Errorf("got %+v", got)
	}
}

// answerTo waits for the answer to a request.
func (p *peer) answerTo(id uint64) message {
	p.t.Helper()
	for {
		if m := p.next(); m.Re == id {
			return m
		}
	}
}

func TestACameraServesAsManyAsItSays(t *testing.T) {
	s := onSockets(t, nil)
	d := s.device(t, camera) // it says 4
	v := s.viewer(t, nil)
	for n := range 4 {
		connect(v, d, n)
	}
	if got := body[*protocol.Error](t, v.answerTo(v.open(4))); got.Code != protocol.CodeFull {
		t.Errorf("got %v, want full", got)
	}
	v.post(protocol.TypeClose, sessionID(0), &protocol.Close{Reason: protocol.ReasonViewerLeft})
	connect(v, d, 5)
}

func TestARefusedOpenLeavesNothingBehind(t *testing.T) {
	s := onSockets(t, nil)
	d, v := s.device(t, camera), s.viewer(t, nil)
	d.settled()
	before := s.alive()
	s.hold(func(record.Session) error { return errors.New("disk full") })
	refusal := body[*protocol.Error](t, v.answerTo(v.open(1)))
	if refusal.Code != protocol.CodeInternal || strings.Contains(refusal.Message, "disk") {
		t.Errorf("got %v, want internal without its cause", refusal)
	}
	s.hold(nil)
	if got := s.hub.Counts().Sessions; got != 0 {
		t.Errorf("%d sessions are left", got)
	}
	s.until(t, "the grants of the refused open have ended", func() bool { return s.alive() == before })
	connect(v, d, 1)
	if got := s.row(sessionID(1)).ViewerGrant; got != v.welcome.Grant {
		t.Errorf("the grant of the refused open is not used again: got %s, want %s", got, v.welcome.Grant)
	}
}

func TestAForeignGrantIsNotTiedToASession(t *testing.T) {
	s := onSockets(t, nil)
	s.device(t, camera)
	a, b := s.viewer(t, nil), s.viewer(t, nil)
	b.ask(protocol.TypeOpen, sessionID(1), &protocol.Open{Device: camera, Owner: owner, Grant: a.welcome.Grant})
	b.await(protocol.TypeOpened)
	if got := s.row(sessionID(1)).ViewerGrant; got != "" {
		t.Errorf("the session has the grant %s", got)
	}
}

func TestADeviceThatDeclinesEndsTheSession(t *testing.T) {
	s := onSockets(t, nil)
	d, v := s.device(t, camera), s.viewer(t, nil)
	v.open(1)
	d.reply(d.await(protocol.TypeInvite), protocol.TypeError, protocol.Errorf(protocol.CodeBusy, "no"))
	if got := body[*protocol.Closed](t, v.await(protocol.TypeClosed)); got.Reason != protocol.ReasonBusy {
		t.Errorf("got %s, want busy", got.Reason)
	}
	s.until(t, "the end is kept", func() bool { return s.row(sessionID(1)).Reason == protocol.ReasonBusy })
	for _, late := range []protocol.Message{candidate(1), &protocol.Path{Kind: protocol.PathDirect}} {
		kind := protocol.TypeCandidate
		if _, ok := late.(*protocol.Path); ok {
			kind = protocol.TypePath
		}
		v.post(kind, sessionID(1), late)
	}
	if got := v.settled(); len(got) != 0 {
		t.Errorf("messages of a refused session were answered with %v", got)
	}
}

func TestADevicesFaultIsNotTakenForTheHubs(t *testing.T) {
	s := onSockets(t, nil)
	d, v := s.device(t, camera), s.viewer(t, nil)
	for i, code := range []protocol.Code{protocol.CodeInternal, "whatever"} {
		v.open(i + 1)
		d.reply(d.await(protocol.TypeInvite), protocol.TypeError, protocol.Errorf(code, "no"))
		if got := body[*protocol.Closed](t, v.await(protocol.TypeClosed)); got.Reason != protocol.ReasonDeviceLeft {
			t.Errorf("%s: got %s, want %s: what the hub breaks off is paid back", code, got.Reason, protocol.ReasonDeviceLeft)
		}
	}
}

func TestCloseReturnsWhenEverybodyKnows(t *testing.T) {
	s := onSockets(t, nil)
	d, v := s.device(t, camera), s.viewer(t, nil)
	connect(v, d, 1)
	if err := s.hub.Close(t.Context(), sessionID(1), protocol.ReasonClosedByAPI); err != nil {
		t.Fatal(err)
	}
	row := s.row(sessionID(1))
	if row.Ended.IsZero() || row.Reason != protocol.ReasonClosedByAPI {
		t.Errorf("the row says %q at %s", row.Reason, row.Ended)
	}
	if !s.hasEnded(row.ViewerGrant) || !s.hasEnded(row.DeviceGrant) {
		t.Error("the relay still carries the session")
	}
	for _, p := range []*peer{v, d} {
		if got := body[*protocol.Closed](t, p.await(protocol.TypeClosed)); got.Reason != protocol.ReasonClosedByAPI {
			t.Errorf("got %s", got.Reason)
		}
	}
	if err := s.hub.Close(t.Context(), sessionID(1), protocol.ReasonClosedByAPI); !errors.Is(err, &protocol.Error{Code: protocol.CodeNotFound}) {
		t.Errorf("a second Close: got %v, want not_found", err)
	}
}

func TestASessionThatEndsWhileItStartsIsOpenedBeforeItIsClosed(t *testing.T) {
	s := onSockets(t, nil)
	d, v := s.device(t, camera), s.viewer(t, nil)
	d.settled()
	v.settled()
	saving, goOn := make(chan struct{}), make(chan struct{})
	s.hold(func(record.Session) error {
		saving <- struct{}{}
		<-goOn
		return nil
	})
	id := v.open(1)
	<-saving
	ended := make(chan error, 1)
	s.pumps.Go(func() { ended <- s.hub.Close(t.Context(), sessionID(1), protocol.ReasonClosedByAPI) })
	s.until(t, "the session has ended", func() bool { return s.hub.Counts().Sessions == 0 })
	s.hold(nil)
	close(goOn)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if got := v.next(); got.Type != protocol.TypeOpened || got.Re != id {
		t.Errorf("got %s first, want opened", got.Type)
	}
	if got := body[*protocol.Closed](t, v.next()); got.Reason != protocol.ReasonClosedByAPI {
		t.Errorf("got %s", got.Reason)
	}
	if got := d.settled(); len(got) != 0 {
		t.Errorf("the device was troubled with %v", got)
	}
	s.until(t, "the relay is closed", func() bool {
		row := s.row(sessionID(1))
		return row.Reason == protocol.ReasonClosedByAPI && s.hasEnded(row.DeviceGrant) && s.hasEnded(row.ViewerGrant)
	})
}

func TestByeEndsTheSessionsAndALostLinkDoesNot(t *testing.T) {
	s := onSockets(t, nil)
	d := s.device(t, camera)
	leaving, lost := s.viewer(t, nil), s.viewer(t, nil)
	connect(leaving, d, 1)
	connect(lost, d, 2)
	lost.hangUp()
	leaving.send(protocol.Envelope{Type: protocol.TypeBye})
	closed := d.await(protocol.TypeClosed)
	if closed.Session != sessionID(1) || body[*protocol.Closed](t, closed).Reason != protocol.ReasonViewerLeft {
		t.Errorf("got closed of %s, %v", closed.Session, closed.body)
	}
	s.until(t, "only one session is left", func() bool { return s.hub.Counts() == Counts{Devices: 1, Parked: 1, Sessions: 1} })
	if !s.hasEnded(s.row(sessionID(1)).ViewerGrant) || s.hasEnded(s.row(sessionID(2)).ViewerGrant) {
		t.Error("the wrong grants have ended")
	}
	watcher := s.viewer(t, nil)
	d.send(protocol.Envelope{Type: protocol.TypeBye})
	if got := body[*protocol.Presence](t, watcher.await(protocol.TypePresence)); got.Status != protocol.StatusOffline {
		t.Errorf("a device that said bye is %s", got.Status)
	}
	s.until(t, "no session is left", func() bool { return s.hub.Counts() == Counts{Viewers: 1, Parked: 1} })
}

func TestAnOpenSentAgainIsAnsweredAgain(t *testing.T) {
	s := onSockets(t, nil)
	d, v := s.device(t, camera), s.viewer(t, nil)
	connect(v, d, 1)
	v.hangUp()
	again := s.viewer(t, nil)
	again.open(1)
	opened := body[*protocol.Opened](t, again.await(protocol.TypeOpened))
	if !opened.Expires.Equal(s.row(sessionID(1)).Expires) {
		t.Errorf("got expires %s, want %s", opened.Expires, s.row(sessionID(1)).Expires)
	}
	if got := body[*protocol.ICEServers](t, again.await(protocol.TypeICEServers)); got.Grant != s.row(sessionID(1)).ViewerGrant {
		t.Errorf("got credentials of grant %q, want those of the session", got.Grant)
	}
	// The answer may have been lost with the old link, so the device is asked to tell its state.
	asked := body[*protocol.Sync](t, d.await(protocol.TypeSync))
	if asked.Answer || asked.Owner != "" || asked.Description == nil || asked.Description.SDP != offer.SDP {
		t.Errorf("the device was asked %+v", asked)
	}
	d.post(protocol.TypeSync, sessionID(1), &protocol.Sync{Answer: true, Description: &protocol.Describe{Revision: 1, Kind: protocol.DescribeAnswer, SDP: "v=0 answer"}})
	if got := body[*protocol.Sync](t, again.await(protocol.TypeSync)); !got.Answer || got.Description.SDP != "v=0 answer" {
		t.Errorf("got %+v, want the device's answer", got)
	}
	if s.hub.Counts().Sessions != 1 {
		t.Error("there are two sessions")
	}
}

func TestAnEndedSessionCannotBeOpenedAgain(t *testing.T) {
	s := onSockets(t, nil)
	d, v := s.device(t, camera), s.viewer(t, nil)
	connect(v, d, 1)
	v.post(protocol.TypeClose, sessionID(1), &protocol.Close{Reason: protocol.ReasonViewerLeft})
	v.await(protocol.TypeClosed)
	s.until(t, "the end is kept", func() bool { return !s.row(sessionID(1)).Ended.IsZero() })
	if got := body[*protocol.Error](t, v.answerTo(v.open(1))); got.Code != protocol.CodeConflict {
		t.Errorf("got %v, want conflict", got)
	}
	if got := s.row(sessionID(1)).Reason; got != protocol.ReasonViewerLeft {
		t.Errorf("the row's reason became %s", got)
	}
}
