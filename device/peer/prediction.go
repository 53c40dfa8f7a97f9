package peer

import (
	"context"
	"net/netip"
	"time"

	"github.com/sightline-rtc/sightline/device/reach"
	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// predictedPorts is how many ports after the one that a viewer's STUN server saw are tried: a NAT that counts has given
	// the first of them to the next destination, which is the device, unless others of its network were faster.
	predictedPorts = 16
	// maxPredicted bounds them for one ICE generation: three interfaces or STUN servers of the viewer.
	maxPredicted = 3 * predictedPorts
	// namedFirst is how long predictions wait when the device's own NAT gives each destination a port of its own: one that
	// counts would give the ports that the viewer was told to the viewer's predictions. Browsers have told all their
	// candidates by then.
	namedFirst = 500 * time.Millisecond
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

// predictionsWait returns how long predictions must wait in a network.
func predictionsWait(n protocol.Network) time.Duration {
	if n.Mapping == protocol.NATAddressDependent || n.Mapping == protocol.NATAddressAndPort {
		return namedFirst
	}
	return 0
}

// needsPrediction reports whether a device must send to a viewer's very port to be reached from it, as far as is known.
func needsPrediction(n protocol.Network) bool {
	return n.Filtering != protocol.NATEndpointIndependent && n.Filtering != protocol.NATAddressDependent
}
