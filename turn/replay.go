package turn

import (
	"net/netip"
	"slices"

	"github.com/sightline-rtc/sightline/protocol"
)

// maxProofs bounds the Allocate requests remembered of a grant: its allocations, and as many again three times over.
const maxProofs = 4 * maxAllocations

// proof is an Allocate request that was made with good credentials. pion/turn's nonces are good from every address for an
// hour, so that who overhears a request could send it again and get an allocation without any credentials.
type proof struct {
	integrity [integrityValue]byte
	from      netip.AddrPort
}

// isReplay remembers a proven Allocate request and reports whether it came from another address before. A grant that is not
// known yet remembers nothing.
func (g *grants) isReplay(id protocol.GrantID, p proof) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	entry := g.known[id]
	if entry == nil {
		return false
	}
	at := slices.IndexFunc(entry.proofs, func(known proof) bool { return known.integrity == p.integrity })
	if at >= 0 {
		return entry.proofs[at].from != p.from
	}
	if len(entry.proofs) >= maxProofs {
		entry.proofs = slices.Delete(entry.proofs, 0, 1)
	}
	entry.proofs = append(entry.proofs, p)
	return false
}
