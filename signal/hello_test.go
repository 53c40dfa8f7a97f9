package signal

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
)

func TestAViewerIsWelcomedWithAGrantAndItsDevicesPresence(t *testing.T) {
	s := onSockets(t, nil)
	s.device(t, camera)
	v := s.viewer(t, nil)
	if w := v.welcome; !w.Grant.Valid() || len(w.ICEServers) == 0 || w.Resumed || w.Reason != protocol.ResumeNew || w.Node != "node" {
		t.Errorf("got welcome %+v", w)
	}
	want := protocol.Presence{Device: camera, Name: string(camera) + " at the door", Status: protocol.StatusOnline, Generation: 1, Transport: protocol.TransportWebSocket}
	got := v.snapshot.Presence
	if len(got) != 1 || got[0].Since.IsZero() {
		t.Fatalf("got presence %+v, want one device with its time", got)
	}
	if got[0].Since = want.Since; got[0] != want {
		t.Errorf("got presence %+v, want %+v", got[0], want)
	}
}

func TestAHelloIsRefusedWithATypedErrorAndTheCodeThatFits(t *testing.T) {
	s := onSockets(t, nil)
	viewer := func(change func(*auth.Viewer)) func(*testing.T) protocol.Hello {
		return func(t *testing.T) protocol.Hello { t.Helper(); return s.viewerHello(t, change) }
	}
	device := func(change func(*testing.T, *protocol.Hello)) func(*testing.T) protocol.Hello {
		return func(t *testing.T) protocol.Hello {
			t.Helper()
			hello := s.deviceHello(t, camera)
			change(t, &hello)
			return hello
		}
	}
	sign := func(t *testing.T, by, as protocol.DeviceID, audience string, ahead time.Duration) string {
		t.Helper()
		token, err := auth.SignDevice(s.keys[by], as, audience, time.Now().Add(ahead))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	old := auth.Viewer{Project: project, Subject: "alice", Key: apiKey, Device: camera, Expires: time.Now().Add(-time.Minute)}
	expired, err := s.keyring.Mint(old, time.Now().Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	s.hub.RevokeKey(t.Context(), "withdrawn")
	removed := s.devices[other]
	removed.Revoked = time.Now()
	s.mu.Lock()
	s.devices[other] = removed
	s.mu.Unlock()
	used := s.deviceHello(t, camera)
	s.hello(t, used)

	for _, test := range []struct {
		name  string
		hello func(*testing.T) protocol.Hello
		code  protocol.Code
		close protocol.CloseCode
	}{
		{"no token", func(*testing.T) protocol.Hello { return protocol.Hello{Role: protocol.RoleViewer} }, protocol.CodeBadToken, protocol.CloseBadToken},
		{"expired", func(*testing.T) protocol.Hello { return protocol.Hello{Role: protocol.RoleViewer, Token: expired} }, protocol.CodeExpired, protocol.CloseBadToken},
		{"revoked key", viewer(func(v *auth.Viewer) { v.Key = "withdrawn" }), protocol.CodeRevoked, protocol.CloseRevoked},
		{"device of another project", viewer(func(v *auth.Viewer) { v.Device = foreign }), protocol.CodeNotFound, protocol.CloseBadToken},
		{"online device of another project", viewer(func(v *auth.Viewer) { v.Project = "next" }), protocol.CodeNotFound, protocol.CloseBadToken},
		{"no such device", viewer(func(v *auth.Viewer) { v.Device = "nothing" }), protocol.CodeNotFound, protocol.CloseBadToken},
		{"viewer of a revoked device", viewer(func(v *auth.Viewer) { v.Device = other }), protocol.CodeRevoked, protocol.CloseRevoked},
		{"viewer token of a device", device(func(t *testing.T, h *protocol.Hello) { t.Helper(); h.Token = s.token(t, nil) }), protocol.CodeBadToken, protocol.CloseBadToken},
		{"another version", device(func(_ *testing.T, h *protocol.Hello) { h.Version = 2 }), protocol.CodeVersion, protocol.CloseVersion},
		{"another device's key", device(func(t *testing.T, h *protocol.Hello) {
			t.Helper()
			h.Token = sign(t, other, camera, hubURL, 0)
		}), protocol.CodeBadToken, protocol.CloseBadToken},
		{"another hub", device(func(t *testing.T, h *protocol.Hello) {
			t.Helper()
			h.Token = sign(t, camera, camera, "https://elsewhere.example", 0)
		}), protocol.CodeBadToken, protocol.CloseBadToken},
		{"a clock that is an hour off", device(func(t *testing.T, h *protocol.Hello) {
			t.Helper()
			h.Token = sign(t, camera, camera, hubURL, -time.Hour)
		}), protocol.CodeClockSkew, protocol.CloseGoingAway},
		{"a revoked device", device(func(t *testing.T, h *protocol.Hello) {
			t.Helper()
			h.Token = sign(t, other, other, hubURL, 0)
		}), protocol.CodeRevoked, protocol.CloseRevoked},
		{"a used token", func(*testing.T) protocol.Hello { return used }, protocol.CodeBadToken, protocol.CloseBadToken},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := s.dial(t)
			checkRefusal(t, p.greet(test.hello(t)), test.code, test.close)
		})
	}
}

func checkRefusal(t *testing.T, err error, code protocol.Code, want protocol.CloseCode) {
	t.Helper()
	var refusal *protocol.Error
	var closed *closedError
	if !errors.As(err, &refusal) || !errors.As(err, &closed) {
		t.Fatalf("got %v, want a typed error and a close", err)
	}
	if refusal.Code != code || closed.code != want || refusal.Message == "" {
		t.Errorf("got %s (%q) and close %s, want %s and %s", refusal.Code, refusal.Message, closed.code, code, want)
	}
	if code == protocol.CodeClockSkew && refusal.Now.IsZero() {
		t.Error("the device does not learn the time")
	}
}

func TestWhatIsNoHelloEndsTheSocketWithATypedError(t *testing.T) {
	s := onSockets(t, nil)
	for _, test := range []struct {
		name string
		kind int
		text string
		code protocol.Code
	}{
		{"garbage", websocket.TextMessage, "GET / HTTP/1.1", protocol.CodeBadMessage},
		{"binary", websocket.BinaryMessage, `{"type":"hello"}`, protocol.CodeBadMessage},
		{"another message", websocket.TextMessage, `{"type":"ping"}`, protocol.CodeBadMessage},
		{"over the limit", websocket.TextMessage, strings.Repeat(" ", protocol.MaxMessageBytes+1), protocol.CodeTooLarge},
		{"far over the limit", websocket.TextMessage, strings.Repeat(" ", 8*protocol.MaxMessageBytes), protocol.CodeTooLarge},
	} {
		for _, welcomed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, welcomed %v", test.name, welcomed), func(t *testing.T) {
				if welcomed && test.name == "another message" {
					return // a ping is welcome then
				}
				p := s.dial(t)
				conn := p.wire.(webWire).conn
				if welcomed {
					p.pumpless(s.viewerHello(t, nil))
				}
				if err := conn.WriteMessage(test.kind, []byte(test.text)); err != nil {
					t.Fatal(err)
				}
				_, err := first[*protocol.Welcome](p)
				checkRefusal(t, err, test.code, protocol.CloseVersion)
			})
		}
	}
}

// pumpless says hello and leaves the reading to the test.
func (p *peer) pumpless(hello protocol.Hello) {
	p.t.Helper()
	hello.Version = protocol.Version
	e := protocol.Must(protocol.TypeHello, "", &hello)
	b, err := e.Encode()
	if err == nil {
		err = p.wire.write(b)
	}
	if err == nil {
		_, err = first[*protocol.Welcome](p)
	}
	if err == nil {
		_, err = first[*protocol.Snapshot](p)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

func TestASocketThatSaysNothingIsClosed(t *testing.T) {
	s := onSockets(t, func(c *Config) { c.HelloTimeout = 20 * time.Millisecond })
	_, err := first[*protocol.Welcome](s.dial(t))
	checkRefusal(t, err, protocol.CodeTimeout, protocol.CloseSilent)
}

func TestTheDoorShowsWhoseItIsAndLetsInOnlyAllowedOrigins(t *testing.T) {
	s := onSockets(t, func(c *Config) { c.Origins = []string{"https://partner.example"} })
	own := strings.Replace(s.url, "ws:", "http:", 1)
	for origin, want := range map[string]int{
		"": http.StatusSwitchingProtocols, own: http.StatusSwitchingProtocols,
		"https://partner.example": http.StatusSwitchingProtocols, "https://PARTNER.example": http.StatusSwitchingProtocols,
		"https://evil.example": http.StatusForbidden, "null": http.StatusForbidden,
		"https://partner.example.evil.example": http.StatusForbidden, "http://partner.example": http.StatusForbidden,
	} {
		header := http.Header{}
		if origin != "" {
			header.Set("Origin", origin)
		}
		conn, response, err := websocket.DefaultDialer.DialContext(t.Context(), s.url, header)
		if response == nil {
			t.Fatalf("origin %q: %v", origin, err)
		}
		if response.StatusCode != want {
			t.Errorf("origin %q: got %s, want %d", origin, response.Status, want)
		}
		if err == nil {
			if response.Header.Get(protocol.ServerHeader) != "node" {
				t.Errorf("origin %q: the header %s is missing", origin, protocol.ServerHeader)
			}
			conn.Close()
		}
	}
}

func TestAHubThatDoesNotRunTakesNobody(t *testing.T) {
	w := httptest.NewRecorder()
	New(Config{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/link", http.NoBody))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("got %d and %v, want 503 with Retry-After", w.Code, w.Header())
	}
}

func TestAClientThatComesBackDoesNotFindItsGhost(t *testing.T) {
	s := onSockets(t, nil)
	v := s.viewer(t, nil)
	hello := s.viewerHello(t, nil)
	hello.Resume = &protocol.Resume{Link: v.welcome.Link, Key: "wrong"}
	thief := s.hello(t, hello)
	if got := v.settled(); len(got) != 0 {
		t.Errorf("a wrong key did %v to the link", got)
	}
	again := v.back(s.viewerHello(t, nil))
	if got := v.closed(); got != protocol.CloseGoingAway {
		t.Errorf("the old socket was closed with %s, want %s", got, protocol.CloseGoingAway)
	}
	hello.Resume = &protocol.Resume{Link: "gone", Key: "x"}
	lost := s.hello(t, hello)
	for _, test := range []struct {
		p    *peer
		want protocol.ResumeReason
	}{{thief, protocol.ResumeNew}, {again, ""}, {lost, protocol.ResumeNodeLost}} {
		if w := test.p.welcome; w.Resumed != (test.want == "") || w.Reason != test.want {
			t.Errorf("got resumed %v for %q, want %q", w.Resumed, w.Reason, test.want)
		}
	}
}

func TestTheNewestLinkOfADeviceWins(t *testing.T) {
	s := onSockets(t, nil)
	v := s.viewer(t, nil)
	before := s.device(t, camera)
	connect(v, before, 1)
	after := s.device(t, camera)
	if got := before.closed(); got != protocol.CloseSuperseded {
		t.Errorf("the older link was closed with %s, want %s", got, protocol.CloseSuperseded)
	}
	after.post(protocol.TypeSync, "", &protocol.Sync{Last: true})
	if m := body[*protocol.Closed](t, v.await(protocol.TypeClosed)); m.Reason != protocol.ReasonDeviceLeft {
		t.Errorf("the session that the device lost ended with %s, want %s", m.Reason, protocol.ReasonDeviceLeft)
	}
	if got := s.hub.Presence(camera); got.Status != protocol.StatusOnline || got.Generation != 2 {
		t.Errorf("got presence %+v, want online in generation 2", got)
	}
}

func TestRevocationWhileAHelloIsVerifiedStillCounts(t *testing.T) {
	s := onSockets(t, nil)
	s.hub.RevokeDevice(t.Context(), camera) // the store says so a moment too late
	checkRefusal(t, s.dial(t).greet(s.deviceHello(t, camera)), protocol.CodeRevoked, protocol.CloseRevoked)
}
