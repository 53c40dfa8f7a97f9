//go:build linux

package e2e

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
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
	counts := need(relayCounts(t.Context(), s.Rig))(t)
	t.Log(kind, mode, query, counts)
	if mode == "enforce" && counts[`peer_packets_total{peer="stranger"}`] > 0 {
		t.Errorf("the relay carried packets of strangers: %v", counts)
	}
}

// relayCounts returns the relay's counts of permissions and packets by peer that are not zero.
func relayCounts(ctx context.Context, r *rig.Rig) (map[string]int, error) {
	client := &http.Client{Transport: &http.Transport{DialContext: r.Server.Dial, DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:9464/metrics", http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	counts := map[string]int{}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		name, ok := strings.CutPrefix(lines.Text(), "sightline_turn_")
		name, value, _ := strings.Cut(name, " ")
		if !ok || !strings.HasPrefix(name, "permissions_total") && !strings.HasPrefix(name, "peer_packets_total") {
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			counts[name] = int(n)
		}
	}
	return counts, lines.Err()
}
