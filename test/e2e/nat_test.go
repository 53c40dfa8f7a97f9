//go:build linux

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/test/natlab"
	"github.com/sightline-rtc/sightline/test/rig"
	"github.com/sightline-rtc/sightline/test/soak"
)

// Both ends are behind translators of a kind, so that nothing goes direct, and the relay keeps to the peers that signaling
// saw. A soak also tells what keeping to them would have cut, and does it for a page that relays on its own account:
// docs/security.md has the figures.
func TestRelaysThatKeepToTheirPeersCarryThePictureBehindEveryNAT(t *testing.T) {
	modes, queries := []string{"enforce"}, []string{""}
	if soak.On() {
		modes, queries = []string{"observe", "enforce"}, []string{"", "?ice=relay"}
	}
	for _, kind := range []natlab.NAT{natlab.NATPortRestricted, natlab.NATSymmetric, natlab.NATSplit, natlab.NATCarrier} {
		for _, mode := range modes {
			for _, query := range queries {
				t.Run(fmt.Sprint(kind, " ", mode, query), func(t *testing.T) { relayBehind(t, kind, mode, query) })
			}
		}
	}
}

func relayBehind(t *testing.T, kind natlab.NAT, mode, query string) {
	s := bare(t)
	s.hub = need(s.Hub(t.Context(), "--relay-peers", mode))(t)
	s.api = need(s.hub.API(t.Context()))(t)
	for _, h := range []*natlab.Host{s.Camera, s.Viewer} {
		must(t, s.Lab.Translate(t.Context(), h, kind))
	}
	p := s.watch("viewer", s.agent("agent", "test:"), query, "relay")
	need(p.Grow(t.Context(), 100, later))(t)
	counts := need(relayCounts(t.Context(), s.hub))(t)
	t.Log(kind, mode, query, counts)
	if mode == "enforce" && counts[`peer_packets_total{peer="stranger"}`] > 0 {
		t.Errorf("the relay carried packets of strangers: %v", counts)
	}
}

// relayCounts returns the relay's counts of permissions and packets by peer that are not zero.
func relayCounts(ctx context.Context, h *rig.Hub) (map[string]int, error) {
	all, err := h.Metrics(ctx, "sightline_turn_")
	counts := map[string]int{}
	for name, n := range all {
		name = strings.TrimPrefix(name, "sightline_turn_")
		if n > 0 && (strings.HasPrefix(name, "permissions_total") || strings.HasPrefix(name, "peer_packets_total")) {
			counts[name] = int(n)
		}
	}
	return counts, err
}
