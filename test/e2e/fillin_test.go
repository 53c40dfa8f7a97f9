//go:build linux

package e2e

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/test/natlab"
	"github.com/sightline-rtc/sightline/test/rig"
)

// Both ends are behind symmetric NATs and have IPv6 behind firewalls that let nothing in unasked. The browser hides its address,
// and there is no STUN over IPv6: all that the camera can know of it is where the viewer's link comes from.
func TestAHiddenIPv6AddressIsFilledInWhereTheLinkComesFromIt(t *testing.T) {
	usable(t)
	for name, test := range map[string]struct {
		flags []string
		path  string
	}{
		"filled in": {nil, "direct"},
		"left out":  {[]string{"--no-ipv6-fill-in"}, "relay"},
	} {
		t.Run(name, func(t *testing.T) {
			r := need(rig.OpenTown(t.Context(), natlab.TownConfig{Device: natlab.Symmetric, Viewer: natlab.Symmetric, IPv6: true}))(t)
			t.Cleanup(func() {
				must(t, r.Close())
				if t.Failed() {
					_, _ = r.Log.WriteTo(t.Output())
				}
			})
			s := &stage{Rig: r, t: t}
			relay := netip.AddrPortFrom(s.Server.Addr, 3478).String()
			s.hub = need(s.TownHub(t.Context(), append(test.flags, "--turn-listen", relay)...))(t)
			s.api = need(s.hub.API(t.Context()))(t)
			s.chromium = need(s.PrivateBrowser(t.Context()))(t)
			a := s.agent("agent", "test:")
			url := s.hub.WatchURL(a.Device, s.token(a.Device), "")
			url = strings.Replace(url, s.Server.Addr.String(), "["+s.Server.Addr6().String()+"]", 1)
			s.live(s.open("viewer", url), test.path)
			s.taken(s.session(a.Device).ID, test.path)
		})
	}
}
