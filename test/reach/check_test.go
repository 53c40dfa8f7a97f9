//go:build linux

package reach

import (
	"bytes"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/test/natlab"
)

// checked returns what the agent's check says of the network, on the device of a town.
func checked(t *testing.T, town *stage, flags ...string) string {
	t.Helper()
	args := append([]string{"check", "--hub", town.hub(), "--state", t.TempDir(), "--source", "test:"}, flags...)
	check := town.Device().Command(t.Context(), filepath.Join(programs, "sightline-agent"), args...)
	var said, log bytes.Buffer
	check.Stdout, check.Stderr = &said, &log
	// It fails, because the device is not enrolled; that is nothing of the network's.
	if err := check.Run(); err == nil || !strings.Contains(log.String(), "1 of 4 checks failed") {
		t.Fatalf("check: %v\n%s%s", err, &said, &log)
	}
	at := strings.Index(said.String(), "network ")
	if at < 5 {
		t.Fatalf("check says nothing of the network:\n%s", &said)
	}
	return said.String()[at-5:]
}

func TestCheckSaysThatIPv6Works(t *testing.T) {
	t.Parallel()
	town := built(t, natlab.TownConfig{Device: natlab.PortRestricted, Viewer: natlab.Open, IPv6: true})
	servers := append(stun(town), "stun:"+netip.AddrPortFrom(town.Server().Addr6(), 3478).String())
	got := checked(t, town, "--stun", strings.Join(servers, ","))
	if !strings.Contains(got, "The router keeps one port") || !strings.Contains(got, "IPv6 works.") {
		t.Errorf("got\n%s\nwant what the router does and that IPv6 works", got)
	}
}

func TestCheckSaysWhatTheNetworkAllowsAndWhatWouldHelp(t *testing.T) {
	symmetric := natlab.TownConfig{Device: natlab.Symmetric, Viewer: natlab.Open}
	mapped := symmetric
	mapped.Mapping = true
	tests := []struct {
		name  string
		town  natlab.TownConfig
		flags []string
		want  []string
	}{
		{"symmetric", symmetric, nil, []string{
			"but  network    The router uses another port, at random, for every destination", "Your router maps no ports",
		}},
		{"told not to ask", mapped, []string{"--port-mapping", "off"}, []string{"but  network", "start the agent with --port-mapping=auto"}},
		{"mapped", mapped, nil, []string{"ok   network    The router uses another port, at random", "It has opened a port for the camera (PCP)"}},
		{
			"behind a carrier",
			natlab.TownConfig{Device: natlab.CarrierPort, Viewer: natlab.Open, Mapping: true},
			nil,
			[]string{"but  network    The router keeps one port", "The router stands behind another one"},
		},
		{
			"no UDP",
			natlab.TownConfig{Device: natlab.UDPBlocked, Viewer: natlab.Open},
			nil,
			[]string{"but  network    Nothing comes back over UDP", "does not answer", "Let UDP out"},
		},
		{
			"firewall",
			natlab.TownConfig{Device: natlab.Firewall, Viewer: natlab.Open},
			nil,
			[]string{"but  network    The address is public", "Have the firewall let UDP in"},
		},
		{"open", natlab.TownConfig{Device: natlab.Open, Viewer: natlab.Open}, nil, []string{"ok   network    The address is public and no firewall"}},
		{
			"a wrong STUN server",
			natlab.TownConfig{Device: natlab.Open, Viewer: natlab.Open},
			[]string{"--stun", "stun:no.such.host.invalid:3478"},
			[]string{"but  network", "STUN server: look up", "no.such.host.invalid"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // they mostly wait for answers that do not come
			got := checked(t, built(t, tt.town), tt.flags...)
			for _, want := range tt.want {
				if !strings.Contains(got, want) {
					t.Errorf("got\n%s\nwant in it %q", got, want)
				}
			}
		})
	}
}
