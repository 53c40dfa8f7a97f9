package peer

import "time"

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
