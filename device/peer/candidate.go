package peer

import (
	"net/netip"
	"strings"

	"github.com/pion/ice/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

// candidate is one of the viewer's as far as the device must know it (RFC 8839 section 5.1).
type candidate struct {
	line    string
	address netip.AddrPort
	// relayed and reflexive tell its type; dialled says that the device opens a TCP connection to it.
	relayed, reflexive, dialled bool
}

// readCandidate reads a candidate's line. False without an error means one that is no use: the end of candidates, which
// changes nothing because peer-reflexive ones may always come; a name of multicast DNS, whose address the viewer's checks
// tell; and TCP candidates that connect by themselves. It fails with CodeBadMessage.
func readCandidate(line string) (candidate, bool, error) {
	fields := strings.Fields(strings.TrimPrefix(line, "candidate:"))
	if len(fields) == 0 || len(fields) > 4 && strings.HasSuffix(fields[4], ".local") {
		return candidate{}, false, nil
	}
	parsed, err := ice.UnmarshalCandidate(strings.TrimPrefix(line, "candidate:"))
	if err != nil {
		return candidate{}, false, protocol.Errorf(protocol.CodeBadMessage, "not an ICE candidate").Because(err)
	}
	tcp := parsed.NetworkType().IsTCP()
	ip, err := netip.ParseAddr(parsed.Address())
	if err != nil || tcp && parsed.TCPType() != ice.TCPTypePassive {
		return candidate{}, false, nil //nolint:nilerr // a name is no use, as the comment says
	}
	return candidate{
		line:      line,
		address:   canonical(netip.AddrPortFrom(ip, uint16(parsed.Port()))), //nolint:gosec // parsed from 16 bits
		relayed:   parsed.Type() == ice.CandidateTypeRelay,
		reflexive: parsed.Type() == ice.CandidateTypeServerReflexive,
		dialled:   tcp,
	}, true, nil
}
