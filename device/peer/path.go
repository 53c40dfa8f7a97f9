package peer

import (
	"net/netip"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

// pathOf tells how media goes over a candidate pair. It is a relay when either end of the pair is one, even if the
// viewer's is known as peer-reflexive because its check was faster than its signaling.
func pathOf(pair *webrtc.ICECandidatePair, relays map[netip.AddrPort]bool, rtt time.Duration) protocol.Path {
	remote := pair.Remote.Typ
	if ip, err := netip.ParseAddr(pair.Remote.Address); err == nil {
		if relays[canonical(netip.AddrPortFrom(ip, pair.Remote.Port))] {
			remote = webrtc.ICECandidateTypeRelay
		}
	}
	p := protocol.Path{
		Kind: protocol.PathDirect, Means: "ice",
		Local: pair.Local.Typ.String(), Remote: remote.String(), Protocol: pair.Local.Protocol.String(),
		RTTMS: milliseconds(rtt),
	}
	if pair.Local.Typ == webrtc.ICECandidateTypeRelay || remote == webrtc.ICECandidateTypeRelay {
		p.Kind, p.Means = protocol.PathRelay, "relay"
	}
	return p
}

// samePath compares two paths without their round-trip times.
func samePath(a, b protocol.Path) bool {
	a.RTTMS, b.RTTMS = 0, 0
	return a == b
}

// roundTrip returns ICE's newest measure of the selected pair, 0 if there is none.
func roundTrip(pc *webrtc.PeerConnection) time.Duration {
	stats, ok := pc.SCTP().Transport().ICETransport().GetSelectedCandidatePairStats()
	if !ok {
		return 0
	}
	return time.Duration(stats.CurrentRoundTripTime * float64(time.Second))
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
