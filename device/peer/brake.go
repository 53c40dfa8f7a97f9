package peer

import "time"

const (
	// brakeAfter is how long a path must have been too slow before pictures are left out for it.
	brakeAfter = time.Second
	// brakeUntil is the share of the stream's rate that the path must carry for all to be sent again.
	brakeUntil = 1.2
)

// brake decides what the pacer is told of the path: nothing until it was once found to be full, and that it carries too
// little when what is sent goes on to be too much for it. That is the last means, when there is no smaller rendition.
type brake struct {
	on    bool
	since time.Time // that it has been too slow; zero means that it is not
}

// decide returns what the path carries, in bits per second and 0 for unknown, and whether that is too little for a stream
// of the given rate.
func (b *brake) decide(now time.Time, path pathState, rate int) (bps int, tooLittle bool) {
	if !path.full || rate == 0 {
		*b = brake{}
		return 0, false
	}
	switch {
	case b.on:
		if float64(path.estimate) >= brakeUntil*float64(rate) {
			*b = brake{}
		}
	case !path.congested || float64(path.estimate) >= enough*float64(rate):
		b.since = time.Time{}
	case b.since.IsZero():
		b.since = now
	default:
		b.on = now.Sub(b.since) >= brakeAfter
	}
	return path.estimate, b.on
}
