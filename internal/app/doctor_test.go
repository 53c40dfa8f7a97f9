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
