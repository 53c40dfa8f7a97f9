package reach

import "net/netip"

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
