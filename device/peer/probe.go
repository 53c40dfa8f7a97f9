package peer

import (
	"time"

	"github.com/pion/interceptor"
)

// probeTick is how often copies of packets leave while the path is tried: bursts of a few packets at the usual rates.
const probeTick = 5 * time.Millisecond

// probe is a try of the path: copies of packets that were sent make up the rate that a larger rendition would have. A
// receiver drops them, and its feedback tells how they came.
type probe struct {
	on   bool
	rate int // of the copies alone, in bits per second
}

// tryPath sends copies while a try is on, probeFor at most.
func (p *Peer) tryPath() {
	ticker := time.NewTicker(probeTick)
	defer ticker.Stop()
	begun, last, due := time.Now(), time.Now(), 0.0
	for now := range ticker.C {
		p.mu.Lock()
		try := p.probe
		p.mu.Unlock()
		select {
		case <-p.closing:
			return
		default:
		}
		if !try.on || now.Sub(begun) > probeFor+adaptEvery {
			return
		}
		due += now.Sub(last).Seconds() * float64(try.rate) / 8
		last = now
		for due > 0 {
			n := p.history.pad()
			if n == 0 {
				return
			}
			due -= float64(n)
		}
	}
}

// padSpan is how many of the newest packets are taken in turn for copies.
const padSpan = 32

// uncharged is the attribute of packets that the pacer has nothing to do with.
type uncharged struct{}

// pads reports whether copies can be sent: the viewer must take RTX, and drops those whose packet it has.
func (r *retransmit) pads() bool { return r.padded() != nil }

func (r *retransmit) padded() *history {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, h := range r.streams {
		if h.ssrc != 0 {
			return h
		}
	}
	return nil
}

// pad sends a copy of a packet that was sent, and returns its size, 0 when there is none.
func (r *retransmit) pad() int {
	h := r.padded()
	if h == nil {
		return 0
	}
	h.mu.Lock()
	h.turn = (h.turn + 1) % padSpan
	seq := h.newest - h.turn
	h.mu.Unlock()
	header, payload, ok := h.again(seq)
	if !ok {
		return 0
	}
	n, err := h.next.Write(&header, payload, interceptor.Attributes{uncharged{}: true})
	if err != nil {
		return 0
	}
	return n
}
