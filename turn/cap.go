package turn

import (
	"sync/atomic"
	"time"
)

const (
	// capBurst is how much may go at once, as time at the capped rate: a camera's keyframe is several times as large as the
	// frames between, and some seconds apart.
	capBurst = time.Second
	// minCapBurst is the least that may go at once, in bytes, so that under a low cap a keyframe is thinned and not lost.
	minCapBurst = 64 << 10
	// nanosPerByte is how long a byte takes at 1 kbit/s.
	nanosPerByte = 8_000_000
)

// direction is which way a packet goes through a relay, seen from the TURN client.
type direction bool

const (
	up   direction = false
	down direction = true
)

// rateCap bounds the payload that the relays of one grant carry together, each direction by itself. What is over it is
// lost, as on a narrow link, and media adapts. Nil bounds nothing. Safe for concurrent use; it takes no lock and
// allocates nothing.
type rateCap struct {
	// start is what the paces count from.
	start time.Time
	// kbps is 0 for no bound.
	kbps     atomic.Int64
	up, down pace
}

func newRateCap(kbps int) *rateCap {
	c := &rateCap{start: time.Now()}
	c.set(kbps)
	return c
}

// set changes the bound; 0 or less means none.
func (c *rateCap) set(kbps int) { c.kbps.Store(int64(max(kbps, 0))) }

// over is why a packet of n bytes may not go: the cap of the relay's grant, or its own allowance. It is empty for one that
// may, which is spent then; any other is the caller's to drop and count.
func (r *relay) over(to direction, n int) (why string) {
	switch {
	case !r.withinRate(to, n):
		return "rate"
	case !r.allowance.take(n):
		return "budget"
	}
	return ""
}

func (r *relay) withinRate(to direction, n int) bool {
	if r.cap == nil {
		return true
	}
	kbps := r.cap.kbps.Load()
	if kbps == 0 {
		return true
	}
	p := &r.cap.up
	if to == down {
		p = &r.cap.down
	}
	return p.take(n, kbps, time.Since(r.cap.start))
}

// pace is the generic cell rate algorithm (ITU-T I.371 annex A) over bytes, a token bucket in one word.
type pace struct {
	// due is when the next byte would be on time, in nanoseconds since start. What is later than now is debt.
	due atomic.Int64
}

func (p *pace) take(bytes int, kbps int64, now time.Duration) bool {
	cost := int64(bytes) * nanosPerByte / kbps
	latest := int64(now) + max(int64(capBurst), minCapBurst*nanosPerByte/kbps)
	for {
		due := p.due.Load()
		next := max(due, int64(now)) + cost
		if next > latest {
			return false
		}
		if p.due.CompareAndSwap(due, next) {
			return true
		}
	}
}
