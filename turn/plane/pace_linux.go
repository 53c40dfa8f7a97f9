package plane

import "golang.org/x/sys/unix"

const (
	// restNanos is how long a loop lets a burst arrive before it takes it. The kernel adds up to 50 µs, to save timers
	// (PR_SET_TIMERSLACK): a frame of 14 packets is on a wire of 1 Gbit/s for 140 µs, and on loopback for less.
	restNanos = 60_000
	// burstOf is how many packets a socket must have had at once, on average, for a rest to pay: it costs a wake-up more.
	burstOf = 4
	// memory is over how many wake-ups the average goes, about.
	memory = 16
)

// pace decides whether a loop rests between being woken and taking what there is, so that a burst is taken as one. It rests
// only where bursts are seen: single packets would cost more and come later.
type pace struct {
	// average is how many packets a batch has had.
	average float64
}

func (p *pace) saw(n int) { p.average += (float64(n) - p.average) / memory }

// rest sleeps if that pays, and reports whether it has.
func (p *pace) rest() bool {
	if p.average < burstOf {
		return false
	}
	pause := unix.Timespec{Nsec: restNanos}
	_ = unix.Nanosleep(&pause, nil) // A signal may cut it short.
	return true
}
