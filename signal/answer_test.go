package signal

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/internal/whep"
	"github.com/sightline-rtc/sightline/protocol"
)

func TestABackendIsAnsweredInFull(t *testing.T) {
	th := newTheater(t, nil)
	th.answering(t, th.device(t, camera), true)
	viewer := auth.Viewer{
		Project: project, Subject: "assistant", Key: apiKey, Device: camera, Rights: []protocol.Right{protocol.RightView},
		Expires: time.Now().Add(time.Hour).Truncate(time.Second),
	}
	got, err := th.hub.Answer(t.Context(), viewer, playerOffer, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	row := th.row(got.Session)
	if row.Door != protocol.TransportREST || row.Viewer != "assistant" || !got.Expires.Equal(row.Expires) {
		t.Errorf("got row %+v, expires %s", row, got.Expires)
	}
	if !strings.Contains(got.SDP, deviceCandidate) || !whep.Ended(got.SDP) || got.ICEServers[1].Username != string(row.ViewerGrant) {
		t.Errorf("got %+v", got)
	}
	made := th.request(t, http.MethodPatch, got.Resource, trickled, "Content-Type", whep.FragmentType, "If-Match", got.ETag)
	if made.StatusCode != http.StatusNoContent {
		t.Errorf("PATCH of the resource: %s", made.Status)
	}
	if made := th.request(t, http.MethodDelete, got.Resource, ""); made.StatusCode != http.StatusOK {
		t.Errorf("DELETE of the resource: %s", made.Status)
	}
	viewer.Device = other
	if _, err := th.hub.Answer(t.Context(), viewer, playerOffer, 5*time.Second); !errors.Is(err, &protocol.Error{Code: protocol.CodeOffline}) {
		t.Errorf("got %v, want offline", err)
	}
	if _, err := th.hub.Answer(t.Context(), viewer, "hello", 5*time.Second); !errors.Is(err, &protocol.Error{Code: protocol.CodeBadMessage}) {
		t.Errorf("got %v, want bad_message", err)
	}
}
