package peer

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/pion/ice/v4"
)

// placesWait is how long a generation of candidates stays open for what STUN servers say: longer than the media port
// takes to ask them.
const placesWait = 3 * time.Second

// reflexive returns the candidate line of a mapped address (RFC 8839 section 5.1).
func reflexive(address netip.AddrPort) (string, error) {
	related := "0.0.0.0"
	if address.Addr().Is6() {
		related = "::"
	}
	c, err := ice.NewCandidateServerReflexive(&ice.CandidateServerReflexiveConfig{
		Network: "udp", Address: address.Addr().String(), Port: int(address.Port()), Component: ice.ComponentRTP,
		RelAddr: related, RelPort: 9, // the real one tells nothing that a host candidate does not
	})
	if err != nil {
		return "", fmt.Errorf("make candidate: %w", err)
	}
	return "candidate:" + c.Marshal(), nil
}

func canonical(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}
