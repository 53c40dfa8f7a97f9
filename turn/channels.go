package turn

import "net/netip"

// channels are the channels of one allocation (RFC 8656 section 12), both ways. The zero value has none. It is guarded by
// who has it.
type channels struct {
	peers   map[uint16]netip.AddrPort
	numbers map[netip.AddrPort]uint16
}

func (c *channels) bind(number uint16, peer netip.AddrPort) {
	if c.peers == nil {
		c.peers, c.numbers = make(map[uint16]netip.AddrPort), make(map[netip.AddrPort]uint16)
	}
	c.peers[number] = peer
	c.numbers[peer] = number
}

func (c *channels) has(number uint16) bool {
	_, ok := c.peers[number]
	return ok
}

func (c *channels) release(number uint16) {
	delete(c.numbers, c.peers[number])
	delete(c.peers, number)
}

// joinLane puts the relay on the fast path of its client's listener, unless it has ended.
func (r *relay) joinLane(l lane, client netip.AddrPort) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended.IsZero() {
		r.lane, r.client = l, client
		l.join(client, r)
	}
}

// leaveLane is called after the end.
func (r *relay) leaveLane() {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.lane != nil {
		r.lane.leave(r.client, r)
	}
}
