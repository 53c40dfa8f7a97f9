//go:build linux

package e2e

import (
	"fmt"
	"testing"

	"github.com/sightline-rtc/sightline/test/natlab"
	"github.com/sightline-rtc/sightline/test/rig"
)

// A viewer without UDP connects to the camera over TCP, wherever somebody can: browsers do not listen.
func TestAViewerWithoutUDPGetsThePictureOverTCP(t *testing.T) {
	s := town(t, natlab.TownConfig{Device: natlab.Open, Viewer: natlab.UDPBlocked, Mapping: true}, lateRelay...)
	s.private()
	a := s.agent("agent", "test:")
	_, session := s.looks("public", a, "direct", "tcp")
	s.leavesNothing(session.ID)

	s.move(a, natlab.PortRestricted, natlab.UDPBlocked)
	s.rules(s.Town.Mapper(), 2)
	_, session = s.looks("mapped", a, "direct", "tcp")
	s.leavesNothing(session.ID)

	// The router maps its port 443, the one that such networks let out.
	s.move(a, natlab.PortRestricted, natlab.PortRestricted)
	s.rules(s.Town.Mapper(), 2)
	must(t, s.Town.Router(natlab.ViewerSide).Filter(t.Context(), onlyHTTPS(s)))
	_, session = s.looks("port 443", a, "direct", "tcp")
	s.leavesNothing(session.ID)
}

// onlyHTTPS are rules of the viewer's router that let out TCP to the port 443 alone, and to the hub.
func onlyHTTPS(s *stage) string {
	return `table inet strict {
	chain forward {
		type filter hook forward priority -10
		iifname lan0 ip daddr ` + s.Server.Addr.String() + ` tcp dport 8080 accept
		iifname lan0 tcp dport != 443 drop
		iifname lan0 meta l4proto != tcp drop
	}
}`
}

func TestADeviceWithoutUDPIsConnected(t *testing.T) {
	s := town(t, natlab.TownConfig{Device: natlab.UDPBlocked, Viewer: natlab.PortRestricted})
	s.private()
	a := s.agent("agent", "test:")
	s.knowsItsNetwork(a, "udp_blocked")
	_, session := s.looks("viewer", a, "relay")
	explained := eventually(t, "the reason", func() (rig.Session, error) { return s.api.Session(t.Context(), session.ID) },
		func(r rig.Session) bool { return r.RelayReason != nil })
	if r := explained.RelayReason; r.Code != "device_udp_blocked" || r.Text == "" {
		t.Errorf("the reason is %+v, want device_udp_blocked, in words", r)
	}
}

// The router opens its TCP port 443 for a device whose UDP ends at it. Such a device has relays of its own a second after its
// answer, which is little for a machine with too much to do: of three viewers one has to get there before.
func TestADeviceWithoutUDPIsReachedByAPortOfItsRouter(t *testing.T) {
	s := town(t, natlab.TownConfig{Device: natlab.PortRestricted, Viewer: natlab.PortRestricted, Mapping: true}, lateRelay...)
	must(t, s.Town.Router(natlab.DeviceSide).Filter(t.Context(), `table inet strict {
	chain forward {
		type filter hook forward priority -10
		meta l4proto udp drop
	}
}`))
	s.private()
	a := s.agent("agent", "test:")
	s.rules(s.Town.Mapper(), 2)
	for i := range 3 {
		p := s.watch(fmt.Sprint("viewer ", i), a, "", "")
		session := s.session(a.Device)
		if need(p.State(t.Context()))(t).DataPath == "direct" {
			s.leavesNothing(s.taken(session.ID, "direct", "tcp").ID)
			return
		}
		must(t, s.api.CloseSession(t.Context(), session.ID))
		must(t, p.Close(t.Context()))
	}
	t.Error("no viewer came by the port")
}

// Nothing leaves the viewer's network but TCP to the ports 80 and 443: page, link and relay come by one port.
func TestAViewerWithNothingButHTTPSGetsTheRelaysPicture(t *testing.T) {
	s := emptyTown(t, natlab.TownConfig{Device: natlab.PortRestricted, Viewer: natlab.OnlyWeb})
	certificate := need(s.Certificate())(t)
	s.hub = need(s.TownHub(t.Context(), append(certificate.Flags(), "--listen", s.Server.Addr.String()+":443",
		"--url", "https://"+s.Server.Addr.String(), "--turn-on-listen")...))(t)
	s.private("--ignore-certificate-errors-spki-list=" + certificate.Pin)
	a := s.agent("agent", "test:", "--ca", certificate.Cert)
	s.watch("viewer", a, "", "relay")
}
