package throttle

import (
	"math/rand/v2"
	"time"
)

// Pace is how often something may happen.
type Pace struct {
	// Rate is how often in a second. It must be above 0.
	Rate float64
	// Burst is how often at once; below 1 means 1.
	Burst int
	// Longest is the most that somebody is told to wait. It must be above 0.
	Longest time.Duration
}

func (p Pace) interval() time.Duration {
	return max(1, time.Duration(float64(time.Second)/p.Rate))
}

// Bucket keeps a pace. The zero value has its whole burst. It is not safe for concurrent use.
type Bucket struct {
	// whole is when all that was taken is back: the theoretical arrival time of the generic cell rate algorithm.
	whole time.Time
	// promised is the latest time that a refused one was told.
	promised time.Time
}

// Take takes one and returns 0, or returns how long to wait until there is one. Each refused one is told a later time,
// as far apart as the pace is, so that they find room when they come; over p.Longest they are told any time of its
// second half.
func (b *Bucket) Take(p Pace, now time.Time) time.Duration {
	interval := p.interval()
	whole := now
	if b.whole.After(now) {
		whole = b.whole
	}
	over := whole.Sub(now) - time.Duration(max(p.Burst, 1)-1)*interval
	if over <= 0 {
		b.whole = whole.Add(interval)
		return 0
	}
	if next := b.promised.Add(interval).Sub(now); next > over {
		over = next
	}
	if over > p.Longest {
		return p.Longest - rand.N(p.Longest/2+1) //nolint:gosec // jitter is no secret
	}
	b.promised = now.Add(over)
	return over
}

// Left returns how many may be taken now, and in how long the burst is whole again.
func (b *Bucket) Left(p Pace, now time.Time) (n int, whole time.Duration) {
	whole = max(0, b.whole.Sub(now))
	return max(0, int((time.Duration(max(p.Burst, 1))*p.interval()-whole)/p.interval())), whole
}

// Whole reports whether the bucket has its whole burst, so that nothing is lost with it.
func (b *Bucket) Whole(now time.Time) bool { return !b.whole.After(now) }
