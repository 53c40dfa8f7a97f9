package signal

import (
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// partner is another project than that of the stage's camera.
const partner protocol.ProjectID = "partner"

// shares are the grants of a stage.
type shares struct {
	// mu guards what follows.
	mu     sync.Mutex
	grants map[protocol.DeviceID]record.DeviceGrant
	terms  map[protocol.DeviceID]record.Terms
}

func (s *shares) DeviceTerms(device protocol.DeviceID) record.Terms {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.terms[device]
}

func (s *shares) Granted(device protocol.DeviceID, to protocol.ProjectID) (record.DeviceGrant, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, ok := s.grants[device]
	return g, ok && g.Viewer == to
}

// set shares the stage's camera, or shares it no longer.
func (s *shares) set(g *record.DeviceGrant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.grants = nil; g != nil {
		s.grants = map[protocol.DeviceID]record.DeviceGrant{camera: *g}
	}
}

func shared() *record.DeviceGrant {
	return &record.DeviceGrant{
		ID: "g", Device: camera, Owner: project, Viewer: partner, Rights: []protocol.Right{protocol.RightView, protocol.RightTalk},
		Pays: record.PayerViewer, Created: time.Now(),
	}
}

func ofPartner(v *auth.Viewer) { v.Project, v.Key = partner, "theirs" }

func wantCodeOf(t *testing.T, err error, want protocol.Code) {
	t.Helper()
	if !errors.Is(err, &protocol.Error{Code: want}) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestNoDoorOpensACameraOfAnotherProjectWithoutAGrant(t *testing.T) {
	for name, grant := range map[string]func(*record.DeviceGrant){
		"none":             nil,
		"to a third":       func(g *record.DeviceGrant) { g.Viewer = "third" },
		"of a past owner":  func(g *record.DeviceGrant) { g.Owner = "third" },
		"that has expired": func(g *record.DeviceGrant) { g.Expires = time.Now().Add(-time.Second) },
		"that was ended":   func(g *record.DeviceGrant) { g.Ended = time.Now() },
	} {
		for _, online := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				grants := &shares{}
				s := onSockets(t, func(c *Config) { c.Grants = grants })
				if grant != nil {
					g := shared()
					grant(g)
					grants.set(g)
				}
				if online {
					s.device(t, camera)
				}
				for door, connect := range map[string]func(*testing.T) wire{"websocket": s.connect, "long poll": s.longPoll} {
					if err := s.dialBy(t, connect).greet(s.viewerHello(t, ofPartner)); err == nil {
						t.Errorf("the %s lets it in", door)
					}
				}
				_, err := s.welcomeGuest(t.Context(), guestConfig{Token: s.token(t, ofPartner), Door: protocol.TransportWHEP})
				wantCodeOf(t, err, protocol.CodeNotFound)
				if got := s.look(t, camera, s.token(t, ofPartner)); got.Code != http.StatusNotFound {
					t.Errorf("the snapshot door says %d", got.Code)
				}
				if got := s.hub.Counts(); got.Viewers != 0 {
					t.Errorf("got %+v, want nobody in", got)
				}
			})
		}
	}
}

func TestAGrantOpensACameraOfAnotherProjectAsFarAsItGoes(t *testing.T) {
	for _, pays := range []record.Payer{record.PayerViewer, record.PayerOwner} {
		t.Run(string(pays), func(t *testing.T) {
			grants := &shares{}
			s := onSockets(t, func(c *Config) { c.Grants = grants })
			g := shared()
			g.Pays = pays
			grants.set(g)
			d := s.device(t, camera)
			v := s.viewer(t, func(v *auth.Viewer) {
				ofPartner(v)
				v.Rights = []protocol.Right{protocol.RightView, protocol.RightAudio, protocol.RightTalk}
			})
			if got := v.snapshot.Presence; len(got) != 1 || got[0].Status != protocol.StatusOnline {
				t.Errorf("got presence %v", got)
			}
			if got := s.assignedTo(v.welcome.Grant).Project; got != g.Payer() {
				t.Errorf("%s pays for what the viewer gathers, want %s", got, g.Payer())
			}
			connect(v, d, 1)
			row := s.row(sessionID(1))
			if diff := cmp.Diff([]protocol.Right{protocol.RightView, protocol.RightTalk}, row.Rights); diff != "" {
				t.Errorf("the rights differ:\n%s", diff)
			}
			if row.Project != partner || row.DeviceProject != project || row.PaidBy() != g.Payer() {
				t.Errorf("got a session of %s with a device of %s, paid by %s", row.Project, row.DeviceProject, row.PaidBy())
			}
			for _, grant := range []protocol.GrantID{row.ViewerGrant, row.DeviceGrant} {
				if got := s.assignedTo(grant).Project; got != g.Payer() {
					t.Errorf("%s pays for a grant, want %s", got, g.Payer())
				}
			}
			if got := s.look(t, camera, s.token(t, ofPartner)); got.Code == http.StatusNotFound {
				t.Error("the snapshot door does not know the camera")
			}
		})
	}
}

func TestWhoeverLooksByAGrantIsShutOutWhenItEnds(t *testing.T) {
	grants := &shares{}
	s := onSockets(t, func(c *Config) { c.Grants = grants })
	grants.set(shared())
	d := s.device(t, camera)
	out, watching, stays := s.viewer(t, ofPartner), s.viewer(t, ofPartner), s.viewer(t, nil)
	connect(out, d, 1)
	connect(stays, d, 2)
	grants.set(nil)
	s.hub.Regrant(t.Context())
	if row := s.row(sessionID(1)); row.Reason != protocol.ReasonRevoked || !s.hasEnded(row.ViewerGrant) || !s.hasEnded(row.DeviceGrant) {
		t.Errorf("the session ended with %q", row.Reason)
	}
	for _, p := range []*peer{out, watching} {
		if got := p.closed(); got != protocol.CloseRevoked {
			t.Errorf("a link was closed with %s, want %s", got, protocol.CloseRevoked)
		}
	}
	if got := d.await(protocol.TypeClosed); got.Session != sessionID(1) {
		t.Errorf("the device was told of %s", got.Session)
	}
	if got := stays.settled(); len(got) != 0 {
		t.Errorf("a viewer of the camera's own project got %v", got)
	}
	if err := s.dial(t).greet(s.viewerHello(t, ofPartner)); err == nil {
		t.Error("a viewer comes back without a grant")
	}
}

func TestSessionsEndWhenTheirGrantExpires(t *testing.T) {
	grants := &shares{}
	inBubble(t, func(c *Config) { c.Grants = grants }, func(t *testing.T, s *stage) {
		g := shared()
		g.Expires = time.Now().Add(10 * time.Second)
		grants.set(g)
		d, v := s.device(t, camera), s.viewer(t, ofPartner)
		connect(v, d, 1)
		reply := v.answerTo(v.ask(protocol.TypeExtend, sessionID(1), &protocol.Extend{Token: s.token(t, ofPartner)}))
		if got := body[*protocol.Reply](t, reply).Expires; got.After(g.Expires) {
			t.Errorf("the session may last until %s, its grant until %s", got, g.Expires)
		}
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if got := s.row(sessionID(1)).Reason; got != protocol.ReasonExpired {
			t.Errorf("the session ended with %q", got)
		}
		if got := v.closed(); got != protocol.CloseRevoked {
			t.Errorf("the link was closed with %s", got)
		}
	})
}

// TestManyAreShutOutBeforeTheStoreIsTold has the store take nothing before everybody is out: how long it takes to keep that
// thousands of sessions have ended delays nobody's end.
func TestManyAreShutOutBeforeTheStoreIsTold(t *testing.T) {
	const viewers = 2000
	s := newStage(t, nil)
	s.start(t)
	t.Cleanup(func() { s.stop(t) })
	now := time.Now()
	var links []*client
	for n := range viewers {
		c := s.hub.newClient(protocol.RoleViewer, protocol.Client{}, &carrier{socket: nowhere{}}, now)
		c.viewer = auth.Viewer{Project: project, Key: apiKey, Device: camera, Expires: now.Add(time.Hour)}
		c.owner = project
		links = append(links, c)
		ses := newSession(record.Session{
			ID: sessionID(n), Kind: record.SessionLive, Project: project, Device: camera, Key: apiKey, Created: now, Expires: now.Add(time.Hour),
			ViewerGrant: protocol.GrantID(newSecret()), DeviceGrant: protocol.GrantID(newSecret()),
		}, now)
		s.hub.mu.Lock()
		s.hub.clients[c.id] = c
		s.hub.addLocked(ses)
		s.hub.mu.Unlock()
	}
	var first sync.Once
	s.hold(func(record.Session) error {
		first.Do(func() {
			if n := s.hub.Counts().Sessions; n != 0 {
				t.Errorf("%d sessions go on when the store is told of the first", n)
			}
			if n := slices.IndexFunc(links, func(c *client) bool { c.mu.Lock(); defer c.mu.Unlock(); return !c.closed }); n >= 0 {
				t.Errorf("link %d is open when the store is told of the first session", n)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if len(s.ended) != 2*viewers {
				t.Errorf("the relay has closed %d grants when the store is told of the first, want %d", len(s.ended), 2*viewers)
			}
		})
		return nil
	})
	s.hub.RevokeKey(t.Context(), apiKey)
	s.hold(nil)
	for n := range viewers {
		if got := s.row(sessionID(n)).Reason; got != protocol.ReasonRevoked {
			t.Fatalf("session %d is kept as ended with %q", n, got)
		}
	}
	s.hub.mu.Lock()
	clear(s.hub.clients)
	s.hub.mu.Unlock()
}

// nowhere is a socket that takes everything.
type nowhere struct{}

func (nowhere) Write([]byte) error               { return nil }
func (nowhere) Close(protocol.CloseCode, string) {}
func (nowhere) abort()                           {}

func TestTheTermsOfACameraBindWhoLooksAtIt(t *testing.T) {
	grants := &shares{terms: map[protocol.DeviceID]record.Terms{camera: {Path: protocol.PathDirectOnly, MaxKbps: 300}}}
	s := onSockets(t, func(c *Config) { c.Grants = grants })
	d := s.device(t, camera)
	v := s.viewer(t, func(v *auth.Viewer) { v.Terms = record.Terms{Path: protocol.PathRelayOnly, MaxKbps: 900} })
	if got := urlsOf(v.welcome.ICEServers); v.welcome.Path != protocol.PathDirectOnly || len(got) != 1 {
		t.Errorf("the viewer is welcomed to %s with %v, want no relay", v.welcome.Path, got)
	}
	connect(v, d, 1)
	if got := s.row(sessionID(1)).Terms; got.Path != protocol.PathDirectOnly || got.MaxKbps != 300 {
		t.Errorf("the session's terms are %+v", got)
	}
}
