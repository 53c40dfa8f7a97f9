package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
)

// change sends a PATCH with If-Match, or without if it is empty.
func change(t *testing.T, a *API, key, path, tag, body string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPatch, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+key)
	if tag != "" {
		r.Header.Set("If-Match", tag)
	}
	w := answer{httptest.NewRecorder()}
	a.Handler().ServeHTTP(w, r)
	return w
}

func TestDeviceIsRenamedAsItWasRead(t *testing.T) {
	w, a, key, theirs := newWorld(t)
	addDevice(w, "mine", "cam")
	read := call(t, a, key, "GET", "/v1/devices/cam", "").Header().Get("ETag")
	if len(read) < 10 || !strings.HasPrefix(read, `"`) {
		t.Fatalf("got ETag %s, want a strong one", read)
	}
	renamed := change(t, a, key, "/v1/devices/cam", read, `{"name":"Back door"}`)
	wantStatus(t, renamed, http.StatusOK)
	var d Device
	renamed.decode(t, &d)
	if d.Name != "Back door" || renamed.Header().Get("ETag") == read {
		t.Errorf("got %+v with ETag %s", d, renamed.Header().Get("ETag"))
	}
	wantProblem(t, change(t, a, key, "/v1/devices/cam", read, `{"name":"Garden"}`), http.StatusPreconditionFailed, protocol.CodePreconditionFailed)
	for _, tag := range []string{"", "*", `"other", ` + renamed.Header().Get("ETag")} {
		wantStatus(t, change(t, a, key, "/v1/devices/cam", tag, `{}`), http.StatusOK)
	}
	for _, tag := range []string{"W/" + renamed.Header().Get("ETag"), `"`, ","} {
		wantProblem(t, change(t, a, key, "/v1/devices/cam", tag, `{}`), http.StatusPreconditionFailed, protocol.CodePreconditionFailed)
	}
	bound := change(t, a, key, "/v1/devices/cam", "", `{"policy":{"path":"direct_only","max_kbps":500}}`)
	wantStatus(t, bound, http.StatusOK)
	if !strings.Contains(bound.Body.String(), `"policy":{"path":"direct_only","max_kbps":500}`) {
		t.Errorf("got %s", bound.Body)
	}
	wantProblem(t, change(t, a, key, "/v1/devices/cam", renamed.Header().Get("ETag"), `{"name":"Garden"}`), http.StatusPreconditionFailed, protocol.CodePreconditionFailed)
	wantProblem(t, change(t, a, key, "/v1/devices/cam", "", `{"policy":{"path":"sideways"}}`), http.StatusUnprocessableEntity, protocol.CodeInvalid)
	wantStatus(t, change(t, a, key, "/v1/devices/cam", "", `{"policy":{}}`), http.StatusOK)
	wantProblem(t, change(t, a, theirs, "/v1/devices/cam", "", `{"name":"Mine"}`), http.StatusNotFound, protocol.CodeNotFound)
	wantProblem(t, change(t, a, key, "/v1/devices/cam", "", `{"name":""}`), http.StatusUnprocessableEntity, protocol.CodeInvalid)
	if got := w.devices[0].Name; got != "Back door" {
		t.Errorf("got the name %q", got)
	}
}

func TestOneOfManyParallelChangesOfOneStateIsMade(t *testing.T) {
	w, a, key, _ := newWorld(t)
	addDevice(w, "mine", "cam")
	tag := call(t, a, key, "GET", "/v1/devices/cam", "").Header().Get("ETag")
	statuses := make([]int, 20)
	var all sync.WaitGroup
	for i := range statuses {
		all.Go(func() {
			statuses[i] = change(t, a, key, "/v1/devices/cam", tag, `{"name":"`+strings.Repeat("x", i+1)+`"}`).Code
		})
	}
	all.Wait()
	made := 0
	for _, status := range statuses {
		switch status {
		case http.StatusOK:
			made++
		case http.StatusPreconditionFailed:
		default:
			t.Errorf("got status %d", status)
		}
	}
	if made != 1 {
		t.Errorf("%d changes were made, want 1", made)
	}
}
