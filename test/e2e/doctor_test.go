//go:build linux

package e2e

import (
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/test/browser"
	"github.com/sightline-rtc/sightline/test/natlab"
)

// The STUN server has a second port throughout: a browser sees what its router does with ports only from two places.
func TestTheDoctorSaysWhatANetworkAllows(t *testing.T) {
	s := enter(t, "--turn-alt-port", "3479")
	ctx := t.Context()
	a := s.agent("agent", "test:")
	s.chromium = need(s.PrivateBrowser(ctx))(t)
	examine := func(name, token string, says ...string) {
		t.Helper()
		url := s.hub.URL + "/doctor"
		if token != "" {
			url += "#token=" + token
		}
		p := s.open(name, url)
		for _, text := range says {
			need(p.Reads(ctx, text, later))(t)
		}
		copyable(t, p, says[0])
	}
	examine("open", "", "straight from most cameras", "WebSockets get through", "UDP gets out", "keeps one port", "To try the relay")
	examine("with a token", s.token(a.Device), "The relay is reached over UDP and TCP.")

	must(t, s.Lab.Translate(ctx, s.Viewer, natlab.NATSymmetric))
	examine("symmetric", "", "Some cameras need the relay from here", "symmetric NAT", "UPnP")

	must(t, s.Viewer.Filter(ctx, `table inet firewall {
	chain output {
		type filter hook output priority 0; policy accept;
		oif lo accept
		meta l4proto udp drop
	}
}`))
	examine("without UDP", s.token(a.Device), "through the relay only", "No answer came back over UDP",
		"The relay is reached over TCP, but not over UDP.", "Let UDP out")
}

// copyable fails unless the report that a page offers says the same, and no address of this network.
func copyable(t *testing.T, p *browser.Page, says string) {
	t.Helper()
	var report, address string
	must(t, p.Evaluate(t.Context(), `document.querySelector("pre").textContent`, &report))
	must(t, p.Evaluate(t.Context(), `location.hash`, &address))
	if !strings.Contains(report, says) || strings.Contains(report, ".local") {
		t.Errorf("the report is %q, want %q in it and no address", report, says)
	}
	if address != "" {
		t.Errorf("the token is still in the address bar: %q", address)
	}
}

func TestADirectPictureAsksForNoRelay(t *testing.T) {
	s := enter(t, lateRelay...)
	s.watch("viewer", s.agent("agent", "test:"), "", "direct")
	made := need(s.hub.Metrics(t.Context(), "sightline_turn_permissions_total"))(t)
	for name, n := range made {
		if n > 0 {
			t.Errorf("%s is %v, want 0", name, n)
		}
	}
	if n := need(s.hub.Allocations(t.Context()))(t); n != 0 {
		t.Errorf("got %d allocations, want none", n)
	}
}

func TestAPageKnowsWhyItIsOnTheRelayAndRemembersIt(t *testing.T) {
	const delay = 1500 // in milliseconds; more than anything else takes here
	s := enter(t, "--relay-delay", "1500ms", "--turn-alt-port", "3479")
	ctx := t.Context()
	for _, h := range []*natlab.Host{s.Camera, s.Viewer} {
		must(t, s.Lab.Translate(ctx, h, natlab.NATSymmetric))
	}
	a := s.agent("agent", "test:")
	p := s.watch("viewer", a, "", "relay")
	type details struct {
		FirstMS float64 `json:"firstMs"`
		Means   string  `json:"means"`
		Why     string  `json:"why"`
	}
	got := eventually(t, "an explanation", func() (d details, err error) {
		err = p.Evaluate(ctx, `sightlineProbe.element().pathDetails`, &d)
		return d, err
	}, func(d details) bool { return d.Why != "not_yet" })
	if got.FirstMS < delay || got.Means != "relay" || got.Why != "viewer_symmetric" {
		t.Errorf("the page tells %+v, want a relay after %d ms, because of its own NAT", got, delay)
	}
	var known string
	must(t, p.Evaluate(ctx, `localStorage.getItem("sightline:relays") ?? ""`, &known))
	if !strings.Contains(known, a.Device) || !strings.Contains(known, `"needed":true`) {
		t.Errorf("the page remembers %q, want the camera", known)
	}
	must(t, p.Evaluate(ctx, `window.first = true, setTimeout(() => location.reload()), null`, nil))
	eventually(t, "another load of the page", func() (first bool, err error) {
		err = p.Evaluate(ctx, `window.first ?? false`, &first)
		return first, err
	}, func(first bool) bool { return !first })
	s.live(p, "relay")
	if got := need(s.hub.Allocations(ctx))(t); got != 1 {
		t.Errorf("got %d allocations for a relayed picture, want 1", got)
	}
}
