//go:build linux

package e2e

import (
	"net/http"
	"testing"

	"github.com/sightline-rtc/sightline/test/browser"
)

// The SDK of Kinesis Video Streams, unmodified, looks at our camera; then it is a camera, which our page and it look at.
func TestTheSDKOfKinesisVideoStreamsIsAViewerAndACamera(t *testing.T) {
	s := enter(t)
	a := s.agent("agent", "test:")
	viewer := s.kvsPage("viewer")
	must(t, viewer.WatchKVS(t.Context(), s.kvs(a.Device), s.token(a.Device), "viewer-1"))
	need(viewer.Grow(t.Context(), 30, soon))(t)
	session := s.taken(s.session(a.Device).ID, "direct")
	if session.State != "answered" {
		t.Errorf("got the session %+v", session)
	}

	must(t, viewer.HangUpKVS(t.Context()))
	need(viewer.Grow(t.Context(), 30, soon))(t)
	s.session(a.Device) // it goes on without the socket

	var gate struct{ ID, Token string }
	must(t, s.api.Do(t.Context(), http.MethodPost, "/v1/devices", map[string]string{"name": "Gate"}, &gate))
	early := s.kvsPage("early")
	must(t, early.WatchKVS(t.Context(), s.kvs(gate.ID), s.token(gate.ID), "early"))
	refused := eventually(t, "a refusal", func() ([]map[string]string, error) { return early.KVSStatuses(t.Context()) },
		func(list []map[string]string) bool { return len(list) > 0 })
	if got := refused[0]; got["correlationId"] != "offer" || got["statusCode"] != "404" || got["description"] != "offline: the camera is offline" {
		t.Errorf("got the status %v", got)
	}

	camera := s.kvsPage("camera")
	must(t, camera.ServeKVS(t.Context(), s.kvs(gate.ID), gate.Token))
	own := s.open("own", s.hub.WatchURL(gate.ID, s.token(gate.ID), ""))
	s.live(own, "direct")
	another := s.kvsPage("another")
	must(t, another.WatchKVS(t.Context(), s.kvs(gate.ID), s.token(gate.ID), "viewer-2"))
	need(another.Grow(t.Context(), 15, soon))(t)
	need(own.Grow(t.Context(), 15, soon))(t)
}

// kvs is a device's address at the KVS door.
func (s *stage) kvs(device string) string { return s.hub.URL + "/v1/kvs/" + device }

// kvsPage opens an empty page of the hub's origin, with the SDK.
func (s *stage) kvsPage(name string) *browser.Page {
	s.t.Helper()
	p := s.open(name, s.hub.URL+"/healthz")
	must(s.t, p.KVS(s.t.Context()))
	return p
}
