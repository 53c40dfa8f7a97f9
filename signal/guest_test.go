package signal

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
)

// guest lets one in as a door does. It ends with leave, or with the test.
func (s *stage) guest(t *testing.T, change func(*auth.Viewer)) (g *guest, leave context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	g, err := s.welcomeGuest(ctx, guestConfig{Token: s.token(t, change), Address: netip.MustParseAddr("192.0.2.7"), Door: protocol.TransportWHEP})
	if err != nil {
		t.Fatalf("the guest is not welcome: %v", err)
	}
	return g, cancel
}

func (s *stage) welcomeGuest(ctx context.Context, config guestConfig) (*guest, error) {
	if !s.hub.enter() {
		return nil, stoppingError
	}
	defer s.hub.work.Done()
	return s.hub.welcomeGuest(ctx, config)
}

// await skips what else the hub says. It fails the test when the guest ends before.
func (g *guest) await(t *testing.T, kind protocol.Type) *said {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		m, err := g.next(ctx)
		if err != nil {
			t.Fatalf("waiting for %s: %v", kind, err)
		}
		if m.Type == kind {
			return m
		}
	}
}

// ended waits for the end of the guest, and returns why.
func (g *guest) ended(t *testing.T) *protocol.Error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		if _, err := g.next(ctx); err != nil {
			return protocol.AsError(err)
		}
	}
}

func (g *guest) tell(t *testing.T, kind protocol.Type, session protocol.SessionID, body protocol.Message) uint64 {
	t.Helper()
	id, err := g.say(t.Context(), kind, session, body)
	if err != nil {
		t.Fatalf("say %s: %v", kind, err)
	}
	return id
}

func (g *guest) open(t *testing.T, n int) uint64 {
	t.Helper()
	return g.tell(t, protocol.TypeOpen, sessionID(n), &protocol.Open{
		Device: camera, Grant: g.welcome.Grant, Owner: owner, Media: protocol.Media{Video: true}, Offer: offer,
	})
}

func TestAGuestIsAViewerLikeAnyOther(t *testing.T) {
	s := onSockets(t, nil)
	d := s.device(t, camera)
	g, _ := s.guest(t, nil)
	if got := s.hub.Counts(); got.Viewers != 1 {
		t.Errorf("got %+v, want one viewer", got)
	}
	if !g.welcome.Grant.Valid() || len(g.welcome.ICEServers) != 2 {
		t.Errorf("got grant %q and servers %v", g.welcome.Grant, g.welcome.ICEServers)
	}
	id := g.open(t, 1)
	for n := range 3 {
		g.tell(t, protocol.TypeCandidate, sessionID(1), candidate(n))
	}
	invite := d.await(protocol.TypeInvite)
	m := body[*protocol.Invite](t, invite)
	if m.Offer == nil || *m.Offer != *offer || m.Viewer.Name != "alice" || !m.Grant.Valid() {
		t.Errorf("got invite %+v", m)
	}
	for n := range 3 {
		if got := body[*protocol.Candidate](t, d.await(protocol.TypeCandidate)); *got != *candidate(n) {
			t.Errorf("candidate %d: got %+v", n, got)
		}
	}
	d.reply(invite, protocol.TypeReply, &protocol.Reply{})
	d.post(protocol.TypeDescribe, sessionID(1), &protocol.Describe{Revision: 1, Kind: protocol.DescribeAnswer, SDP: "v=0 answer"})
	d.post(protocol.TypeCandidate, sessionID(1), candidate(9))
	if opened := g.await(t, protocol.TypeOpened); opened.Re != id || opened.Session != sessionID(1) {
		t.Errorf("opened answers %d of %s, want %d", opened.Re, opened.Session, id)
	}
	if got, _ := g.await(t, protocol.TypeDescribe).body.(*protocol.Describe); got == nil || got.SDP != "v=0 answer" {
		t.Errorf("got %+v, want the answer", got)
	}
	g.await(t, protocol.TypeCandidate)
	if row := s.row(sessionID(1)); row.ViewerGrant != g.welcome.Grant || row.Viewer != "alice" || row.Key != apiKey {
		t.Errorf("got row %+v", row)
	}
	if peers := s.peersOf(m.Grant); !slices.Contains(peers, netip.MustParseAddrPort("192.0.2.7:0")) {
		t.Errorf("the device may not talk to where the guest comes from: %v", peers)
	}
	d.post(protocol.TypeClose, sessionID(1), &protocol.Close{Reason: protocol.ReasonPrivacy})
	if got, _ := g.await(t, protocol.TypeClosed).body.(*protocol.Closed); got == nil || got.Reason != protocol.ReasonPrivacy {
		t.Errorf("got %+v, want privacy", got)
	}
}

func TestAGuestIsRefusedAsAnyViewer(t *testing.T) {
	s := onSockets(t, nil)
	for name, test := range map[string]struct {
		change func(*auth.Viewer)
		want   protocol.Code
	}{
		"another project's camera": {func(v *auth.Viewer) { v.Device = foreign }, protocol.CodeNotFound},
		"a revoked key":            {func(v *auth.Viewer) { v.Key = "gone" }, protocol.CodeRevoked},
	} {
		t.Run(name, func(t *testing.T) {
			s.hub.RevokeKey(t.Context(), "gone")
			_, err := s.welcomeGuest(t.Context(), guestConfig{Token: s.token(t, test.change), Door: protocol.TransportWHEP})
			if !errors.Is(err, &protocol.Error{Code: test.want}) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	_, err := s.welcomeGuest(t.Context(), guestConfig{Token: "stale", Door: protocol.TransportWHEP})
	if !errors.Is(err, &protocol.Error{Code: protocol.CodeBadToken}) {
		t.Errorf("got %v, want bad_token", err)
	}
	g, _ := s.guest(t, nil)
	id := g.open(t, 1)
	if m := g.await(t, protocol.TypeError); m.Re != id || protocol.AsError(m.body.(*protocol.Error)).Code != protocol.CodeOffline { //nolint:forcetypeassert // it is of its type
		t.Errorf("got %+v, want that the camera is offline", m)
	}
}

func TestASessionEndsWithItsGuest(t *testing.T) {
	s := onSockets(t, nil)
	d := s.device(t, camera)
	g, leave := s.guest(t, nil)
	g.open(t, 1)
	d.await(protocol.TypeInvite)
	leave()
	if got := body[*protocol.Closed](t, d.await(protocol.TypeClosed)); got.Reason != protocol.ReasonViewerLeft {
		t.Errorf("the device heard %s", got.Reason)
	}
	s.until(t, "the session is kept as ended", func() bool { return s.row(sessionID(1)).Reason == protocol.ReasonViewerLeft })
	s.until(t, "nothing of the guest is left", func() bool { return s.hub.Counts() == Counts{Devices: 1} && s.alive() == 0 })
	if _, err := g.say(t.Context(), protocol.TypeCandidate, sessionID(1), candidate(1)); err == nil {
		t.Error("a guest that is over may say something")
	}
}

func TestARevokedKeyShutsItsGuestsOut(t *testing.T) {
	s := onSockets(t, nil)
	d := s.device(t, camera)
	g, _ := s.guest(t, nil)
	g.open(t, 1)
	d.await(protocol.TypeInvite)
	s.hub.RevokeKey(t.Context(), apiKey)
	if got := body[*protocol.Closed](t, d.await(protocol.TypeClosed)); got.Reason != protocol.ReasonRevoked {
		t.Errorf("the device heard %s", got.Reason)
	}
	if why := g.ended(t); why.Code != protocol.CodeRevoked {
		t.Errorf("the guest ended with %v", why)
	}
}

func TestADoorThatDoesNotTakeWhatIsSaidLosesItsGuest(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d := s.device(t, camera)
		g, _ := s.guest(t, nil)
		g.open(t, 1)
		d.await(protocol.TypeInvite)
		d.post(protocol.TypeDescribe, sessionID(1), &protocol.Describe{Revision: 1, Kind: protocol.DescribeAnswer, SDP: "v=0 answer"})
		for n := range 2 * guestInbox {
			d.post(protocol.TypeCandidate, sessionID(1), candidate(n))
		}
		if got := body[*protocol.Closed](t, d.await(protocol.TypeClosed)); got.Reason != protocol.ReasonViewerLeft {
			t.Errorf("the device heard %s", got.Reason)
		}
		if why := g.ended(t); why.Code != protocol.CodeTooSlow {
			t.Errorf("the guest ended with %v", why)
		}
	})
}

func TestSessionsOfGuestsOutliveTheHub(t *testing.T) {
	s := onSockets(t, nil)
	d := s.device(t, camera)
	g, _ := s.guest(t, nil)
	g.open(t, 1)
	d.await(protocol.TypeInvite)
	s.stop(t)
	g.await(t, protocol.TypeGoaway)
	if why := g.ended(t); why.Code != protocol.CodeGoingAway {
		t.Errorf("the guest ended with %v", why)
	}
	if row := s.row(sessionID(1)); !row.Ended.IsZero() {
		t.Errorf("the session ended with %s", row.Reason)
	}
	if _, err := s.welcomeGuest(t.Context(), guestConfig{Token: s.token(t, nil)}); !errors.Is(err, stoppingError) {
		t.Errorf("a hub that has stopped says %v to a guest", err)
	}
}

func TestAHubThatNamesOthersDoesNotWaitForGuestsThatDepart(t *testing.T) {
	s := onSockets(t, func(c *Config) { c.Hosts, c.DrainDeadline = []string{"other.example"}, time.Hour })
	g, _ := s.guest(t, nil)
	s.pumps.Go(func() {
		g.await(t, protocol.TypeGoaway)
		g.depart(stoppingError)
	})
	s.stop(t) // within the stage's patience
}

func TestAGuestMayBeSilentForever(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		g, leave := s.guest(t, func(v *auth.Viewer) { v.Expires = time.Now().Add(auth.MaxViewerLife) })
		s.pumps.Go(func() {
			for _, err := g.next(context.Background()); err == nil; {
				_, err = g.next(context.Background())
			}
		})
		time.Sleep(3 * time.Hour)
		if got := s.hub.Counts(); got.Viewers != 1 || got.Parked != 0 {
			t.Errorf("got %+v after hours", got)
		}
		g.tell(t, protocol.TypeExtend, "", &protocol.Extend{})
		leave()
	})
}

func TestWhatIsNoMessageDoesNotEndAGuest(t *testing.T) {
	s := onSockets(t, nil)
	g, _ := s.guest(t, nil)
	for name, wrong := range map[string]protocol.Message{
		"no owner":  &protocol.Open{Device: camera},
		"too large": &protocol.Open{Device: camera, Owner: owner, Offer: &protocol.Offer{SDP: string(make([]byte, protocol.MaxSDPBytes+1))}},
	} {
		if _, err := g.say(t.Context(), protocol.TypeOpen, sessionID(1), wrong); err == nil {
			t.Errorf("%s: the hub takes it", name)
		}
	}
	g.open(t, 1)
	g.await(t, protocol.TypeError)
}
