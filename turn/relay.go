package turn

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// relayBuffer is asked of the kernel for each direction of a relay socket: a keyframe is a burst of a few hundred
// packets. The kernel gives what net.core.rmem_max allows.
const relayBuffer = 1 << 20

// relay is the relayed transport address of one allocation, as the net.PacketConn that pion/turn reads and writes. It
// lets through what the policy allows and counts it. Safe for concurrent use.
type relay struct {
	conn   udpConn
	peers  judge
	table  *relays
	counts *counts
	// sighted are the peers of the grant's session, set by grants.attach, and enforce whether there may be others; nil means
	// that there is no session.
	sighted *sighted
	enforce bool

	id        string
	grant     protocol.GrantID
	project   protocol.ProjectID
	role      protocol.Role
	transport string
	started   time.Time
	// local is where the socket is bound, public what clients are told: the same unless a 1:1 NAT stands between.
	local  netip.AddrPort
	public netip.AddrPort
	// finish is called once, when the allocation has ended and its last count is final.
	finish func(*relay)
	// closed is called once, when the socket is closed.
	closed func()
	once   sync.Once

	up, down traffic
	// cap is that of the grant, allowance the relay's own.
	cap       *rateCap
	allowance *allowance

	// mu guards the fields below. A packet is sent or counted while it is held for reading, so that nothing is counted
	// after the end.
	mu    sync.RWMutex
	ended time.Time
	cut   bool // by the end of the server
	held  permissions
	// lane is the fast path to the client, nil where there is none.
	lane   lane
	client netip.AddrPort
}

type traffic struct{ bytes, packets atomic.Uint64 }

func (t *traffic) add(n int) { t.addAll(1, n) }

func (t *traffic) addAll(packets, bytes int) {
	t.bytes.Add(uint64(bytes))
	t.packets.Add(uint64(packets))
}

// ReadFrom returns the next packet of a permitted peer. pion/turn checks permissions itself, but later: what it drops
// there would be counted as carried. After the end it fails, upon which pion deletes the allocation.
func (r *relay) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		n, from, err := r.conn.ReadFromUDPAddrPort(p)
		if r.isEnded() {
			return 0, nil, net.ErrClosed
		}
		if err != nil {
			return 0, nil, err
		}
		if n == len(p) {
			// A packet as long as the buffer may have been longer.
			r.counts.drop("oversize")
			continue
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		why, seen := r.judge(from)
		if why != allowed {
			r.counts.drop(string(why))
			continue
		}
		from = r.table.publicOf(from)
		if why := r.receive(from.Addr(), n); why != "" {
			r.counts.drop(why)
			continue
		}
		r.counts.sighted(seen, 1)
		return n, net.UDPAddrFromAddrPort(from), nil
	}
}

func (r *relay) receive(from netip.Addr, n int) (dropped string) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if !r.ended.IsZero() {
		return string(refusedEnded)
	}
	if !r.held.has(from) {
		return string(refusedPermission)
	}
	if why := r.over(down, n); why != "" {
		return why
	}
	r.down.add(n)
	return ""
}

// WriteTo sends a packet to a peer. One that the policy refuses is dropped and reported as sent, as a packet that is
// lost on its way would be.
func (r *relay) WriteTo(p []byte, addr net.Addr) (int, error) {
	to := addrPort(addr)
	why, seen := r.judge(to)
	if why != allowed {
		r.counts.drop(string(why))
		return len(p), nil
	}
	to = r.table.localOf(to)

	r.mu.RLock()
	defer r.mu.RUnlock()
	if !r.ended.IsZero() {
		return 0, net.ErrClosed
	}
	if why := r.over(up, len(p)); why != "" {
		r.counts.drop(why)
		return len(p), nil
	}
	n, err := r.conn.WriteToUDPAddrPort(p, to)
	if err == nil {
		r.up.add(n)
		r.counts.sighted(seen, 1)
	} else {
		r.allowance.putBack(len(p))
	}
	return n, err
}

// breakOff is end for a server that stops.
func (r *relay) breakOff(now time.Time) {
	r.mu.Lock()
	r.cut = r.ended.IsZero()
	r.mu.Unlock()
	r.end(now)
}

// end lets nothing through any more and wakes pion/turn, which then closes the relay. It does not close the socket under
// pion's feet. It may be called more than once.
func (r *relay) end(now time.Time) {
	_ = r.conn.SetDeadline(time.Unix(1, 0)) // Only a closed socket fails, and that has ended.
	if r.stop(now) {
		r.finish(r)
	}
}

func (r *relay) stop(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended.IsZero() {
		return false
	}
	r.ended = now
	return true
}

func (r *relay) isEnded() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return !r.ended.IsZero()
}

// Close ends the relay and frees its port. It always returns nil: pion/turn stops closing allocations at the first
// error.
func (r *relay) Close() error {
	r.end(time.Now())
	r.once.Do(func() {
		_ = r.conn.Close() // Nothing is buffered that could be lost.
		r.leaveLane()
		r.table.remove(r)
		r.closed()
	})
	return nil
}

// usage returns the counts so far; they are final when Ended is set.
func (r *relay) usage(now time.Time) record.Usage {
	r.mu.RLock()
	defer r.mu.RUnlock()
	u := record.Usage{
		Allocation: r.id, Grant: r.grant, Project: r.project, Role: r.role, Transport: r.transport,
		Traffic: record.Traffic{
			UpBytes: r.up.bytes.Load(), UpPackets: r.up.packets.Load(),
			DownBytes: r.down.bytes.Load(), DownPackets: r.down.packets.Load(),
		},
		Started: r.started, Updated: now, Ended: r.ended, Cut: r.cut,
	}
	if !r.ended.IsZero() {
		u.Updated = r.ended
	}
	return u
}

// LocalAddr returns where the socket is bound.
func (r *relay) LocalAddr() net.Addr { return r.conn.LocalAddr() }

// SetDeadline, SetReadDeadline and SetWriteDeadline make a relay a net.PacketConn; pion/turn sets none.
func (r *relay) SetDeadline(t time.Time) error { return r.conn.SetDeadline(t) }

// SetReadDeadline is as SetDeadline says.
func (r *relay) SetReadDeadline(t time.Time) error { return r.conn.SetReadDeadline(t) }

// SetWriteDeadline is as SetDeadline says.
func (r *relay) SetWriteDeadline(t time.Time) error { return r.conn.SetWriteDeadline(t) }

// addrPort returns a socket address with IPv4 in its own form; the zero value for one that is neither UDP nor TCP.
func addrPort(addr net.Addr) netip.AddrPort {
	var ap netip.AddrPort
	switch a := addr.(type) {
	case *net.UDPAddr:
		ap = a.AddrPort()
	case *net.TCPAddr:
		ap = a.AddrPort()
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
