package turn

import (
	"net/netip"
	"slices"
	"sync/atomic"

	"github.com/sightline-rtc/sightline/protocol"
)

// maxSighted bounds the addresses remembered of a grant: the candidates of the other end, twice over for a restart. Over
// it the oldest goes, so that a long session may change networks as often as it likes.
const maxSighted = 2 * protocol.MaxSyncCandidates

// PeerMode says what becomes of peers that signaling has not seen in a session.
type PeerMode string

// The modes. The zero value is PeersEnforce.
const (
	// PeersObserve counts them.
	PeersObserve PeerMode = "observe"
	// PeersEnforce refuses peers whose address is none that signaling saw, and counts the unexpected ports of those that it
	// saw: a symmetric NAT (RFC 4787 section 4.1) shows the relay a port that nobody could tell beforehand.
	PeersEnforce PeerMode = "enforce"
)

// sight is how well signaling knows a peer.
type sight uint8

const (
	// sightNone: no candidate and no socket of the session's other end has the address.
	sightNone sight = iota
	// sightHost: one has, but with other ports.
	sightHost
	// sightPort: a candidate has this very port, or a socket was seen to come from the address.
	sightPort
	// sightFree: the grant belongs to nothing that signaling knows, such as a session of a measuring tool.
	sightFree
)

// sights names them as metrics do.
var sights = [...]string{sightNone: "stranger", sightHost: "port", sightPort: "expected", sightFree: "unbound"}

func (s sight) String() string { return sights[s] }

// sighted are the peers that signaling saw in the session of one grant. Looking one up takes no lock; who changes them
// holds that of grants.
type sighted struct {
	// bound is set once signaling has told that the grant is a session's.
	bound atomic.Bool
	table atomic.Pointer[sightings]
}

// sightings never change once they are in use.
type sightings struct {
	// order has all of them, the oldest first.
	order []netip.AddrPort
	peers map[netip.AddrPort]struct{}
	hosts map[netip.Addr]struct{}
}

// add remembers a peer; port 0 stands for any.
func (s *sighted) add(peer netip.AddrPort) {
	var order []netip.AddrPort
	if old := s.table.Load(); old != nil {
		if order = old.order; order[len(order)-1] == peer {
			return
		}
	}
	order = append(slices.DeleteFunc(slices.Clone(order), func(p netip.AddrPort) bool { return p == peer }), peer)
	order = order[max(0, len(order)-maxSighted):]
	next := &sightings{
		order: order, peers: make(map[netip.AddrPort]struct{}, len(order)), hosts: make(map[netip.Addr]struct{}),
	}
	for _, p := range order {
		next.peers[p] = struct{}{}
		next.hosts[p.Addr()] = struct{}{}
	}
	s.table.Store(next)
}

// of tells how well a peer is known. Port 0 asks about the address alone, as a permission does: it is never sightHost.
func (s *sighted) of(peer netip.AddrPort) sight {
	if !s.bound.Load() {
		return sightFree
	}
	table := s.table.Load()
	if table == nil {
		return sightNone
	}
	if _, ok := table.hosts[peer.Addr()]; !ok {
		return sightNone
	}
	if peer.Port() == 0 {
		return sightPort
	}
	if _, ok := table.peers[peer]; ok {
		return sightPort
	}
	if _, ok := table.peers[netip.AddrPortFrom(peer.Addr(), 0)]; ok {
		return sightPort
	}
	return sightHost
}

// forget drops them all.
func (s *sighted) forget() { s.table.Store(nil) }
