package api

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func remoteAddress(r *http.Request) netip.Addr { return parseAddress(r.RemoteAddr) }

// answer is what came back: its status, its headers and its body.
type answer struct {
	*httptest.ResponseRecorder
}

func (a answer) decode(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal(a.Body.Bytes(), into); err != nil {
		t.Fatalf("decode %s: %v", a.Body, err)
	}
}

// call sends a request with an API key, or without one if it is empty.
func call(t *testing.T, a *API, key, method, path, body string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	w := answer{httptest.NewRecorder()}
	a.Handler().ServeHTTP(w, r)
	return w
}

func wantStatus(t *testing.T, got answer, want int) {
	t.Helper()
	if got.Code != want {
		t.Fatalf("got %d %s, want %d", got.Code, got.Body, want)
	}
}

// wantProblem checks all that a problem promises.
func wantProblem(t *testing.T, got answer, status int, code protocol.Code) Problem {
	t.Helper()
	wantStatus(t, got, status)
	if ct := got.Header().Get("Content-Type"); ct != problemType {
		t.Errorf("got content type %q, want %s", ct, problemType)
	}
	var p Problem
	got.decode(t, &p)
	if p.Code != code || p.Status != status || p.Title == "" || p.Detail == "" {
		t.Errorf("got %+v, want code %s", p, code)
	}
	return p
}

func addDevice(w *world, project protocol.ProjectID, id protocol.DeviceID) {
	w.devices = append(w.devices, record.Device{ID: id, Project: project, Name: "Front door", Created: testTime})
}

func addSession(w *world, project protocol.ProjectID, id protocol.SessionID, alive bool) {
	w.sessions = append(w.sessions, record.Session{
		ID: id, Kind: record.SessionLive, Project: project, Device: "cam", Viewer: "anna", Created: testTime, Expires: testTime.Add(time.Hour),
	})
	w.alive[id] = alive
}

func TestDevicesAreListedShownAndDeleted(t *testing.T) {
	w, a, key, _ := newWorld(t)
	for i := range 5 {
		addDevice(w, "mine", protocol.DeviceID(fmt.Sprintf("cam%d", i)))
	}
	var seen []protocol.DeviceID
	for cursor := ""; ; {
		var body struct {
			Devices    []Device `json:"devices"`
			NextCursor string   `json:"next_cursor"`
		}
		call(t, a, key, "GET", "/v1/devices?limit=2&cursor="+cursor, "").decode(t, &body)
		for _, d := range body.Devices {
			seen = append(seen, d.ID)
		}
		if cursor = body.NextCursor; cursor == "" {
			break
		}
	}
	if diff := cmp.Diff([]protocol.DeviceID{"cam0", "cam1", "cam2", "cam3", "cam4"}, seen); diff != "" {
		t.Errorf("listed devices differ:\n%s", diff)
	}
	var got Device
	call(t, a, key, "GET", "/v1/devices/cam1", "").decode(t, &got)
	want := Device{
		ID: "cam1", Name: "Front door", Created: testTime,
		Presence: Presence{Status: protocol.StatusOnline, Since: testTime, Generation: 3},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("device differs:\n%s", diff)
	}
	wantStatus(t, call(t, a, key, "DELETE", "/v1/devices/cam1", ""), http.StatusNoContent)
	wantProblem(t, call(t, a, key, "GET", "/v1/devices/cam1", ""), http.StatusNotFound, protocol.CodeNotFound)
	if diff := cmp.Diff([]string{"revoke device cam1"}, w.log); diff != "" {
		t.Errorf("what the hub was told differs:\n%s", diff)
	}
}

func enrolBody(code string) string {
	key := base64.StdEncoding.EncodeToString(make([]byte, 32))
	return fmt.Sprintf(`{"code":%q,"public_key":%q,"name":"Garden","model":"T1000"}`, code, key)
}

func TestDeviceEnrolsWithTheCodeThatWasShownOnce(t *testing.T) {
	w, a, key, _ := newWorld(t)
	made := call(t, a, key, "POST", "/v1/enrolments", `{"name":"Garden","ttl_s":120}`)
	wantStatus(t, made, http.StatusCreated)
	var enrolment struct {
		ID, Code string
		Expires  time.Time
	}
	made.decode(t, &enrolment)
	if !enrolment.Expires.Equal(testTime.Add(2 * time.Minute)) {
		t.Errorf("got expiry %s, want two minutes", enrolment.Expires)
	}
	listed := call(t, a, key, "GET", "/v1/enrolments", "")
	if !strings.Contains(listed.Body.String(), enrolment.ID) || strings.Contains(listed.Body.String(), enrolment.Code) {
		t.Errorf("got %s, want the enrolment without its code", listed.Body)
	}
	joined := call(t, a, "", "POST", "/v1/enroll", enrolBody(enrolment.Code))
	wantStatus(t, joined, http.StatusOK)
	var device struct{ Device, Project, Name string }
	joined.decode(t, &device)
	if len(w.devices) != 1 || device.Device != string(w.devices[0].ID) || device.Project != "mine" || len(w.devices[0].PublicKey) != 32 {
		t.Errorf("got %+v and devices %+v", device, w.devices)
	}
	wantStatus(t, call(t, a, key, "DELETE", "/v1/enrolments/"+enrolment.ID, ""), http.StatusNoContent)
	wantProblem(t, call(t, a, key, "DELETE", "/v1/enrolments/"+enrolment.ID, ""), http.StatusNotFound, protocol.CodeNotFound)
}

func TestTokenOpensItsDevice(t *testing.T) {
	w, a, key, _ := newWorld(t)
	addDevice(w, "mine", "cam")
	for _, test := range []struct {
		body  string
		grant []protocol.Right
		life  time.Duration
		who   string
		terms record.Terms
	}{
		{`{"device":"cam"}`, []protocol.Right{protocol.RightView, protocol.RightAudio}, time.Hour, "", record.Terms{}},
		{`{"device":"cam","grants":["view","control"],"ttl_s":60,"subject":"anna"}`, []protocol.Right{protocol.RightView, protocol.RightControl}, time.Minute, "anna", record.Terms{}},
		{
			`{"device":"cam","grants":["view"],"path":"prefer_direct","relay_delay_ms":0,"max_relay_s":60,"max_kbps":500,"relay_hd":false}`,
			[]protocol.Right{protocol.RightView},
			time.Hour, "",
			record.Terms{Path: protocol.PathPreferDirect, RelayDelay: record.DelayOf(0), MaxRelay: time.Minute, MaxKbps: 500, RelayHD: record.No},
		},
	} {
		made := call(t, a, key, "POST", "/v1/tokens", test.body)
		wantStatus(t, made, http.StatusCreated)
		var body struct {
			Token   string
			Expires time.Time
		}
		made.decode(t, &body)
		got, err := a.config.Tokens.(*auth.Keyring).Verify(body.Token, testTime)
		if err != nil {
			t.Fatal(err)
		}
		want := auth.Viewer{
			Project: "mine", Subject: test.who, Key: w.keys[0].ID, Device: "cam", Rights: test.grant, Expires: testTime.Add(test.life), ID: got.ID, Terms: test.terms,
		}
		if diff := cmp.Diff(want, got); diff != "" || !body.Expires.Equal(want.Expires) {
			t.Errorf("got expiry %s; viewer differs:\n%s", body.Expires, diff)
		}
	}
}

func TestKeyIsShownOnceAndRevokedAtOnce(t *testing.T) {
	w, a, key, _ := newWorld(t)
	made := call(t, a, key, "POST", "/v1/keys", `{"name":"backend"}`)
	wantStatus(t, made, http.StatusCreated)
	var second struct{ ID, Key, Name string }
	made.decode(t, &second)
	listed := call(t, a, second.Key, "GET", "/v1/keys", "")
	wantStatus(t, listed, http.StatusOK)
	if !strings.Contains(listed.Body.String(), second.ID) || strings.Contains(listed.Body.String(), second.Key) {
		t.Errorf("got %s, want the key's id without the key", listed.Body)
	}
	wantStatus(t, call(t, a, key, "DELETE", "/v1/keys/"+second.ID, ""), http.StatusNoContent)
	wantProblem(t, call(t, a, second.Key, "GET", "/v1/keys", ""), http.StatusUnauthorized, protocol.CodeRevoked)
	if diff := cmp.Diff([]string{"revoke key " + second.ID}, w.log); diff != "" {
		t.Errorf("what the hub was told differs:\n%s", diff)
	}
}

func TestSessionsAreClosedInTheHubAndInTheStore(t *testing.T) {
	w, a, key, _ := newWorld(t)
	addSession(w, "mine", "s1", true)
	addSession(w, "mine", "s2", false)
	for _, id := range []string{"s1", "s2", "s1"} {
		wantStatus(t, call(t, a, key, "DELETE", "/v1/sessions/"+id, ""), http.StatusNoContent)
		var got Session
		call(t, a, key, "GET", "/v1/sessions/"+id, "").decode(t, &got)
		if got.State != protocol.SessionEnded || got.Reason != protocol.ReasonClosedByAPI {
			t.Errorf("got %+v, want it closed", got)
		}
	}
	if diff := cmp.Diff([]string{"close s1 closed_by_api"}, w.log); diff != "" {
		t.Errorf("what the hub was told differs:\n%s", diff)
	}
	var list struct{ Sessions []Session }
	call(t, a, key, "GET", "/v1/sessions?state=ended&device=cam", "").decode(t, &list)
	if len(list.Sessions) != 2 {
		t.Errorf("got %d ended sessions, want 2", len(list.Sessions))
	}
	call(t, a, key, "GET", "/v1/sessions?state=opening", "").decode(t, &list)
	if len(list.Sessions) != 0 {
		t.Errorf("got %d open sessions, want none", len(list.Sessions))
	}
}

func TestTheOwnerOfADeviceIsNotToldWhoOfAnotherProjectLooks(t *testing.T) {
	w, a, owner, looking := newWorld(t)
	addSession(w, "theirs", "s1", true)
	s := &w.sessions[0]
	s.DeviceProject, s.Viewer, s.Key = "mine", "anna", "k9"
	for key, want := range map[string][2]string{owner: {}, looking: {"anna", "k9"}} {
		var one Session
		var list struct{ Sessions []Session }
		call(t, a, key, "GET", "/v1/sessions/s1", "").decode(t, &one)
		call(t, a, key, "GET", "/v1/sessions", "").decode(t, &list)
		if len(list.Sessions) != 1 {
			t.Fatalf("got %+v", list.Sessions)
		}
		for _, got := range []Session{one, list.Sessions[0]} {
			if got.Project != "theirs" || got.Owner != "mine" || got.Viewer != want[0] || string(got.Key) != want[1] {
				t.Errorf("got %+v, want the viewer and the key %v", got, want)
			}
		}
	}
}

func TestAnotherProjectsThingsAreNotFound(t *testing.T) {
	w, a, mine, theirs := newWorld(t)
	addDevice(w, "theirs", "cam")
	addSession(w, "theirs", "s1", true)
	wantStatus(t, call(t, a, theirs, "POST", "/v1/enrolments", `{}`), http.StatusCreated)
	for _, path := range []string{"/v1/devices/cam", "/v1/sessions/s1", "/v1/enrolments/e0", "/v1/keys/" + string(w.keys[1].ID)} {
		if !strings.HasPrefix(path, "/v1/enrolments") && !strings.HasPrefix(path, "/v1/keys") {
			wantProblem(t, call(t, a, mine, "GET", path, ""), http.StatusNotFound, protocol.CodeNotFound)
			wantStatus(t, call(t, a, theirs, "GET", path, ""), http.StatusOK)
		}
		wantProblem(t, call(t, a, mine, "DELETE", path, ""), http.StatusNotFound, protocol.CodeNotFound)
	}
	wantProblem(t, call(t, a, mine, "POST", "/v1/tokens", `{"device":"cam"}`), http.StatusNotFound, protocol.CodeNotFound)
	for _, list := range []string{"devices", "sessions", "enrolments"} {
		var body map[string]json.RawMessage
		call(t, a, mine, "GET", "/v1/"+list, "").decode(t, &body)
		if got := string(body[list]); got != "[]" {
			t.Errorf("%s: got %s, want nothing", list, got)
		}
	}
	var keys struct{ Keys []Key }
	call(t, a, mine, "GET", "/v1/keys", "").decode(t, &keys)
	if len(keys.Keys) != 1 || keys.Keys[0].ID != w.keys[0].ID {
		t.Errorf("got keys %+v, want only my own", keys.Keys)
	}
	if len(w.log) != 0 {
		t.Errorf("the hub was told %v", w.log)
	}
}

func TestAnIncompleteConfigIsRefused(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("got no error")
	}
}
