package signal

import (
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
)

const patience = 20 * time.Second

func TestAPlayerIsAnsweredWithAllCandidatesAndAResource(t *testing.T) {
	th := newTheater(t, nil)
	d := th.device(t, camera)
	th.answering(t, d, true)
	got := th.play(t)
	want := deviceAnswer("dev1") + "a=" + deviceCandidate + "\r\na=end-of-candidates\r\n"
	if diff := cmp.Diff(want, got.text); diff != "" {
		t.Errorf("answer, -want +got:\n%s", diff)
	}
	header := got.Header
	if etag := header.Get("ETag"); len(etag) < 4 || etag[0] != '"' {
		t.Errorf("got ETag %s, want a strong one", etag)
	}
	if !strings.HasPrefix(header.Get("Location"), "/v1/devices/camera/whep/") || header.Get("Content-Type") != "application/sdp" ||
		header.Get("Accept-Patch") != "application/trickle-ice-sdpfrag" || header.Get("Cache-Control") != "no-store" {
		t.Errorf("got headers %v", header)
	}
	row := th.row(got.id(t))
	links := header.Values("Link")
	if len(links) != 2 || links[0] != `<stun:relay.example>; rel="ice-server"` ||
		links[1] != `<turn:relay.example>; rel="ice-server"; username="`+string(row.ViewerGrant)+`"; credential="viewer"; credential-type="password"` {
		t.Errorf("got links %q of grant %s", links, row.ViewerGrant)
	}
	if row.Door != protocol.TransportWHEP || row.Viewer != "alice" || row.Media != (protocol.Media{Video: true}) {
		t.Errorf("got row %+v", row)
	}
	if peers := th.peersOf(row.ViewerGrant); !slices.Contains(peers, netip.MustParseAddrPort("192.0.2.9:5000")) {
		t.Errorf("the player's relay may talk to %v", peers)
	}
	th.until(t, "nobody keeps a grant for a next session", func() bool { return th.alive() == 2 })
}

func TestAnAnswerWaitsForCandidatesNoLongerThanItMay(t *testing.T) {
	th := newTheater(t, nil)
	th.answering(t, th.device(t, camera), false)
	if got := th.play(t); got.text != deviceAnswer("dev1")+"a="+deviceCandidate+"\r\n" {
		t.Errorf("got answer %q", got.text)
	}
}

func TestAnEndpointSaysWhatItTakes(t *testing.T) {
	th := newTheater(t, nil)
	token := th.token(t, nil)
	for name, test := range map[string]struct {
		method  string
		query   string
		headers []string
		links   int
	}{
		"without a token":   {http.MethodOptions, "", nil, 0},
		"with a bearer":     {http.MethodOptions, "", []string{"Authorization", "Bearer " + token}, 2},
		"with a query":      {http.MethodOptions, "?token=" + token, nil, 2},
		"a preflight":       {http.MethodOptions, "?token=" + token, []string{"Access-Control-Request-Method", "POST"}, 0},
		"with a bad token":  {http.MethodOptions, "?token=x", nil, 0},
		"another's token":   {http.MethodOptions, "?token=" + th.token(t, func(v *auth.Viewer) { v.Device = other }), nil, 0},
		"HEAD":              {http.MethodHead, "?token=" + token, nil, 2},
		"without the right": {http.MethodOptions, "?token=" + th.token(t, func(v *auth.Viewer) { v.Rights = []protocol.Right{protocol.RightAudio} }), nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := th.request(t, test.method, protocol.WHEPPath(camera)+test.query, "", test.headers...)
			if got.StatusCode != http.StatusNoContent || got.Header.Get("Accept-Post") != "application/sdp" ||
				got.Header.Get("Allow") != allMethods || got.Header.Get("Access-Control-Allow-Methods") != allMethods {
				t.Errorf("got %s, %v", got.Status, got.Header)
			}
			if links := got.Header.Values("Link"); len(links) != test.links {
				t.Errorf("got links %q, want %d", links, test.links)
			}
		})
	}
}

func TestPagesOfOtherOriginsMayBeAllowed(t *testing.T) {
	th := newTheater(t, func(c *Config) { c.Origins = []string{"https://partner.example"} })
	th.answering(t, th.device(t, camera), true)
	preflight := th.request(t, http.MethodOptions, protocol.WHEPPath(camera), "",
		"Origin", "https://partner.example", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type")
	if h := preflight.Header; preflight.StatusCode != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != "https://partner.example" ||
		!strings.Contains(h.Get("Access-Control-Allow-Headers"), "Authorization") || !strings.Contains(h.Get("Access-Control-Allow-Headers"), "If-Match") {
		t.Errorf("got %s, %v", preflight.Status, h)
	}
	made := th.post(t, playerOffer, "Origin", "https://partner.example")
	for _, name := range []string{"ETag", "Link", "Location", "Accept-Patch", "Retry-After"} {
		if !strings.Contains(made.Header.Get("Access-Control-Expose-Headers"), name) {
			t.Errorf("%s is not exposed", name)
		}
	}
	if got := th.post(t, playerOffer, "Origin", "https://evil.example"); got.StatusCode != http.StatusForbidden {
		t.Errorf("another origin got %s", got.Status)
	}
}

func TestOtherMethodsAreRefusedByName(t *testing.T) {
	th := newTheater(t, nil)
	th.answering(t, th.device(t, camera), true)
	made := th.play(t)
	for _, test := range []struct{ method, path, allow string }{
		{http.MethodGet, protocol.WHEPPath(camera), endpointMethods},
		{http.MethodPut, protocol.WHEPPath(camera), endpointMethods},
		{http.MethodPatch, protocol.WHEPPath(camera), endpointMethods},
		{http.MethodDelete, protocol.WHEPPath(camera), endpointMethods},
		{http.MethodGet, made.Header.Get("Location"), resourceMethods},
		{http.MethodPost, made.Header.Get("Location"), resourceMethods},
	} {
		if got := th.request(t, test.method, test.path, ""); got.StatusCode != http.StatusMethodNotAllowed || got.Header.Get("Allow") != test.allow {
			t.Errorf("%s %s: got %s, Allow %q", test.method, test.path, got.Status, got.Header.Get("Allow"))
		}
	}
	got := th.request(t, http.MethodOptions, made.Header.Get("Location"), "")
	if got.StatusCode != http.StatusNoContent || got.Header.Get("Accept-Patch") != "application/trickle-ice-sdpfrag" {
		t.Errorf("OPTIONS of a resource: %s, %v", got.Status, got.Header)
	}
}

func TestOffersAreRefusedWithTheirStatus(t *testing.T) {
	th := newTheater(t, nil)
	d := th.device(t, camera)
	th.hub.RevokeKey(t.Context(), "gone")
	bearer := func(change func(*auth.Viewer)) []string {
		return []string{"Authorization", "Bearer " + th.token(t, change)}
	}
	type refusal struct {
		path    protocol.DeviceID
		offer   string
		headers []string
		status  int
		code    protocol.Code
		retry   bool
	}
	for name, test := range map[string]refusal{
		"no token":        {camera, playerOffer, nil, http.StatusUnauthorized, protocol.CodeBadToken, false},
		"a bad token":     {camera, playerOffer, []string{"Authorization", "Bearer x"}, http.StatusUnauthorized, protocol.CodeBadToken, false},
		"Basic":           {camera, playerOffer, []string{"Authorization", "Basic eDp4"}, http.StatusUnauthorized, protocol.CodeBadToken, false},
		"another camera":  {other, playerOffer, bearer(nil), http.StatusForbidden, protocol.CodeForbidden, false},
		"no right":        {camera, playerOffer, bearer(func(v *auth.Viewer) { v.Rights = []protocol.Right{protocol.RightTalk} }), http.StatusForbidden, protocol.CodeForbidden, false},
		"a revoked key":   {camera, playerOffer, bearer(func(v *auth.Viewer) { v.Key = "gone" }), http.StatusForbidden, protocol.CodeRevoked, false},
		"another project": {foreign, playerOffer, bearer(func(v *auth.Viewer) { v.Device = foreign }), http.StatusNotFound, protocol.CodeNotFound, false},
		"offline":         {other, playerOffer, bearer(func(v *auth.Viewer) { v.Device = other }), http.StatusConflict, protocol.CodeOffline, true},
		"no SDP":          {camera, "hello", bearer(nil), http.StatusBadRequest, protocol.CodeBadMessage, false},
		"sends only":      {camera, strings.Replace(playerOffer, "recvonly", "sendonly", 1), bearer(nil), http.StatusUnprocessableEntity, protocol.CodeInvalid, false},
		"too large":       {camera, playerOffer + strings.Repeat("a=x\r\n", 10_000), bearer(nil), http.StatusRequestEntityTooLarge, protocol.CodeTooLarge, false},
	} {
		t.Run(name, func(t *testing.T) {
			got := th.request(t, http.MethodPost, protocol.WHEPPath(test.path), test.offer, append(test.headers, "Content-Type", "application/sdp")...)
			if p := got.problem(t); got.StatusCode != test.status || p.Code != test.code || got.Header.Get("Retry-After") != "" != test.retry {
				t.Errorf("got %s, %+v, Retry-After %q", got.Status, p, got.Header.Get("Retry-After"))
			}
			if got.StatusCode == http.StatusUnauthorized && got.Header.Get("WWW-Authenticate") != "Bearer" {
				t.Error("401 does not ask for a bearer")
			}
		})
	}
	got := th.request(t, http.MethodPost, protocol.WHEPPath(camera), playerOffer, "Authorization", "Bearer "+th.token(t, nil), "Content-Type", "text/plain")
	if got.StatusCode != http.StatusUnsupportedMediaType || got.Header.Get("Accept-Post") != "application/sdp" {
		t.Errorf("another type: got %s, Accept-Post %q", got.Status, got.Header.Get("Accept-Post"))
	}
	if got := d.settled(); len(got) != 0 {
		t.Errorf("the device was troubled with %v", got)
	}
}

func TestADevicesRefusalIsTold(t *testing.T) {
	th := newTheater(t, nil)
	d := th.device(t, camera)
	for _, test := range []struct {
		refusal protocol.Code
		status  int
		retry   bool
	}{
		{protocol.CodeCodec, http.StatusNotAcceptable, false},
		{protocol.CodeBusy, http.StatusServiceUnavailable, true},
	} {
		th.pumps.Go(func() { d.reply(d.await(protocol.TypeInvite), protocol.TypeError, protocol.Errorf(test.refusal, "no")) })
		got := th.post(t, playerOffer)
		if got.problem(t); got.StatusCode != test.status || got.Header.Get("Retry-After") != "" != test.retry {
			t.Errorf("%s: got %s, Retry-After %q", test.refusal, got.Status, got.Header.Get("Retry-After"))
		}
	}
	th.until(t, "nothing is left of them", func() bool { return th.hub.Counts() == Counts{Devices: 1} && th.alive() == 0 })
}

func TestAFullCameraSaysWhenToComeAgain(t *testing.T) {
	th := newTheater(t, nil)
	th.answering(t, th.device(t, camera), true)
	var last reply
	for range 4 { // as many as it serves
		last = th.play(t)
	}
	got := th.post(t, playerOffer)
	if p := got.problem(t); got.StatusCode != http.StatusServiceUnavailable || p.Code != protocol.CodeFull || got.Header.Get("Retry-After") == "" {
		t.Errorf("got %s, %+v", got.Status, p)
	}
	if got := th.request(t, http.MethodDelete, last.Header.Get("Location"), ""); got.StatusCode != http.StatusOK {
		t.Errorf("DELETE: %s", got.Status)
	}
	th.play(t)
}

func TestAnICEServerThatWasAskedForIsTheSessions(t *testing.T) {
	th := newTheater(t, nil)
	th.answering(t, th.device(t, camera), true)
	token := th.token(t, nil)
	link := th.request(t, http.MethodOptions, protocol.WHEPPath(camera), "", "Authorization", "Bearer "+token).Header.Values("Link")[1]
	made := th.request(t, http.MethodPost, protocol.WHEPPath(camera), playerOffer, "Authorization", "Bearer "+token, "Content-Type", "application/sdp")
	if grant := th.row(made.id(t)).ViewerGrant; !strings.Contains(link, `username="`+string(grant)+`"`) {
		t.Errorf("the session has grant %s, the player %s", grant, link)
	}
	unused := th.request(t, http.MethodOptions, protocol.WHEPPath(camera), "", "Authorization", "Bearer "+token).Header.Values("Link")[1]
	_, grant, _ := strings.Cut(unused, `username="`)
	th.hub.sweepFetched(time.Now().Add(relayLife))
	if !th.hasEnded(protocol.GrantID(grant[:32])) {
		t.Error("a grant that nobody came for is still good")
	}
}

func TestServersAreNotPutAsideForAnyNumberOfPlayers(t *testing.T) {
	th := newTheater(t, nil)
	th.hub.mu.Lock()
	for n := range maxFetched {
		th.hub.fetched[strconv.Itoa(n)] = fetched{at: time.Now()}
	}
	th.hub.mu.Unlock()
	got := th.request(t, http.MethodOptions, protocol.WHEPPath(camera), "", "Authorization", "Bearer "+th.token(t, nil))
	if got.StatusCode != http.StatusNoContent || len(got.Header.Values("Link")) != 0 {
		t.Errorf("got %s, links %q", got.Status, got.Header.Values("Link"))
	}
	th.answering(t, th.device(t, camera), true)
	th.play(t) // which needs none
}

func TestOneTokenMayNotHaveAnyNumberOfSessions(t *testing.T) {
	th := newTheater(t, nil)
	token := th.token(t, nil)
	viewer, err := th.keyring.Verify(token, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for range maxTokenCalls {
		if err := th.hub.whep.reserve(tokenName(viewer)); err != nil {
			t.Fatal(err)
		}
	}
	got := th.request(t, http.MethodPost, protocol.WHEPPath(camera), playerOffer, "Authorization", "Bearer "+token, "Content-Type", "application/sdp")
	if p := got.problem(t); got.StatusCode != http.StatusTooManyRequests || p.Code != protocol.CodeRateLimited || got.Header.Get("Retry-After") == "" {
		t.Errorf("got %s, %+v", got.Status, p)
	}
	for range maxTokenCalls {
		th.hub.whep.release(tokenName(viewer))
	}
	for range 3 * requestBurst {
		got = th.request(t, http.MethodPost, protocol.WHEPPath(camera), "no offer", "Authorization", "Bearer "+token, "Content-Type", "application/sdp")
	}
	if got.StatusCode != http.StatusTooManyRequests {
		t.Errorf("after many requests: %s", got.Status)
	}
}

func TestAHubThatStopsSendsPlayersOn(t *testing.T) {
	th := newTheater(t, func(c *Config) { c.Hosts = []string{"other.example:8443"} })
	th.stop(t)
	got := th.post(t, playerOffer)
	if got.StatusCode != http.StatusTemporaryRedirect || got.Header.Get("Location") != "//other.example:8443/v1/devices/camera/whep" {
		t.Errorf("got %s, Location %q", got.Status, got.Header.Get("Location"))
	}
}

func TestAHubThatStopsAndKnowsNoOtherAsksPlayersToComeAgain(t *testing.T) {
	th := newTheater(t, nil)
	th.stop(t)
	got := th.post(t, playerOffer)
	if p := got.problem(t); got.StatusCode != http.StatusServiceUnavailable || p.Code != protocol.CodeGoingAway || got.Header.Get("Retry-After") == "" {
		t.Errorf("got %s, %+v, Retry-After %q", got.Status, p, got.Header.Get("Retry-After"))
	}
}
