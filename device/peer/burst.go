package peer

import (
	"net/netip"
	"sync"

	"github.com/sightline-rtc/sightline/device/reach"
)

// burst gathers the media of one session between Hold and Flush, so that the packets of a frame leave in one system call
// where the system can do that. Who sends says when more is coming; nothing waits on a timer, and what others send
// meanwhile, retransmissions and reports, leaves with the rest. It is safe for concurrent use.
type burst struct {
	port *reach.Port
	// lost is told how many packets the system did not take.
	lost func(packets int)

	mu sync.Mutex // guards what follows, and is held while a burst leaves: packets keep their order
	// holding says that the sender has more.
	holding bool
	// gathered are packets to one address, each of size bytes but for the last, after whose end none may follow if it is
	// shorter. It is nil while nothing waits: many viewers share few buffers.
	gathered *[reach.MaxSegmented]byte
	to       netip.AddrPort
	filled   int
	count    int
	size     int
	ended    bool
}

// buffers are those of bursts that gather at the moment: no more than senders run at once.
var buffers = sync.Pool{New: func() any { return new([reach.MaxSegmented]byte) }}

func newBurst(port *reach.Port, lost func(int)) *burst { return &burst{port: port, lost: lost} }

// Hold implements media.Burst.
func (b *burst) Hold() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.holding = true
}

// Flush implements media.Burst.
func (b *burst) Flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.holding = false
	b.leave()
}

// add takes a copy of a packet, unless nobody holds: then it returns false.
func (b *burst) add(packet []byte, to netip.AddrPort) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.holding || len(packet) > reach.MaxSegmented {
		return false
	}
	if b.count > 0 && (b.ended || to != b.to || len(packet) > b.size || b.count == reach.MaxSegments || b.filled+len(packet) > reach.MaxSegmented) {
		b.leave()
	}
	if b.count == 0 {
		b.gathered, _ = buffers.Get().(*[reach.MaxSegmented]byte) // the pool has nothing else
		b.to, b.size = to, len(packet)
	}
	b.filled += copy(b.gathered[b.filled:], packet)
	b.count++
	b.ended = len(packet) < b.size
	return true
}

// leave sends what is there. It needs mu.
func (b *burst) leave() {
	if b.count == 0 {
		return
	}
	if lost := b.port.WriteSegments(b.gathered[:b.filled], b.size, b.to); lost > 0 {
		b.lost(lost)
	}
	buffers.Put(b.gathered)
	b.gathered, b.filled, b.count, b.ended = nil, 0, 0, false
}
