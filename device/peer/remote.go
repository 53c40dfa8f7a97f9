package peer

import (
	"net/netip"
	"strings"

	"github.com/pion/ice/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

// remote is what is known of the viewer's candidates.
type remote struct {
	// revision is that of the offer in force, -1 before the first; ufrag is its ICE generation.
	revision int
	ufrag    string
	// early are candidates of a revision that has not come yet.
	early []protocol.Candidate
	// taken counts the candidates of this generation.
	taken int
	// relays are the addresses of the viewer's relay candidates, of all generations. A check from one that was not
	// signaled yet makes a peer-reflexive candidate of the same address.
	relays map[netip.AddrPort]bool
}

// sort decides what a candidate is: one to use now, or none; one that is too early is kept.
func (r *remote) sort(c protocol.Candidate) bool {
	switch {
	case c.Revision > r.revision:
		if len(r.early) < protocol.MaxPendingPerSession {
			r.early = append(r.early, c)
		}
		return false
	case c.Ufrag != "":
		return c.Ufrag == r.ufrag
	}
	return c.Revision == r.revision
}

// advance puts a new offer in force and returns the early candidates that belong to it.
func (r *remote) advance(revision int, ufrag string) []protocol.Candidate {
	if ufrag != r.ufrag {
		r.taken = 0
	}
	r.revision, r.ufrag = revision, ufrag
	kept := r.early
	r.early = nil
	var due []protocol.Candidate
	for _, c := range kept {
		if r.sort(c) {
			due = append(due, c)
		}
	}
	return due
}

// admit reports whether ICE should have a candidate. It fails with CodeBadMessage if it is none.
func (r *remote) admit(line string, policy protocol.PathPolicy) (bool, error) {
	line = strings.TrimPrefix(line, "candidate:")
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return false, nil // the end of candidates changes nothing: peer-reflexive ones may always come
	}
	if len(fields) > 4 && strings.HasSuffix(fields[4], ".local") {
		return false, nil // a name of multicast DNS; the viewer's checks tell its address
	}
	c, err := ice.UnmarshalCandidate(line)
	if err != nil {
		return false, protocol.Errorf(protocol.CodeBadMessage, "not an ICE candidate").Because(err)
	}
	if r.taken >= protocol.MaxSyncCandidates {
		return false, nil
	}
	relayed := c.Type() == ice.CandidateTypeRelay
	if relayed && len(r.relays) < protocol.MaxSyncCandidates {
		if ip, err := netip.ParseAddr(c.Address()); err == nil {
			r.relays[canonical(netip.AddrPortFrom(ip, uint16(c.Port())))] = true //nolint:gosec // parsed from 16 bits
		}
	}
	if policy == protocol.PathRelayOnly && !relayed || policy == protocol.PathDirectOnly && relayed {
		return false, nil
	}
	r.taken++
	return true, nil
}
