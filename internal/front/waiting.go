package front

import (
	"container/list"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// maxWaiting bounds the clients of a port that have not said yet what they came for. Each takes a goroutine and the
	// state of a handshake: some 16 KB, or 45 KB once a ClientHello has come.
	maxWaiting = 2048
	// maxWaitingOfAddress bounds those of one IPv4 address or IPv6 /64: a carrier's NAT, or a balancer.
	maxWaitingOfAddress = 512
	// slow is from when on a client that waits makes room for another when there is none. Younger ones are at work, and
	// to give them up would waste what their handshakes have cost.
	slow = time.Second
)

// waiting knows the connections that are between accept and hand-over. When they are too many, the one that has waited
// longest goes if it is slow; else the newcomer does. So a crowd that says nothing keeps nobody out, and a crowd that is
// quick costs no more than there is room for. Safe for concurrent use.
type waiting struct {
	total, perAddress int

	// mu guards the fields below: all who wait, the oldest first, and the same by address.
	mu  sync.Mutex
	all *list.List
	of  map[netip.Addr]*list.List
	// givenUp counts those that had to go, or were not let in.
	givenUp uint64
}

// place is that of one who waits.
type place struct {
	conn    net.Conn
	since   time.Time
	address netip.Addr
	all, of *list.Element
}

func newWaiting(total, perAddress int) *waiting {
	return &waiting{total: total, perAddress: perAddress, all: list.New(), of: make(map[netip.Addr]*list.List)}
}

// enter reports whether there is room for a connection. One that makes room is closed.
func (w *waiting) enter(conn net.Conn, now time.Time) (*place, bool) {
	p := &place{conn: conn, since: now, address: block(conn.RemoteAddr())}
	w.mu.Lock()
	defer w.mu.Unlock()
	mine := w.of[p.address]
	if mine != nil && mine.Len() >= w.perAddress && !w.evict(mine, now) ||
		w.all.Len() >= w.total && !w.evict(w.all, now) {
		return nil, false
	}
	if mine = w.of[p.address]; mine == nil { // the last of them may have made room
		mine = list.New()
		w.of[p.address] = mine
	}
	p.all, p.of = w.all.PushBack(p), mine.PushBack(p)
	return p, true
}

// evict makes the first of a list go, if it is slow. If it is not, the newcomer has to.
func (w *waiting) evict(from *list.List, now time.Time) bool {
	w.givenUp++
	oldest, _ := from.Front().Value.(*place)
	if now.Sub(oldest.since) < slow {
		return false
	}
	_ = oldest.conn.Close() // Who serves it notices.
	w.remove(oldest)
	return true
}

func (w *waiting) leave(p *place) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.remove(p)
}

// remove may be told of one that has gone already.
func (w *waiting) remove(p *place) {
	if p.all == nil {
		return
	}
	w.all.Remove(p.all)
	mine := w.of[p.address]
	mine.Remove(p.of)
	if mine.Len() == 0 {
		delete(w.of, p.address)
	}
	p.all, p.of = nil, nil
}

func (w *waiting) closeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for e := w.all.Front(); e != nil; e = e.Next() {
		if p, ok := e.Value.(*place); ok {
			_ = p.conn.Close() // Who serves it notices.
		}
	}
}

func (w *waiting) count() (now int, givenUp uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all.Len(), w.givenUp
}

// block is what counts as one address: an IPv4 address, or the /64 that one IPv6 subscriber has.
func block(addr net.Addr) netip.Addr {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	if ip.Is6() {
		prefix, _ := ip.Prefix(64) // 64 is a length that IPv6 has
		return prefix.Addr()
	}
	return ip
}
