package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
)

func TestAnOfferIsAnsweredWithASession(t *testing.T) {
	w, a, mine, theirs := newWorld(t)
	addDevice(w, "mine", "cam")
	got := call(t, a, mine, "POST", "/v1/sessions", `{"device":"cam","offer":"v=0","timeout_ms":2500,"ttl_s":60,"subject":"anna"}`)
	wantStatus(t, got, http.StatusCreated)
	for _, part := range []string{`"session":"s9"`, `"answer":"v=0 answer to v=0"`, `"etag":"\"e\""`, `"resource":"/v1/devices/cam/whep/s9.x"`, `"urls":["stun:a.example"]`} {
		if !strings.Contains(got.Body.String(), part) {
			t.Errorf("got %s without %s", got.Body, part)
		}
	}
	if location := got.Header().Get("Location"); location != "/v1/sessions/s9" {
		t.Errorf("got Location %q", location)
	}
	wantProblem(t, call(t, a, mine, "POST", "/v1/sessions", `{"device":"cam","offer":"away"}`), http.StatusServiceUnavailable, protocol.CodeOffline)
	wantProblem(t, call(t, a, theirs, "POST", "/v1/sessions", `{"device":"cam","offer":"v=0"}`), http.StatusNotFound, protocol.CodeNotFound)
	for _, body := range []string{
		`{"device":"cam"}`, `{"device":"cam","offer":""}`, `{"device":"cam","offer":"v=0","timeout_ms":6001}`, `{"device":"cam","offer":"v=0","grants":["fly"]}`,
	} {
		wantProblem(t, call(t, a, mine, "POST", "/v1/sessions", body), http.StatusUnprocessableEntity, protocol.CodeInvalid)
	}
}
