package source

import (
	"context"
	"time"
)

// metronome waits for times counted from a start, so that rounding never adds up.
type metronome struct {
	start time.Time
	timer *time.Timer
}

func newMetronome(start time.Time) *metronome {
	return &metronome{start: start, timer: time.NewTimer(0)}
}

// wait returns at start+at, or at once when that has passed, and tells how late it is. It fails when ctx is done.
func (m *metronome) wait(ctx context.Context, at time.Duration) (late time.Duration, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	left := time.Until(m.start.Add(at))
	if left <= 0 {
		return -left, nil
	}
	m.timer.Reset(left)
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-m.timer.C:
		return 0, nil
	}
}

func (m *metronome) stop() { m.timer.Stop() }
