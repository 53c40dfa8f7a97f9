package peer

import (
	"context"
	"net/netip"

	"github.com/sightline-rtc/sightline/device/reach"
	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// predictedPorts is how many ports after the one that a viewer's STUN server saw are tried: a NAT that counts has given
	// the first of them to the next destination, which is the device, unless others of its network were faster.
	predictedPorts = 16
	// maxPredicted bounds them for one ICE generation: three interfaces or STUN servers of the viewer.
	maxPredicted = 3 * predictedPorts
)

// following returns the ports that a NAT which counts gives after one (RFC 5128 section 3.6).
func following(seen netip.AddrPort) []netip.AddrPort {
	list := make([]netip.AddrPort, 0, predictedPorts)
	port := seen.Port()
	for range predictedPorts {
		if port++; port < firstPort {
			port = firstPort // after 65535 comes 0
		}
		list = append(list, netip.AddrPortFrom(seen.Addr(), port))
	}
	return list
}

// predict returns the ports that the device's own NAT is expected to give next, as candidates. It is asked just before the
// first check to a new ICE generation of the viewer's, which takes the first of them.
func (p *Peer) predict(ctx context.Context, o *offer) []found {
	p.mu.Lock()
	fresh := p.local == nil || o.ufrag != p.remote.ufrag
	relayOnly := p.policy.Path == protocol.PathRelayOnly
	p.mu.Unlock()
	if !fresh || relayOnly {
		return nil
	}
	known := len(p.port.Places())
	var list []found
	for n, address := range p.port.Predict(ctx) {
		list = append(list, placed(reach.Place{Address: address, Means: protocol.MeansPredicted}, known+n))
	}
	return list
}
