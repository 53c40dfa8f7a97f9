package peer

import (
	"net/netip"

	"github.com/sightline-rtc/sightline/protocol"
)

// remote is what is known of the viewer's candidates.
type remote struct {
	// revision is that of the offer in force, -1 before the first; ufrag and password are those of its ICE generation.
	revision        int
	ufrag, password string
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
func (r *remote) advance(revision int, ufrag, password string) []protocol.Candidate {
	if ufrag != r.ufrag {
		r.taken = 0
	}
	r.revision, r.ufrag, r.password = revision, ufrag, password
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

// admit reports whether ICE should have a candidate.
func (r *remote) admit(c candidate, policy protocol.PathPolicy, around surroundings) bool {
	if c.relayed && len(r.relays) < protocol.MaxSyncCandidates {
		r.relays[c.address] = true
	}
	if r.taken >= protocol.MaxSyncCandidates || !fits(c, policy) || !around.admits(c.address) {
		return false
	}
	r.taken++
	return true
}

// fits reports whether a policy has any use for a candidate.
func fits(c candidate, policy protocol.PathPolicy) bool {
	switch policy {
	case protocol.PathRelayOnly:
		return c.relayed
	case protocol.PathDirectOnly:
		return !c.relayed
	default:
		return true
	}
}
