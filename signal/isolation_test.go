package signal

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
)

func TestNobodyReachesIntoTheSessionOfAnother(t *testing.T) {
	s := onSockets(t, nil)
	d, v := s.device(t, camera), s.viewer(t, nil)
	connect(v, d, 1)
	expires := s.row(sessionID(1)).Expires
	intruders := []*peer{s.viewer(t, nil), s.viewer(t, func(v *auth.Viewer) { v.Device = other }), s.device(t, other), s.device(t, foreign)}
	for i, p := range intruders {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			kind := protocol.DescribeOffer
			if i >= 2 {
				kind = protocol.DescribeAnswer
			}
			p.post(protocol.TypeDescribe, sessionID(1), &protocol.Describe{Revision: 2, Kind: kind, SDP: "evil"})
			p.post(protocol.TypeCandidate, sessionID(1), candidate(66))
			p.post(protocol.TypePath, sessionID(1), &protocol.Path{Kind: protocol.PathRelay})
			p.post(protocol.TypeStats, sessionID(1), &protocol.Stats{Media: true})
			p.post(protocol.TypeClose, sessionID(1), &protocol.Close{Reason: protocol.ReasonViewerLeft})
			p.post(protocol.TypeSync, sessionID(1), &protocol.Sync{Owner: strings.Repeat("e", 32), Path: &protocol.Path{Kind: protocol.PathRelay}})
			if got := p.refused(); got.Code != protocol.CodeConflict {
				t.Errorf("its sync got %v, want conflict", got)
			}
			p.settled()
		})
	}
	if got := append(d.settled(), v.settled()...); len(got) != 0 {
		t.Errorf("got %v through", got)
	}
	row := s.row(sessionID(1))
	if row.Path != (protocol.Path{}) || !row.Ended.IsZero() || !row.Expires.Equal(expires) || s.hub.Counts().Sessions != 1 {
		t.Errorf("the session was changed: %+v", row)
	}
}

func TestWhatAClientMayNotSayIsAnsweredAndItsLinkLivesOn(t *testing.T) {
	s := onSockets(t, nil)
	d, v := s.device(t, camera), s.viewer(t, nil)
	connect(v, d, 1)
	for _, test := range []struct {
		by   *peer
		say  protocol.Envelope
		want protocol.Code
	}{
		{v, protocol.Envelope{Type: "dance"}, protocol.CodeUnknownType},
		{v, protocol.Envelope{Type: "dance", ID: 77}, protocol.CodeUnknownType},
		{v, protocol.Must(protocol.TypeInvite, sessionID(1), &protocol.Invite{}), protocol.CodeBadMessage},
		{v, protocol.Must(protocol.TypePresence, "", &protocol.Presence{Device: camera}), protocol.CodeBadMessage},
		{d, protocol.Must(protocol.TypeOpen, sessionID(2), &protocol.Open{Device: camera, Owner: owner}), protocol.CodeBadMessage},
		{d, protocol.Must(protocol.TypeExtend, sessionID(1), &protocol.Extend{}), protocol.CodeBadMessage},
		{v, protocol.Must(protocol.TypeDescribe, sessionID(1), &protocol.Describe{Kind: protocol.DescribeAnswer}), protocol.CodeBadMessage},
		{v, protocol.Must(protocol.TypeDescribe, sessionID(1), &protocol.Describe{Kind: protocol.DescribeRestart}), protocol.CodeBadMessage},
		{d, protocol.Must(protocol.TypeDescribe, sessionID(1), &protocol.Describe{Kind: protocol.DescribeOffer}), protocol.CodeBadMessage},
	} {
		test.by.raw(test.say)
		if got := test.by.refused(); got.Code != test.want {
			t.Errorf("%s: got %v, want %s", test.say.Type, got, test.want)
		}
	}
	v.post(protocol.TypeError, "", protocol.Errorf(protocol.CodeUnknownType, "what?"))
	if got := append(v.settled(), d.settled()...); len(got) != 0 {
		t.Errorf("got %v, want silence: an error is not answered with an error", got)
	}
}

// raw sends an envelope whose type the link may not know.
func (p *peer) raw(e protocol.Envelope) {
	p.t.Helper()
	if e.Type.Known() {
		p.send(e)
		return
	}
	b, err := e.Encode()
	if err == nil {
		err = p.wire.write(b)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

func TestAViewersHugeMessageDoesNotCostTheDeviceItsLink(t *testing.T) {
	s := onSockets(t, nil)
	d, v := s.device(t, camera), s.dial(t)
	v.pumpless(s.viewerHello(t, nil))
	say := func(format string, args ...any) {
		text := fmt.Sprintf(format, args...)
		if gap := strings.Index(text, "GAP"); gap >= 0 { // no link would send so much, but a stranger's program may
			text = text[:gap] + strings.Repeat("x", protocol.MaxMessageBytes-len(text)+3) + text[gap+3:]
		}
		if err := v.wire.write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	say(`{"type":"open","seq":1,"id":1,"session":%q,"data":{"device":%q,"owner":%q}}`, sessionID(1), camera, owner)
	d.await(protocol.TypeInvite)
	say(`{"type":"candidate","seq":2,"session":%q,"data":{"candidate":"a","x":"GAP"}}`, sessionID(1))
	say(`{"type":"describe","seq":3,"session":%q,"data":{"kind":"offer","sdp":"v=0","x":"GAP"}}`, sessionID(1))
	say(`{"type":"sync","seq":4,"session":%q,"data":{"owner":%q,"candidates":[%s]}}`, // grows by the fields it leaves out
		sessionID(1), owner, strings.TrimSuffix(strings.Repeat(`{"candidate":"`+strings.Repeat("y", 998)+`"},`, protocol.MaxSyncCandidates), ","))
	say(`{"type":"open","seq":5,"id":2,"session":%q,"data":{"device":%q,"owner":%q}}`, sessionID(2), camera, owner)
	refused := 0
	for opened := 0; opened < 2; {
		b, err := v.wire.read()
		if err != nil {
			t.Fatalf("after %d refusals: %v", refused, err)
		}
		_, body, err := protocol.Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		switch m := body.(type) {
		case *protocol.Opened:
			opened++
		case *protocol.Error:
			if refused++; m.Code != protocol.CodeTooLarge {
				t.Errorf("got %v, want too_large", m)
			}
		}
	}
	if got := d.settled(); refused != 3 || len(got) != 1 || got[0].Type != protocol.TypeInvite {
		t.Errorf("%d messages were refused, and the device got %v; want 3 and the second invite alone", refused, got)
	}
}

func TestRevokingAKeyShutsOutThoseWhoseTokenItMade(t *testing.T) {
	s := onSockets(t, nil)
	d := s.device(t, camera)
	out := s.viewer(t, nil)
	stays := s.viewer(t, func(v *auth.Viewer) { v.Key = "key2" })
	connect(out, d, 1)
	connect(stays, d, 2)
	s.hub.RevokeKey(t.Context(), apiKey)
	if row := s.row(sessionID(1)); row.Reason != protocol.ReasonRevoked || !s.hasEnded(row.ViewerGrant) {
		t.Errorf("the session ended with %q", row.Reason)
	}
	if got := out.closed(); got != protocol.CloseRevoked {
		t.Errorf("the link was closed with %s, want %s", got, protocol.CloseRevoked)
	}
	if got := d.await(protocol.TypeClosed); got.Session != sessionID(1) {
		t.Errorf("the device was told of %s", got.Session)
	}
	if got := stays.settled(); len(got) != 0 {
		t.Errorf("another viewer got %v", got)
	}
	if got := body[*protocol.Error](t, stays.answerTo(stays.ask(protocol.TypeExtend, sessionID(2), &protocol.Extend{Token: s.token(t, nil)}))); got.Code != protocol.CodeRevoked {
		t.Errorf("extend with a token of the revoked key: got %v", got)
	}
}

func TestRevokingADeviceEndsItsLinkAndSessions(t *testing.T) {
	s := onSockets(t, nil)
	d, v := s.device(t, camera), s.viewer(t, nil)
	connect(v, d, 1)
	s.hub.RevokeDevice(t.Context(), camera)
	if got := s.hub.Presence(camera).Status; got != protocol.StatusOffline {
		t.Errorf("the device is %s", got)
	}
	if got := body[*protocol.Closed](t, v.await(protocol.TypeClosed)); got.Reason != protocol.ReasonRevoked {
		t.Errorf("got %s", got.Reason)
	}
	if got := d.closed(); got != protocol.CloseRevoked {
		t.Errorf("the device's link was closed with %s", got)
	}
	if got := body[*protocol.Error](t, v.answerTo(v.open(2))); got.Code != protocol.CodeRevoked {
		t.Errorf("got %v, want revoked", got)
	}
}

func TestEndsMayGiveOnlyReasonsOfTheirOwn(t *testing.T) {
	for _, reason := range protocol.Reasons {
		viewer, device := reasonOf(protocol.RoleViewer, reason), reasonOf(protocol.RoleDevice, reason)
		for _, got := range []protocol.Reason{viewer, device} {
			if slices.Contains([]protocol.Reason{protocol.ReasonClosedByAPI, protocol.ReasonRevoked, protocol.ReasonQuota, protocol.ReasonUnknown, protocol.ReasonInternal}, got) {
				t.Errorf("%s became %s", reason, got)
			}
		}
		if viewer == protocol.ReasonDeviceLeft || viewer == protocol.ReasonPrivacy || device == protocol.ReasonViewerLeft {
			t.Errorf("%s: a viewer ends with %s, a device with %s", reason, viewer, device)
		}
	}
}
