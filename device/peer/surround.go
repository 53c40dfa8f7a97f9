package peer

import (
	"net"
	"net/netip"

	"github.com/pion/stun/v4"

	"github.com/sightline-rtc/sightline/device/reach"
	"github.com/sightline-rtc/sightline/protocol"
)

// surround finds out what networks the device is in. The servers, and whether the viewer is in the same network, are what
// the hub said to the session.
func surround(port *reach.Port, servers []protocol.ICEServer, together bool) surroundings {
	s := surroundings{together: together}
	for _, at := range port.Addresses() {
		s.connected = append(s.connected, netip.PrefixFrom(at.Addr(), at.Addr().BitLen()))
	}
	s.connected = widen(s.connected)
	for _, place := range port.Places() {
		if place.Carrier {
			s.carrier = append(s.carrier, place.Address.Addr())
		} else {
			s.outside = append(s.outside, place.Address.Addr())
		}
	}
	for _, at := range port.Asked() {
		s.hub = append(s.hub, at.Addr())
	}
	for _, server := range servers {
		for _, url := range server.URLs {
			if uri, err := stun.ParseURI(url); err == nil {
				if ip, err := netip.ParseAddr(uri.Host); err == nil {
					s.hub = append(s.hub, ip.Unmap())
				}
			}
		}
	}
	return s
}

// widen puts the subnets that the machine has them in in place of single addresses.
func widen(addresses []netip.Prefix) []netip.Prefix {
	subnets, err := net.InterfaceAddrs()
	if err != nil {
		return addresses
	}
	for n, a := range addresses {
		for _, subnet := range subnets {
			if wide, err := netip.ParsePrefix(subnet.String()); err == nil && wide.Addr() == a.Addr() {
				addresses[n] = wide
			}
		}
	}
	return addresses
}
