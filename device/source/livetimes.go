package source

import (
	"context"
	"time"

	"github.com/sightline-rtc/sightline/device/source/demux"
)

// liveTimes gives the frames of a live stream their times.
type liveTimes interface {
	// take returns the time of a frame that has just come. It waits for what comes too early, and fails when ctx is done
	// first.
	take(context.Context, demux.Frame) (time.Duration, error)
}

// maxLead is how far a stream may run ahead of the clock: a command may begin with what it has in its buffers. More says
// that it does not keep time, as ffmpeg without -re.
const maxLead = time.Second

const (
	// arrivalShare is how much of what a frame comes early or late moves the times, as a fraction: pipes and schedulers make
	// frames come some milliseconds off, which would show as stutter. stepShare is the same for the distance of frames.
	arrivalShare = 8
	stepShare    = 32
	// arrivalPause is what is no stutter but a pause.
	arrivalPause = 300 * time.Millisecond
)

// arrivals are the smoothed times at which frames come that have none of their own. They are not faster than MaxFPS.
type arrivals struct {
	begun time.Time
	n     int
	// came is when the last frame came, given the time that it got, step the usual distance.
	came, given, step time.Duration
}

func (a *arrivals) take(ctx context.Context, _ demux.Frame) (time.Duration, error) {
	if a.n == 0 {
		a.begun = time.Now()
	}
	lead := time.Duration(a.n)*time.Second/demux.MaxFPS - time.Since(a.begun)
	if err := sleep(ctx, lead-maxLead); err != nil {
		return 0, err
	}
	at := time.Since(a.begun)
	gap := at - a.came
	a.came = at
	switch a.n++; a.n {
	case 1:
		return 0, nil
	case 2:
		a.step = gap
	}
	next := a.given + a.step
	if off := at - next; off.Abs() > arrivalPause {
		next = at
	} else {
		next += off / arrivalShare
		a.step += (gap - a.step) / stepShare
	}
	a.given = max(next, a.given+time.Millisecond)
	return a.given, nil
}

// leash takes the times that frames have of their own, and holds back a stream that comes faster than these say.
type leash struct {
	begun time.Time
	// first is the time of the frame that came at begun, last of the one before.
	first, last time.Duration
}

// leashSlack is how much faster than the clock a stream may be for good, as a fraction: no quartz is off by a hundredth.
const leashSlack = 100

func (l *leash) take(ctx context.Context, f demux.Frame) (time.Duration, error) {
	if step := f.DTS - l.last; l.begun.IsZero() || step < -maxJumpBack || step > maxJumpOn {
		l.begun, l.first = time.Now(), f.DTS
	}
	l.last = f.DTS
	passed := time.Since(l.begun)
	return f.PTS, sleep(ctx, f.DTS-l.first-passed-passed/leashSlack-maxLead)
}

// sleep waits, not at all for what is not positive.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
