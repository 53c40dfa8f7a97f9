package peer

import (
	"fmt"
	"hash/crc32"
	"net/netip"
	"time"

	"github.com/sightline-rtc/sightline/device/reach"
)

// placesWait is how long a generation of candidates stays open for what STUN servers say: longer than the media port
// takes to ask them.
const placesWait = 3 * time.Second

// The type preferences of RFC 8445 section 5.1.2.2 for candidates that a NAT shows, and of RFC 6544 section 4.2 for TCP, less
// than any of UDP but a relay's; 65535 is the highest local preference, and each further candidate has one less.
const (
	reflexivePreference = 100
	passivePreference   = 73
	localPreference     = 65535
)

// placed returns the candidate of the n-th place (RFC 8839 section 5.1). Its related address, which is told for
// diagnosis only, is left out as browsers do: the real one says nothing that a host candidate does not.
func placed(place reach.Place, n int) found {
	address := place.Address
	protocolName, kind, preference := "udp", "", reflexivePreference
	if place.TCP {
		protocolName, kind, preference = "tcp", " tcptype passive", passivePreference
	}
	related := "0.0.0.0"
	if address.Addr().Is6() {
		related = "::"
	}
	priority := preference<<24 | max(localPreference-n, 0)<<8 | 255
	foundation := crc32.ChecksumIEEE([]byte(protocolName + address.Addr().String() + string(place.Means)))
	return found{
		line: fmt.Sprintf("candidate:%d 1 %s %d %s %d typ srflx raddr %s rport 9%s",
			foundation, protocolName, priority, address.Addr(), address.Port(), related, kind),
		address: address.String(),
		tcp:     place.TCP,
		means:   place.Means,
	}
}

// places returns what the port knows of itself as candidates, the best first.
func places(port *reach.Port) []found {
	var list []found
	for n, place := range port.Places() {
		list = append(list, placed(place, n))
	}
	return list
}

func canonical(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}
