package turn

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/bits"
	"net"
	"net/netip"
	"sync"

	"github.com/sightline-rtc/sightline/turn/plane"
)

// loops is sockets by event loops of our own: ChannelData passes from leg to leg there, and pion/turn sees the rest.
type loops struct {
	plane  *plane.Plane
	counts *counts
}

// openLoops starts nothing yet.
func openLoops(n int, c *counts) (sockets, error) {
	p, err := plane.Open(n)
	if err != nil {
		return nil, fmt.Errorf("open event loops: %w", err)
	}
	return &loops{plane: p, counts: c}, nil
}

func (l *loops) listen(_ string, at netip.AddrPort) (net.PacketConn, error) {
	return l.plane.Listen(at, listenBuffer)
}

func (l *loops) serve(conn net.PacketConn, _ netip.AddrPort) (lane, error) {
	port, ok := conn.(*plane.Port)
	if !ok {
		return nil, nil
	}
	fast := &fastLane{port: port, counts: l.counts, relays: make(map[netip.AddrPort]*relay)}
	return fast, port.Handle(fast.up)
}

func (l *loops) relay(_ string, at netip.AddrPort) (udpConn, error) {
	return l.plane.Bind(at, relayBuffer)
}

func (l *loops) start(r *relay) error {
	port, ok := r.conn.(*plane.Port)
	if !ok {
		return nil
	}
	return port.Handle(r.fromPeers)
}

func (l *loops) run(ctx context.Context) error { return l.plane.Run(ctx) }

func (l *loops) close() error { return l.plane.Close() }

func (l *loops) lost() uint64 { return l.plane.Lost() }

// fastLane is the lane of one listener.
type fastLane struct {
	port   *plane.Port
	counts *counts

	// mu guards the field below.
	mu     sync.RWMutex
	relays map[netip.AddrPort]*relay
}

func (l *fastLane) join(client netip.AddrPort, r *relay) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.relays[client] = r
}

func (l *fastLane) leave(client netip.AddrPort, r *relay) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.relays[client] == r {
		delete(l.relays, client)
	}
}

func (l *fastLane) of(client netip.AddrPort) *relay {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.relays[client]
}

// up takes what clients have sent: each one's ChannelData together and in order, however they are mixed. All else is
// pion/turn's.
func (l *fastLane) up(b *plane.Batch) {
	left := ^uint64(0) >> (plane.BatchSize - b.Len())
	for left != 0 {
		first := bits.TrailingZeros64(left)
		same := uint64(0)
		for i := first; i < b.Len(); i++ {
			if left>>i&1 == 1 && b.SameFrom(first, i) {
				same |= 1 << i
			}
		}
		left &^= same
		if r := l.of(b.From(first)); r != nil {
			same = r.fromClient(b, same)
		}
		for ; same != 0; same &= same - 1 {
			l.pass(b, bits.TrailingZeros64(same))
		}
	}
}

// pass hands a packet to pion/turn, which drops what does not fit its buffer.
func (l *fastLane) pass(b *plane.Batch, i int) {
	if _, whole := b.Data(i); !whole {
		l.counts.drop("oversize")
	} else if !b.Pass(i) {
		l.counts.drop("requests")
	}
}

// fromClient sends the ChannelData among the packets, which are all of the relay's client, and returns the others.
func (r *relay) fromClient(b *plane.Batch, packets uint64) (others uint64) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var sending uint16
	burst := b.Burst()
	for ; packets != 0; packets &= packets - 1 {
		i := bits.TrailingZeros64(packets)
		datagram, whole := b.Data(i)
		number, data, ok := readChannel(datagram)
		if !ok || !whole || !r.held.channels.has(number) {
			others |= 1 << i
			continue
		}
		if number != sending {
			r.sendUp(burst, sending)
			sending = number
		}
		if why := r.over(up, len(data)); why == "" {
			burst.Add(data)
		} else {
			r.counts.drop(why)
		}
	}
	r.sendUp(burst, sending)
	return others
}

// sendUp sends a burst to the peer of a channel. mu is held for reading.
func (r *relay) sendUp(burst *plane.Burst, number uint16) {
	n := burst.Len()
	if n == 0 {
		return
	}
	to := r.held.channels.peers[number]
	why, seen := r.judge(to)
	if !r.ended.IsZero() {
		why = refusedEnded
	}
	whole := burst.Bytes()
	if why != allowed {
		burst.Clear()
		r.allowance.putBack(whole)
		r.counts.dropAll(string(why), n)
		return
	}
	port, _ := r.conn.(*plane.Port)
	packets, bytes := burst.Send(port, r.table.localOf(to))
	r.allowance.putBack(whole - bytes)
	r.up.addAll(packets, bytes)
	r.counts.sighted(seen, packets)
	r.counts.dropAll("unsent", n-packets)
}

// fromPeers takes what the relay has received and sends it to the client. What comes from a peer without a channel is
// left to pion/turn, and so is everything as long as the client is not known.
func (r *relay) fromPeers(b *plane.Batch) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	fast, _ := r.lane.(*fastLane)
	burst := b.Burst()
	var from sender
	for i := range b.Len() {
		if i == 0 || !b.SameFrom(i-1, i) {
			r.sendDown(burst, fast, from.seen)
			from = r.sender(b.From(i))
		}
		data, whole := b.Data(i)
		switch {
		case !whole || len(data) >= maxFrame:
			r.counts.drop("oversize")
		case from.why != allowed:
			r.counts.drop(string(from.why))
		case from.channel == 0 || fast == nil:
			if !b.Pass(i) {
				r.counts.drop("unread")
			}
		default:
			if why := r.over(down, len(data)); why == "" {
				burst.Add(putChannel(b.Frame(i), from.channel))
			} else {
				r.counts.drop(why)
			}
		}
	}
	r.sendDown(burst, fast, from.seen)
}

// sendDown sends a burst to the client. mu is held for reading.
func (r *relay) sendDown(burst *plane.Burst, fast *fastLane, seen sight) {
	n := burst.Len()
	if n == 0 {
		return
	}
	whole := burst.Bytes()
	packets, bytes := burst.Send(fast.port, r.client)
	r.allowance.putBack(whole - bytes - (n-packets)*channelHeader)
	r.down.addAll(packets, bytes-packets*channelHeader)
	r.counts.sighted(seen, packets)
	r.counts.dropAll("unsent", n-packets)
}

// sender is what there is to know of who sends to a relay.
type sender struct {
	why  refusal
	seen sight
	// channel is that by which the client knows the peer, 0 for none.
	channel uint16
}

// sender looks a peer up. mu is held for reading.
func (r *relay) sender(from netip.AddrPort) (s sender) {
	if !r.ended.IsZero() {
		return sender{why: refusedEnded}
	}
	if s.why, s.seen = r.judge(from); s.why != allowed {
		return s
	}
	from = r.table.publicOf(from)
	if !r.held.has(from.Addr()) {
		s.why = refusedPermission
	}
	s.channel = r.held.channels.numbers[from]
	return s
}

// putChannel writes a ChannelData header into the headroom of a packet. UDP asks for no padding (RFC 8656 section 12.5).
func putChannel(frame []byte, number uint16) []byte {
	binary.BigEndian.PutUint16(frame, number)
	binary.BigEndian.PutUint16(frame[2:], uint16(len(frame)-channelHeader))
	return frame
}
