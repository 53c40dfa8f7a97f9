package webhook

import (
	"math/rand/v2"
	"time"
)

// waits are how long before each attempt of an event, counted from the one before: those of Standard Webhooks.
var waits = []time.Duration{
	0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour,
	20 * time.Hour, 24 * time.Hour,
}

// life is how long after it was first due an event becomes a dead letter: all waits together.
var life = func() (sum time.Duration) {
	for _, d := range waits {
		sum += d
	}
	return sum
}()

const (
	// A broken endpoint is probed after probeFirst, and after twice as long as before up to probeMost, so that it is found
	// well again within minutes.
	probeFirst = 5 * time.Second
	probeMost  = 5 * time.Minute
)

// retryAt returns when an event is tried again of which so many attempts have failed. The last attempt is never later than
// its life.
func retryAt(attempts int, now time.Time) time.Time {
	return now.Add(jitter(waits[min(attempts, len(waits)-1)]))
}

// probeAt returns when a broken endpoint is probed again after so many probes.
func probeAt(probes int, now time.Time) time.Time {
	return now.Add(jitter(min(probeFirst<<min(probes, 10), probeMost)))
}

// jitter shortens a wait by up to a tenth, so that what failed together does not come back together.
func jitter(d time.Duration) time.Duration {
	if d < 10 {
		return d
	}
	return d - rand.N(d/10) //nolint:gosec // nothing secret hangs on it
}
