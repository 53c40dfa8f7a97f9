package api

import (
	"net/http"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
)

func TestSnapshotIsGivenAsItIs(t *testing.T) {
	w, a, mine, theirs := newWorld(t)
	for _, id := range []protocol.DeviceID{"cam", "blind", "away"} {
		addDevice(w, "mine", id)
	}
	w.photos = map[protocol.DeviceID][]byte{"cam": []byte("\xff\xd8\xff picture"), "away": nil}
	got := call(t, a, mine, "GET", "/v1/devices/cam/snapshot", "")
	wantStatus(t, got, http.StatusOK)
	if got.Body.String() != "\xff\xd8\xff picture" {
		t.Errorf("got %q, want the picture", got.Body)
	}
	for name, want := range map[string]string{
		"Content-Type": "image/jpeg", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
		"Last-Modified": testTime.Format(http.TimeFormat),
	} {
		if got := got.Header().Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	wantProblem(t, call(t, a, mine, "GET", "/v1/devices/blind/snapshot", ""), http.StatusNotFound, protocol.CodeNotFound)
	wantProblem(t, call(t, a, mine, "GET", "/v1/devices/away/snapshot", ""), http.StatusServiceUnavailable, protocol.CodeOffline)
	wantProblem(t, call(t, a, theirs, "GET", "/v1/devices/cam/snapshot", ""), http.StatusNotFound, protocol.CodeNotFound)
}
