package signal

import (
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
)

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
			defer refusal.Body.Close()
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

func TestTokensOfOneIDShareNoGrantOfTwoCameras(t *testing.T) {
	s := onKVS(t, nil)
	grants := map[protocol.GrantID]bool{}
	asked := map[string]bool{}
	for _, device := range []protocol.DeviceID{camera, other} {
		token := s.token(t, func(v *auth.Viewer) { v.ID, v.Device = "the same", device })
		grants[s.servers(t, device, token, "a")] = true
		asked[askKey(auth.Viewer{Project: project, ID: "the same", Device: device}, netip.Addr{})] = true
	}
	if len(grants) != 2 || len(asked) != 2 {
		t.Errorf("got %v and %v: what one camera's owner pays for would be used with another", grants, asked)
	}
}

func TestOneProjectLeavesRoomForTheICEServersOfOthers(t *testing.T) {
	s := onKVS(t, nil)
	h, now := s.hub, time.Now()
	ask := func(project protocol.ProjectID, key string) error {
		viewer := auth.Viewer{Project: project, Key: "key", Rights: []protocol.Right{protocol.RightView}, Expires: now.Add(time.Hour)}
		_, err := h.setAside(viewer, project, key, now)
		return err
	}
	for i := range maxFetchedOf {
		if err := ask("greedy", strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := ask("greedy", "one more"); protocol.AsError(err).Code != protocol.CodeRateLimited {
		t.Errorf("one more: %v", err)
	}
	if err := ask("modest", "its first"); err != nil {
		t.Errorf("another project's: %v", err)
	}
	h.fetchedBy("0")
	h.fetchedBy("0")
	if err := ask("greedy", "one more"); err != nil {
		t.Errorf("in the place of one that was used: %v", err)
	}
	h.sweepFetched(now.Add(relayLife))
	if len(h.fetched) != 0 || len(h.fetchedOf) != 0 {
		t.Errorf("%d and %v are left", len(h.fetched), h.fetchedOf)
	}
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

func TestTheKVSDoorOpensACameraOfAnotherProjectByAGrantAlone(t *testing.T) {
	grants := &shares{}
	s := onKVS(t, func(c *Config) { c.Grants = grants })
	d := s.device(t, camera)
	token := s.token(t, ofPartner)
	if _, refusal := s.knockKVS(t, camera, url.Values{"token": {token}}); refusal == nil || refusal.StatusCode != http.StatusNotFound {
		t.Errorf("without a grant: %v", refusal)
	}
	if got, _ := s.get(t, s.base+string(camera)+"/ice-servers", token); got != http.StatusNotFound {
		t.Errorf("ICE servers without a grant: %d", got)
	}
	g := shared()
	grants.set(g)
	relay := s.servers(t, camera, token, "")
	if got := s.assignedTo(relay).Project; got != g.Payer() {
		t.Errorf("%s pays for what the viewer gathers, want %s", got, g.Payer())
	}
	v, refusal := s.knockKVS(t, camera, url.Values{"token": {token}})
	if refusal != nil {
		t.Fatal(refusal.Status)
	}
	v.offer(1)
	invite := d.await(protocol.TypeInvite)
	if row := s.row(invite.Session); row.Project != partner || row.DeviceProject != project || row.ViewerGrant != relay {
		t.Errorf("got row %+v", row)
	}
}
