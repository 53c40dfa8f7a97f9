package peer

import (
	"net/netip"
	"slices"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// maxHeld bounds the candidates that wait for the viewer's address outside.
	maxHeld = 8
	// maxOutside bounds the addresses that a viewer can be seen at.
	maxOutside = 8
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
	// held are candidates of this generation that the device may not send to, unless the viewer is in its network.
	held []candidate
	// outside are the viewer's addresses as its STUN servers see them, by its own word.
	outside []netip.Addr
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
		r.taken, r.held, r.outside = 0, nil, nil
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

// admit returns what ICE should have now that a candidate came: it, and those that it makes admissible.
func (r *remote) admit(c candidate, policy protocol.PathPolicy, around surroundings) []candidate {
	if c.relayed && len(r.relays) < protocol.MaxSyncCandidates {
		r.relays[c.address] = true
	}
	if r.taken >= protocol.MaxSyncCandidates || !fits(c, policy) {
		return nil
	}
	if ip := c.address.Addr(); c.reflexive && len(r.outside) < maxOutside && !slices.Contains(r.outside, ip) {
		r.outside = append(r.outside, ip)
	}
	waiting := append(slices.Clone(r.held), c)
	r.held = nil
	var admitted []candidate
	for _, c := range waiting {
		switch {
		case around.admits(c.address, r.outside):
			admitted = append(admitted, c)
		case len(r.held) < maxHeld:
			r.held = append(r.held, c)
		}
	}
	r.taken += len(admitted)
	return admitted
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
