//go:build linux

package e2e

import (
	"net/netip"
	"testing"

	"github.com/sightline-rtc/sightline/test/natlab"
)

// hubOver6 are the flags of a hub whose URL has its IPv6 address.
func hubOver6(s *stage) []string {
	return []string{"--url", "http://" + netip.AddrPortFrom(s.Server.Addr6(), 8080).String(), "--turn-alt-port", "3479"}
}

// Both ends have IPv6 behind firewalls that let in answers alone, and no pair of IPv4 addresses could meet.
func TestIPv6NeedsNoRelayBetweenSymmetricNATs(t *testing.T) {
	s := town(t, natlab.TownConfig{Device: natlab.Symmetric, Viewer: natlab.Symmetric, IPv6: true})
	s.private()
	_, session := s.looks("viewer", s.agent("agent", "test:"), "direct", "ipv6")
	s.leavesNothing(session.ID)
}

func TestIPv6AloneBringsThePicture(t *testing.T) {
	s := town(t, natlab.TownConfig{Device: natlab.PortRestricted, Viewer: natlab.PortRestricted, IPv6: true})
	s.hubAgain(hubOver6(s)...)
	for _, h := range []*natlab.Host{s.Camera, s.Viewer} {
		must(t, h.LeaveIPv4(t.Context()))
	}
	s.private()
	a := s.agent("agent", "test:")
	_, session := s.looks("viewer", a, "direct", "ipv6")
	s.leavesNothing(session.ID)
}

// No STUN server is reached over IPv6, and the page hides its addresses: only the hub sees one, the link's.
func TestTheHubFillsInTheIPv6AddressThatAPageHides(t *testing.T) {
	s := town(t, natlab.TownConfig{Device: natlab.Symmetric, Viewer: natlab.Symmetric, IPv6: true})
	blind := append(hubOver6(s), "--turn-listen", s.Server.Addr.String()+":3478")
	s.hubAgain(blind...)
	s.private()
	a := s.agent("agent", "test:")
	p, session := s.looks("filled in", a, "direct", "ipv6")
	s.leavesNothing(session.ID)
	must(t, p.Close(t.Context()))

	s.hubAgain(append(blind, "--ipv6-fill-in=false")...)
	s.watch("hidden", a, "", "relay")
}

// hubAgain starts the hub with other flags, and the data that it has.
func (s *stage) hubAgain(flags ...string) {
	s.t.Helper()
	must(s.t, s.hub.Stop())
	must(s.t, s.hub.Start(s.t.Context(), flags...))
}
