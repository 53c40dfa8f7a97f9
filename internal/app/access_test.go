package app

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// partner is a project with the key of its backend, on a running server.
type partner struct {
	*running
	project protocol.ProjectID
	key     string
}

// partner makes a project and a key of it; no scopes are all.
func (r *running) partner(id protocol.ProjectID, scopes ...record.Scope) partner {
	r.t.Helper()
	if _, err := r.store.Project(r.t.Context(), id); err != nil {
		if _, err := r.store.CreateProject(r.t.Context(), id, ""); err != nil {
			r.t.Fatal(err)
		}
	}
	_, key, err := r.store.CreateKey(r.t.Context(), record.Key{Project: id, Scopes: scopes})
	if err != nil {
		r.t.Fatal(err)
	}
	return partner{r, id, key.Reveal()}
}

// device enrols a camera of the partner's.
func (p partner) device() protocol.DeviceID {
	p.t.Helper()
	_, code, err := p.store.CreateEnrolment(p.t.Context(), record.Enrolment{Project: p.project, Name: "Front door"}, 0)
	if err != nil {
		p.t.Fatal(err)
	}
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	d, err := p.store.Enrol(p.t.Context(), code.Reveal(), public, "", "T1000")
	if err != nil {
		p.t.Fatal(err)
	}
	return d.ID
}

// reply is what the API said.
type reply struct {
	t      *testing.T
	status int
	text   []byte
}

// ask sends a request with the partner's key; a nil body is none.
func (p partner) ask(method, path string, body any) reply {
	p.t.Helper()
	var content io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			p.t.Fatal(err)
		}
		content = bytes.NewReader(text)
	}
	return send(p.t, method, p.url+path, p.key, content)
}

func send(t *testing.T, method, url, bearer string, content io.Reader) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, content)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+bearer)
	if content != http.NoBody {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{t, response.StatusCode, text}
}

func (a reply) want(status int) reply {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("got %d %s, want %d", a.status, a.text, status)
	}
	return a
}

// code is that of a problem.
func (a reply) code() protocol.Code {
	a.t.Helper()
	var problem struct {
		Code  protocol.Code
		Error struct{ Code protocol.Code } // of the snapshot door
	}
	if err := json.Unmarshal(a.text, &problem); err != nil {
		a.t.Fatalf("%s: %v", a.text, err)
	}
	if problem.Error.Code != "" {
		return problem.Error.Code
	}
	return problem.Code
}

// field is a text of the answer.
func (a reply) field(name string) string {
	a.t.Helper()
	var body map[string]any
	if err := json.Unmarshal(a.text, &body); err != nil {
		a.t.Fatalf("%s: %v", a.text, err)
	}
	text, _ := body[name].(string)
	return text
}

// look asks the snapshot door for a picture of a camera that is offline: whoever may look hears offline.
func (r *running) look(device protocol.DeviceID, token string) protocol.Code {
	r.t.Helper()
	return send(r.t, http.MethodGet, r.url+protocol.SnapshotPath+"/"+string(device), token, http.NoBody).code()
}

func TestAKeyCannotMakeOneThatMayMoreThanItself(t *testing.T) {
	r := serve(t, settings(t))
	full := r.partner("shop")
	weak := r.partner("shop", "keys:write", "tokens:write")
	for name, test := range map[string]struct {
		by   partner
		body map[string]any
		want int
	}{
		"all from all":                   {full, map[string]any{}, 201},
		"some from all":                  {full, map[string]any{"scopes": []string{"events:read"}}, 201},
		"some of its own":                {weak, map[string]any{"scopes": []string{"tokens:write"}}, 201},
		"all from some":                  {weak, map[string]any{}, 403},
		"none is all":                    {weak, map[string]any{"scopes": []string{}}, 403},
		"others":                         {weak, map[string]any{"scopes": []string{"devices:read"}}, 403},
		"an operator":                    {full, map[string]any{"scopes": []string{"operator"}}, 403},
		"no such scope":                  {full, map[string]any{"scopes": []string{"devices"}}, 422},
		"in the past":                    {full, map[string]any{"expires": "2020-01-01T00:00:00Z"}, 422},
		"keys of others, as an operator": {r.partner("shop", record.ScopeOperator), map[string]any{}, 403},
	} {
		if got := test.by.ask("POST", "/v1/keys", test.body); got.status != test.want {
			t.Errorf("%s: got %d %s, want %d", name, got.status, got.text, test.want)
		}
	}
	short := full.ask("POST", "/v1/keys", map[string]any{"expires": time.Now().Add(time.Hour)}).want(201)
	brief := partner{r, "shop", short.field("key")}
	brief.ask("POST", "/v1/keys", map[string]any{}).want(403)
	brief.ask("POST", "/v1/keys", map[string]any{"expires": time.Now().Add(2 * time.Hour)}).want(403)
	brief.ask("POST", "/v1/keys", map[string]any{"expires": time.Now().Add(time.Minute)}).want(201)
	// To rotate a key is to make one.
	id := full.ask("POST", "/v1/keys", map[string]any{}).want(201).field("id")
	weak.ask("POST", "/v1/keys/"+id+"/rotate", map[string]any{"overlap_s": 0}).want(403)
	brief.ask("POST", "/v1/keys/"+id+"/rotate", map[string]any{"overlap_s": 0}).want(403)
}

func TestAKeyIsRotatedWithoutAGap(t *testing.T) {
	r := serve(t, settings(t))
	p := r.partner("shop")
	device := p.device()
	made := p.ask("POST", "/v1/keys", map[string]any{"scopes": []string{"tokens:write", "keys:write"}}).want(201)
	old := partner{r, "shop", made.field("key")}
	token := old.ask("POST", "/v1/tokens", map[string]any{"device": device}).want(201).field("token")
	next := old.ask("POST", "/v1/keys/"+made.field("id")+"/rotate", map[string]any{"overlap_s": 3600}).want(201)
	fresh := partner{r, "shop", next.field("key")}
	for _, k := range []partner{old, fresh} {
		k.ask("POST", "/v1/tokens", map[string]any{"device": device}).want(201)
	}
	old.ask("POST", "/v1/keys/"+made.field("id")+"/rotate", map[string]any{"overlap_s": 1}).want(409)
	fresh.ask("POST", "/v1/keys/"+next.field("id")+"/rotate", map[string]any{"overlap_s": 1}).want(409) // three would live
	fresh.ask("GET", "/v1/devices", nil).want(403)
	p.ask("DELETE", "/v1/keys/"+made.field("id"), nil).want(204)
	if got := old.ask("POST", "/v1/tokens", map[string]any{"device": device}).want(401).code(); got != protocol.CodeRevoked {
		t.Errorf("got %s", got)
	}
	if got := r.look(device, token); got != protocol.CodeRevoked {
		t.Errorf("a token of the revoked key: got %s", got)
	}
	last := fresh.ask("POST", "/v1/keys/"+next.field("id")+"/rotate", map[string]any{"overlap_s": 0}).want(201)
	if got := fresh.ask("POST", "/v1/tokens", map[string]any{"device": device}).want(401).code(); got != protocol.CodeExpired {
		t.Errorf("a key without overlap: got %s", got)
	}
	partner{r, "shop", last.field("key")}.ask("POST", "/v1/tokens", map[string]any{"device": device}).want(201)
}

// signer is a partner's own key for tokens, registered.
type signer struct {
	partner
	id      string
	private ed25519.PrivateKey
}

func (p partner) signer() signer {
	p.t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	made := p.ask("POST", "/v1/signing-keys", map[string]any{"public_key": base64.StdEncoding.EncodeToString(public), "name": "ours"}).want(201)
	return signer{p, made.field("id"), private}
}

// sign makes a token as a stranger's library does; change puts other claims in.
func (s signer) sign(device protocol.DeviceID, change map[string]any) string {
	s.t.Helper()
	now := time.Now()
	claims := jwt.MapClaims{
		"iss": s.project, "aud": "sightline", "prj": s.project, "sub": "anna", "dev": device, "grants": []string{"view"},
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "jti": "t1",
	}
	maps.Copy(claims, change)
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
	token.Header["kid"] = s.id
	text, err := token.SignedString(s.private)
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

func TestATokenThatAPartnerSignsOpensHisCamerasUntilItsKeyIsRevoked(t *testing.T) {
	r := serve(t, settings(t))
	shop, maker := r.partner("shop"), r.partner("maker")
	s, own, foreign := shop.signer(), shop.device(), maker.device()
	if got := r.look(own, s.sign(own, nil)); got != protocol.CodeOffline {
		t.Errorf("its own camera: got %s, want offline", got)
	}
	if got := r.look(foreign, s.sign(foreign, nil)); got != protocol.CodeNotFound {
		t.Errorf("another's camera: got %s, want not_found", got)
	}
	if got := r.look(foreign, s.sign(foreign, map[string]any{"iss": "maker", "prj": "maker"})); got != protocol.CodeBadToken {
		t.Errorf("in the name of another: got %s, want bad_token", got)
	}
	maker.ask("DELETE", "/v1/signing-keys/"+s.id, nil).want(404)
	shop.ask("DELETE", "/v1/signing-keys/"+s.id, nil).want(204)
	if got := r.look(own, s.sign(own, nil)); got != protocol.CodeRevoked {
		t.Errorf("after its key was revoked: got %s, want revoked", got)
	}
	if text := string(shop.ask("GET", "/v1/signing-keys", nil).want(200).text); !strings.Contains(text, s.id) || !strings.Contains(text, `"revoked"`) {
		t.Errorf("got the list %s", text)
	}
	again := base64.StdEncoding.EncodeToString(s.private.Public().(ed25519.PublicKey)) //nolint:forcetypeassert // it is one
	shop.ask("POST", "/v1/signing-keys", map[string]any{"public_key": again}).want(409)
	if text := string(shop.ask("GET", "/v1/events", nil).want(200).text); !strings.Contains(text, "key.revoked") {
		t.Errorf("got no event in %s", text)
	}
}

func TestASharedDeviceIsFoundAndSeenUntilEitherSideEndsTheGrant(t *testing.T) {
	r := serve(t, settings(t))
	maker, shop, third := r.partner("maker"), r.partner("shop"), r.partner("third")
	device, s := maker.device(), shop.signer()
	shop.ask("POST", "/v1/tokens", map[string]any{"device": device}).want(404)
	for _, ender := range []partner{maker, shop} {
		made := maker.ask("POST", "/v1/grants", map[string]any{
			"device": device, "project": "shop", "rights": []string{"view", "talk"}, "expires": time.Now().Add(10 * time.Minute),
		}).want(201)
		path := "/v1/grants/" + made.field("id")
		maker.ask("POST", "/v1/grants", map[string]any{"device": device, "project": "shop"}).want(409)
		for _, side := range []partner{maker, shop} {
			if got := side.ask("GET", path, nil).want(200).field("owner"); got != "maker" {
				t.Errorf("%s sees that it is %s's", side.project, got)
			}
		}
		third.ask("GET", path, nil).want(404)
		third.ask("DELETE", path, nil).want(404)

		if text := string(shop.ask("GET", "/v1/devices?shared=true", nil).want(200).text); !strings.Contains(text, string(device)) {
			t.Errorf("the partner cannot find the device: %s", text)
		}
		if text := string(shop.ask("GET", "/v1/devices", nil).want(200).text); strings.Contains(text, string(device)) {
			t.Errorf("the device is among the partner's own: %s", text)
		}
		shop.ask("GET", "/v1/devices/"+string(device), nil).want(200)
		shop.ask("GET", "/v1/devices/"+string(device)+"/connections", nil).want(404)
		shop.ask("DELETE", "/v1/devices/"+string(device), nil).want(404)
		shop.ask("POST", "/v1/grants", map[string]any{"device": device, "project": "third"}).want(404) // it is not his to share

		shop.ask("POST", "/v1/tokens", map[string]any{"device": device, "grants": []string{"view", "control"}}).want(403)
		token := shop.ask("POST", "/v1/tokens", map[string]any{"device": device, "grants": []string{"view"}}).want(201)
		if expires, err := time.Parse(time.RFC3339, token.field("expires")); err != nil || time.Until(expires) > 10*time.Minute {
			t.Errorf("the token outlives its grant: %s", token.text)
		}
		third.ask("POST", "/v1/tokens", map[string]any{"device": device}).want(404)
		tokens := []string{token.field("token"), s.sign(device, nil)}
		for _, token := range tokens {
			if got := r.look(device, token); got != protocol.CodeOffline {
				t.Errorf("got %s, want that the camera is offline", got)
			}
		}
		ender.ask("DELETE", path, nil).want(204)
		ender.ask("DELETE", path, nil).want(204)
		for _, token := range tokens {
			if got := r.look(device, token); got != protocol.CodeNotFound {
				t.Errorf("after the end of the grant: got %s, want not_found", got)
			}
		}
		if got := maker.ask("GET", path, nil).want(200).field("ended_by"); got != string(ender.project) {
			t.Errorf("the grant was ended by %q, want %s", got, ender.project)
		}
	}
}

func TestABatchCodeEnrolsAsManyDevicesAsItIsForHoweverManyTryAtOnce(t *testing.T) {
	const count, tries = 5, 12
	r := serve(t, settings(t))
	p := r.partner("maker")
	made := p.ask("POST", "/v1/enrolments", map[string]any{"name": "Line 4", "count": count, "models": []string{"T1000"}}).want(201)
	join := func(key ed25519.PublicKey, model string) reply {
		body, err := json.Marshal(map[string]any{"code": made.field("code"), "public_key": key, "model": model})
		if err != nil {
			t.Error(err)
		}
		return send(t, "POST", r.url+"/v1/enroll", "", bytes.NewReader(body))
	}
	keys := make([]ed25519.PublicKey, tries)
	answers := make([]reply, tries)
	for i := range keys {
		keys[i], _, _ = ed25519.GenerateKey(nil)
	}
	join(keys[0], "T2000").want(403)
	var group sync.WaitGroup
	for i := range keys {
		group.Go(func() { answers[i] = join(keys[i], "T1000") })
	}
	group.Wait()
	joined := map[string]bool{}
	for i, a := range answers {
		switch a.status {
		case 200:
			joined[a.field("device")] = true
			if again := join(keys[i], "T1000").want(200).field("device"); again != a.field("device") {
				t.Errorf("the same key became %s and %s", a.field("device"), again)
			}
		case 403:
		default:
			t.Errorf("got %d %s", a.status, a.text)
		}
	}
	if len(joined) != count {
		t.Errorf("%d devices joined, want %d", len(joined), count)
	}
	path := "/v1/enrolments/" + made.field("id")
	var list struct {
		Devices []struct{ ID, Name string }
	}
	if err := json.Unmarshal(p.ask("GET", path+"/devices", nil).want(200).text, &list); err != nil || len(list.Devices) != count {
		t.Errorf("got %v, %v", list, err)
	}
	names := map[string]bool{}
	for _, d := range list.Devices {
		names[d.Name] = joined[d.ID]
	}
	if !names["Line 4 1"] || !names["Line 4 5"] || len(names) != count {
		t.Errorf("the devices are called %v", names)
	}
	if text := string(p.ask("GET", path, nil).want(200).text); !strings.Contains(text, `"made":5`) {
		t.Errorf("got %s", text)
	}
}

func TestOnlyAnOperatorMakesProjects(t *testing.T) {
	r := serve(t, settings(t))
	operator, shop := r.partner("default", record.ScopeOperator), r.partner("shop")
	for _, p := range []partner{shop, r.partner("shop", "project:read", "keys:write")} {
		p.ask("POST", "/v1/projects", map[string]any{"id": "new"}).want(403)
		p.ask("GET", "/v1/projects", nil).want(403)
		p.ask("PATCH", "/v1/projects/shop", map[string]any{"name": "x"}).want(403)
		p.ask("POST", "/v1/projects/shop/keys", map[string]any{}).want(403)
	}
	operator.ask("POST", "/v1/projects", map[string]any{"id": "new", "name": "New Shop"}).want(201)
	operator.ask("POST", "/v1/projects", map[string]any{"id": "new"}).want(409)
	operator.ask("POST", "/v1/projects", map[string]any{"id": "No Slug"}).want(422)
	changed := operator.ask("PATCH", "/v1/projects/new", map[string]any{
		"name": "Newer", "path": map[string]any{"policy": "relay_only", "max_relay_s": 60}, "max_kbps": 500,
	}).want(200)
	for _, want := range []string{`"Newer"`, `"relay_only"`, `"max_relay_s":60`, `"max_kbps":500`} {
		if !strings.Contains(string(changed.text), want) {
			t.Errorf("got %s, want %s in it", changed.text, want)
		}
	}
	operator.ask("PATCH", "/v1/projects/new", map[string]any{"path": map[string]any{}}).want(200)
	if text := string(operator.ask("GET", "/v1/projects/new", nil).want(200).text); strings.Contains(text, "relay_only") || !strings.Contains(text, `"max_kbps":500`) {
		t.Errorf("got %s, want the terms open and the rate as it was", text)
	}
	operator.ask("PATCH", "/v1/projects/none", map[string]any{"name": "x"}).want(404)
	operator.ask("GET", "/v1/devices", nil).want(403)
	first := operator.ask("POST", "/v1/projects/new/keys", map[string]any{"name": "first"}).want(201)
	if got := (partner{r, "new", first.field("key")}).ask("GET", "/v1/project", nil).want(200).field("id"); got != "new" {
		t.Errorf("the key is of %s", got)
	}
	operator.ask("POST", "/v1/projects/new/keys", map[string]any{"scopes": []string{"operator"}}).want(403)
}
