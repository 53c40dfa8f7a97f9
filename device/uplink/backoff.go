package uplink

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/sightline-rtc/sightline/device/door"
	"github.com/sightline-rtc/sightline/protocol"
)

// maxRequestedWait bounds how long a hub can send a client away, so that a wrong number does not lose it for ever.
const maxRequestedWait = time.Hour

// Backoff says how long to stay away from a hub. Its zero value waits for nothing.
type Backoff struct {
	// Min and Max bound the usual wait.
	Min, Max time.Duration
	// Refused is the wait after the hub has said "not like this".
	Refused time.Duration
}

// After is how long to stay away after an attempt or a link has ended with an error. failures counts those before it.
func (b Backoff) After(err error, failures int) time.Duration {
	var said *door.Closed
	var failed *door.Failure
	switch {
	case errors.As(err, &said) && said.Err != nil && said.Err.RetryMS > 0:
		return spread(milliseconds(said.Err.RetryMS))
	case errors.As(err, &said) && !said.Code.Reconnect():
		return spread(b.Refused)
	case errors.As(err, &failed) && failed.Retry > 0:
		return spread(failed.Retry)
	}
	return b.usual(failures)
}

// usual is full jitter: anything from the least to a ceiling that doubles with each failure.
func (b Backoff) usual(failures int) time.Duration {
	ceiling := min(b.Min<<min(failures+1, 16), b.Max)
	if ceiling <= b.Min {
		return b.Min
	}
	return b.Min + rand.N(ceiling-b.Min) //nolint:gosec // jitter is no secret
}

// milliseconds is the duration of a wait in a message, within bounds.
func milliseconds(ms int64) time.Duration {
	return time.Duration(min(max(ms, 0), maxRequestedWait.Milliseconds())) * time.Millisecond
}

// spread adds up to a tenth, so that clients that were told the same do not come at the same moment.
func spread(d time.Duration) time.Duration {
	d = min(d, maxRequestedWait)
	return d + rand.N(d/10+1) //nolint:gosec // jitter is no secret
}

// Pause waits, and fails only when the context ends.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// untimely reports whether the hub refused only the time of a token.
func untimely(err error) bool {
	var said *door.Closed
	return errors.As(err, &said) && said.Err != nil && said.Err.Code == protocol.CodeClockSkew
}
