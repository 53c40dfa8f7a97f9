package reach

import (
	"net/netip"
	"slices"
)

// Asked returns the addresses of the STUN servers that are asked now, as their names were looked up last.
func (p *Port) Asked() []netip.AddrPort {
	p.mu.Lock()
	defer p.mu.Unlock()
	addresses := make([]netip.AddrPort, 0, len(p.servers))
	for _, s := range p.servers {
		addresses = append(addresses, s.address)
	}
	return addresses
}

// Unheard reports whether STUN servers have been asked of which none has answered so far, or not for a while: UDP may be
// blocked, which Network tells with certainty some seconds later.
func (p *Port) Unheard() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.servers) > 0 && !slices.ContainsFunc(p.servers, func(s server) bool { return s.mapped.IsValid() })
}
