package turn

import "net/netip"

const (
	// maxPermissions bounds the peers of one allocation. An ICE agent asks for one per address of the other end: its
	// interfaces in both families, each as a router shows it, and its relays. Twenty are many, and five minutes old ones
	// are gone (RFC 8656 section 9).
	maxPermissions = 32
	// maxChannels bounds the channels of one allocation. One carries a session; agents that bind one for each pair that
	// they try use indications over it.
	maxChannels = 16
)

// permissions are what pion/turn has granted an allocation. Whoever has them guards them.
type permissions struct {
	peers    map[netip.Addr]struct{}
	channels channels
}

func (p *permissions) has(addr netip.Addr) bool {
	_, ok := p.peers[addr]
	return ok
}

// judge decides whether the relay may exchange packets with a peer, and tells how well signaling knows it. A verdict
// stands until the peer's sight changes, which can only be for the better, or its relay or own address goes.
func (r *relay) judge(peer netip.AddrPort) (refusal, sight) {
	if why := r.peers.peer(peer); why != allowed {
		return why, sightNone
	}
	return r.bind(r.table.publicOf(peer))
}

// judgeAddress does the same for all ports of an address, as a permission needs it. An address of our own is for the
// relays of others.
func (r *relay) judgeAddress(addr netip.Addr) (refusal, sight) {
	if why := r.peers.address(addr); why != allowed && !r.table.another(r, addr) {
		return why, sightNone
	}
	return r.bind(netip.AddrPortFrom(addr, 0))
}

// bind holds a peer against those of the grant's session.
func (r *relay) bind(peer netip.AddrPort) (refusal, sight) {
	if r.sighted == nil {
		return allowed, sightFree
	}
	seen := r.sighted.of(peer)
	if seen == sightNone && r.enforce {
		return refusedStranger, seen
	}
	return allowed, seen
}

// permit notes that the client may exchange packets with the address, forbid that it may no longer.
func (r *relay) permit(addr netip.Addr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held.peers == nil {
		r.held.peers = make(map[netip.Addr]struct{})
	}
	r.held.peers[addr] = struct{}{}
}

func (r *relay) forbid(addr netip.Addr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.held.peers, addr)
}

// channel notes that the client has bound a channel, unchannel that it has expired.
func (r *relay) channel(number uint16, peer netip.AddrPort) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held.channels.bind(number, peer)
}

func (r *relay) unchannel(number uint16) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held.channels.release(number)
}

// isPermitted reports whether the client has a permission for the address.
func (r *relay) isPermitted(addr netip.Addr) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.held.has(addr)
}

// mayPermit reports whether there is room for permissions for all of the addresses.
func (r *relay) mayPermit(addrs ...netip.Addr) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	more := make(map[netip.Addr]struct{})
	for _, addr := range addrs {
		if !r.held.has(addr) {
			more[addr] = struct{}{}
		}
	}
	return len(r.held.peers)+len(more) <= maxPermissions
}

// mayBind reports whether there is room for the channel.
func (r *relay) mayBind(number uint16) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, has := r.held.channels.peers[number]
	return has || len(r.held.channels.peers) < maxChannels
}
