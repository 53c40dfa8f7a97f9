package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func TestKeyAndProjectHaveRates(t *testing.T) {
	w, a, mine, theirs := newWorld(t)
	a.rates = newRates(Rates{Key: 0.3, Project: 0.5}) // 3 and 5 at once
	second := w.addKey(t, "mine")
	ask := func(key string) http.Header {
		got := call(t, a, key, "GET", "/v1/devices", "")
		wantStatus(t, got, http.StatusOK)
		return got.Header()
	}
	for i, want := range []string{"2", "1", "0"} {
		header := ask(mine)
		if got := header.Get("RateLimit-Remaining"); got != want || header.Get("RateLimit-Limit") != "3" {
			t.Errorf("request %d: got %v, want %s of 3 left", i, header, want)
		}
		if got, want := header.Get("RateLimit-Policy"), `3;w=10;comment="key", 5;w=10;comment="project"`; got != want {
			t.Errorf("got policy %s, want %s", got, want)
		}
	}
	refused := call(t, a, mine, "GET", "/v1/devices", "")
	wantProblem(t, refused, http.StatusTooManyRequests, protocol.CodeRateLimited)
	if got := refused.Header(); got.Get("Retry-After") != "4" || got.Get("RateLimit-Remaining") != "0" || got.Get("RateLimit-Reset") != "10" {
		t.Errorf("got %v, want a wait for one request and for all", got)
	}
	// What was refused counts for nothing. The other key has the rest of the project's.
	for _, want := range []string{"1", "0"} {
		if header := ask(second); header.Get("RateLimit-Remaining") != want || header.Get("RateLimit-Limit") != "5" {
			t.Errorf("got %v, want %s of 5 left", header, want)
		}
	}
	wantProblem(t, call(t, a, second, "GET", "/v1/devices", ""), http.StatusTooManyRequests, protocol.CodeRateLimited)
	ask(theirs)
}

func TestAddressThatFailsToAuthenticateIsToldToWait(t *testing.T) {
	_, a, key, _ := newWorld(t)
	ask := func(address, key string) answer {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/devices", http.NoBody)
		r.RemoteAddr = address
		r.Header.Set("Authorization", "Bearer "+key)
		w := answer{httptest.NewRecorder()}
		a.Handler().ServeHTTP(w, r)
		return w
	}
	for range strangerPace.Burst {
		wantProblem(t, ask("192.0.2.1:1", "sl_live_wrong"), http.StatusUnauthorized, protocol.CodeBadToken)
	}
	refused := ask("192.0.2.1:2", "sl_live_wrong")
	wantProblem(t, refused, http.StatusTooManyRequests, protocol.CodeRateLimited)
	if refused.Header().Get("Retry-After") == "" {
		t.Error("it is not told how long to wait")
	}
	wantStatus(t, ask("192.0.2.1:3", key), http.StatusOK)
	wantProblem(t, ask("192.0.2.2:1", "sl_live_wrong"), http.StatusUnauthorized, protocol.CodeBadToken)
}

func TestTablesOfRatesAreBounded(t *testing.T) {
	r := newRates(Rates{})
	for i := range maxBuckets + 100 {
		r.count(protocol.KeyID(fmt.Sprint(i)), protocol.ProjectID(fmt.Sprint(i)), testTime)
	}
	if r.keys.Len() > maxBuckets || r.projects.Len() > maxBuckets {
		t.Errorf("got %d keys and %d projects, want %d at most", r.keys.Len(), r.projects.Len(), maxBuckets)
	}
}

func TestKeyDoesWhatItsScopesAllow(t *testing.T) {
	w, a, key, _ := newWorld(t)
	addDevice(w, "mine", "cam")
	w.keys[0].Scopes = []record.Scope{"tokens:write", "devices:read"}
	for _, test := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/v1/devices", "", 200},
		{"GET", "/v1/devices/cam/connections", "", 200},
		{"HEAD", "/v1/devices", "", 200},
		{"POST", "/v1/tokens", `{"device":"cam"}`, 201},
		{"DELETE", "/v1/devices/cam", "", 403},
		{"GET", "/v1/keys", "", 403},
		{"POST", "/v1/keys", `{}`, 403},
		{"GET", "/v1/project", "", 403},
	} {
		got := call(t, a, key, test.method, test.path, test.body)
		wantStatus(t, got, test.status)
		if test.status == http.StatusForbidden {
			wantProblem(t, got, test.status, protocol.CodeForbidden)
		}
	}
}
