package media

import "time"

// originSpan is how long the earliest arrival counts, once and at most twice: longer than any distance of keyframes that
// matters, short enough for a camera's clock that drifts by 100 ppm to move it by a millisecond.
const originSpan = 5 * time.Second

// origin finds when a stream's time was zero. Pictures come late by their size and by the network's whims, never early: the
// one that came soonest tells best. With it the times of two streams can be compared.
type origin struct {
	now, before time.Time
	since       time.Time
}

// note takes the time of a frame that came at now.
func (o *origin) note(at time.Duration, now time.Time) {
	zero := now.Add(-at)
	if now.Sub(o.since) > originSpan {
		o.before, o.now, o.since = o.now, zero, now
		return
	}
	if zero.Before(o.now) {
		o.now = zero
	}
}

// time is zero before the first frame.
func (o *origin) time() time.Time {
	if o.before.IsZero() || o.now.Before(o.before) {
		return o.now
	}
	return o.before
}
