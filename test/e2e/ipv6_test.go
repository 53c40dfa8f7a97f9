//go:build linux

package e2e

import (
	"net/netip"
	"testing"

	"github.com/sightline-rtc/sightline/test/natlab"
)

// Both ends have IPv6 behind firewalls that let in answers alone, and no pair of IPv4 addresses could meet.
func TestIPv6NeedsNoRelayBetweenSymmetricNATs(t *testing.T) {
	s := town(t, natlab.TownConfig{Device: natlab.Symmetric, Viewer: natlab.Symmetric, IPv6: true}, lateRelay...)
	s.private()
	_, session := s.looks("viewer", s.agent("agent", "test:"), "direct", "ipv6")
	s.leavesNothing(session.ID)
}

func TestIPv6AloneBringsThePicture(t *testing.T) {
	s := emptyTown(t, natlab.TownConfig{Device: natlab.PortRestricted, Viewer: natlab.PortRestricted, IPv6: true})
	s.hub = need(s.TownHub(t.Context(), append(lateRelay, "--url", "http://"+netip.AddrPortFrom(s.Server.Addr6(), 8080).String())...))(t)
	s.api = need(s.hub.API(t.Context()))(t)
	for _, h := range []*natlab.Host{s.Camera, s.Viewer} {
		must(t, h.LeaveIPv4(t.Context()))
	}
	s.private()
	a := s.agent("agent", "test:")
	_, session := s.looks("viewer", a, "direct", "ipv6")
	s.leavesNothing(session.ID)
}
