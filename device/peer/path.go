package peer

import (
	"net/netip"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

// selection is a candidate pair that ICE has selected.
type selection struct {
	pair *webrtc.ICECandidatePair
	// at is when, sent what had left by then, over the pairs before.
	at   time.Time
	sent counters
}

// remote returns the viewer's address of the pair.
func (s selection) remote() netip.AddrPort {
	ip, err := netip.ParseAddr(s.pair.Remote.Address)
	if err != nil {
		return netip.AddrPort{}
	}
	return canonical(netip.AddrPortFrom(ip, s.pair.Remote.Port))
}

// path tells how media goes over the pair. It is a relay when either end of the pair is one, even if the viewer's is known
// as peer-reflexive because its check was faster than its signaling. Of the means each end tells what it can see: a
// mapped port of the device's, or one of its predictions, is in the viewer's view.
func (s selection) path(relays map[netip.AddrPort]bool, guessed bool) protocol.Path {
	remote := s.pair.Remote.Typ
	if relays[s.remote()] {
		remote = webrtc.ICECandidateTypeRelay
	}
	p := protocol.Path{
		Kind: protocol.PathDirect, Means: protocol.MeansICE,
		Local: s.pair.Local.Typ.String(), Remote: remote.String(), Protocol: s.pair.Local.Protocol.String(),
	}
	switch {
	case s.pair.Local.Typ == webrtc.ICECandidateTypeRelay || remote == webrtc.ICECandidateTypeRelay:
		p.Kind, p.Means = protocol.PathRelay, protocol.MeansRelay
	case s.pair.Local.Protocol == webrtc.ICEProtocolTCP:
		p.Means = protocol.MeansTCP
	case s.remote().Addr().Is6():
		p.Means = protocol.MeansIPv6
	case guessed:
		p.Means = protocol.MeansPredicted
	}
	return p
}

// samePath compares two paths by what they are, not by when they came and how they do.
func samePath(a, b protocol.Path) bool {
	a.RTTMS, a.AfterMS, a.Pairs = 0, 0, 0
	b.RTTMS, b.AfterMS, b.Pairs = 0, 0, 0
	return a == b
}

// allows reports whether a policy lets media take a path. With relays alone the device's own must be one of them: the
// viewer's would show where the device is.
func allows(policy protocol.PathPolicy, path protocol.Path) bool {
	switch policy {
	case protocol.PathDirectOnly:
		return path.Kind == protocol.PathDirect
	case protocol.PathRelayOnly:
		return path.Local == webrtc.ICECandidateTypeRelay.String()
	default:
		return true
	}
}

// roundTrip returns ICE's newest measure of the selected pair, 0 if there is none.
func roundTrip(pc *webrtc.PeerConnection) time.Duration {
	stats, ok := pc.SCTP().Transport().ICETransport().GetSelectedCandidatePairStats()
	if !ok {
		return 0
	}
	return time.Duration(stats.CurrentRoundTripTime * float64(time.Second))
}

// pairsTried counts the candidate pairs that the library has.
func pairsTried(pc *webrtc.PeerConnection) int {
	n := 0
	for _, s := range pc.GetStats() {
		if _, ok := s.(webrtc.ICECandidatePairStats); ok {
			n++
		}
	}
	return n
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
