package app

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/internal/config"
)

func TestTheDoctorIsToldStunServersAndNoCredentials(t *testing.T) {
	r := serve(t, settings(t, func(c *config.Serve) { c.STUNURL = []string{"stun:stun.example:3478"} }))
	status, header, body := r.get("GET", doctorPath)
	if status != http.StatusOK || header.Get("Content-Type") != "application/json" || header.Get("Cache-Control") != "no-store" {
		t.Fatalf("got status %d with %v", status, header)
	}
	var got map[string][]map[string][]string
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("read %s: %v", body, err)
	}
	want := map[string][]map[string][]string{"ice_servers": {{"urls": append(r.relay.STUN(), "stun:stun.example:3478")}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("servers (-want +got):\n%s", d)
	}
}

func TestAnotherPortIsAskedOfTheSameServers(t *testing.T) {
	urls := []string{"stun:192.0.2.1:3478", "stun:[2001:db8::1]:3478", "stun:192.0.2.2:3479"}
	want := []string{"stun:192.0.2.1:3479", "stun:[2001:db8::1]:3479"}
	if d := cmp.Diff(want, onPort(urls, 3479)); d != "" {
		t.Errorf("servers at 3479 (-want +got):\n%s", d)
	}
	if got := onPort(urls, 0); got != nil {
		t.Errorf("got %v for no port, want none", got)
	}
}

func TestPagesAreToldOfAnotherPortWhereThereIsOneAddressOfAFamily(t *testing.T) {
	const four, another, six = "stun:192.0.2.1:3478", "stun:192.0.2.2:3478", "stun:[2001:db8::1]:3478"
	more := []string{"stun:stun.example"}
	tests := []struct {
		own, everybody, devices []string
	}{
		{[]string{four, six}, []string{more[0], "stun:192.0.2.1:3479", "stun:[2001:db8::1]:3479"}, nil},
		{[]string{four, another, six}, []string{more[0], "stun:[2001:db8::1]:3479"}, []string{"stun:192.0.2.1:3479", "stun:192.0.2.2:3479"}},
	}
	for _, tt := range tests {
		everybody, devices := otherSTUN(tt.own, more, 3479)
		if d := cmp.Diff([][]string{tt.everybody, tt.devices}, [][]string{everybody, devices}); d != "" {
			t.Errorf("%v: everybody's and devices' (-want +got):\n%s", tt.own, d)
		}
	}
	if everybody, devices := otherSTUN([]string{four}, nil, 0); everybody != nil || devices != nil {
		t.Errorf("got %v and %v without another port, want none", everybody, devices)
	}
}
