package api

import (
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func TestADeviceShowsItsLastConnectionsToItsOwnProjectOnly(t *testing.T) {
	w, a, mine, theirs := newWorld(t)
	addDevice(w, "mine", "cam")
	addDevice(w, "mine", "fresh")
	link := record.Connection{
		ID: "c1", Device: "cam", Link: "l1", Generation: 1, Address: netip.MustParseAddr("192.0.2.1"), Transport: protocol.TransportWebSocket,
		Program: protocol.Client{Name: "agent", Version: "1.2"}, Opened: testTime,
	}
	lost := link
	lost.Closed, lost.Cause, lost.Detail = testTime.Add(time.Second), record.CauseLost, "the connection was reset"
	link.ID, link.Link, link.Generation, link.Opened = "c2", "l2", 2, testTime.Add(time.Minute)
	link.Transport, link.Fallback = protocol.TransportLongPoll, &protocol.Fallback{Reason: protocol.FallbackStatus, Detail: "HTTP 200"}
	w.connections = []record.Connection{link, lost}

	var got struct {
		Connections []Connection `json:"connections"`
	}
	call(t, a, mine, http.MethodGet, "/v1/devices/cam/connections", "").decode(t, &got)
	software := &Agent{Name: "agent", Version: "1.2"}
	want := []Connection{
		{
			Link: "l2", Generation: 2, Address: "192.0.2.1", Transport: "long_poll", Agent: software, Opened: testTime.Add(time.Minute),
			Fallback: &Fallback{Reason: "status", Detail: "HTTP 200"},
		},
		{
			Link: "l1", Generation: 1, Address: "192.0.2.1", Transport: "websocket", Agent: software, Opened: testTime,
			Closed: testTime.Add(time.Second), Cause: "lost", Detail: "the connection was reset",
		},
	}
	if diff := cmp.Diff(want, got.Connections); diff != "" {
		t.Errorf("connections differ:\n%s", diff)
	}
	if got, want := call(t, a, mine, http.MethodGet, "/v1/devices/fresh/connections", "").Body.String(), `{"connections":[]}`+"\n"; got != want {
		t.Errorf("of a device that was never there: got %s, want %s", got, want)
	}
	wantProblem(t, call(t, a, theirs, http.MethodGet, "/v1/devices/cam/connections", ""), http.StatusNotFound, protocol.CodeNotFound)
	wantProblem(t, call(t, a, mine, http.MethodGet, "/v1/devices/none/connections", ""), http.StatusNotFound, protocol.CodeNotFound)
	wantProblem(t, call(t, a, "", http.MethodGet, "/v1/devices/cam/connections", ""), http.StatusUnauthorized, protocol.CodeBadToken)

	var device Device
	call(t, a, mine, http.MethodGet, "/v1/devices/cam", "").decode(t, &device)
	present := Presence{
		Status: protocol.StatusOnline, Since: testTime, Generation: 3, Address: "192.0.2.1", Transport: "long_poll", Agent: software,
		Fallback: &Fallback{Reason: "status", Detail: "HTTP 200"},
	}
	if diff := cmp.Diff(present, device.Presence); diff != "" {
		t.Errorf("presence differs:\n%s", diff)
	}
}

func TestPresenceOutlivesTheHub(t *testing.T) {
	w, a, mine, _ := newWorld(t)
	w.devices = append(w.devices, record.Device{ID: unheard, Project: "mine", Created: testTime, Generation: 7, LastSeen: testTime.Add(time.Hour)})
	var device Device
	call(t, a, mine, http.MethodGet, "/v1/devices/"+string(unheard), "").decode(t, &device)
	want := Presence{Status: protocol.StatusOffline, Since: testTime.Add(time.Hour), Generation: 7}
	if diff := cmp.Diff(want, device.Presence); diff != "" {
		t.Errorf("presence differs:\n%s", diff)
	}
}
