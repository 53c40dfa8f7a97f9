package media

import "time"

// A source's clock may jump when the source is a loop or its camera restarts. What differs more from one frame of a
// track to the next is such a jump, and no B-frame out of order or frame rate of a few a minute.
const (
	maxStepBack    = 2 * time.Second
	maxStepForward = 10 * time.Second
)

// timeline turns the times of a source into those of its stream, which never jump: after a restart or a jump the
// stream's time goes on by as much real time as has passed. Pictures and sound share it, so that they stay together.
type timeline struct {
	offset time.Duration
	// based tells that offset holds for the present life of the source.
	based bool
	// last is the latest time given, at when.
	last time.Duration
	at   time.Time
}

// trackTime is what timeline remembers of one track.
type trackTime struct {
	pts  time.Duration
	seen bool
}

// goesBack reports whether a frame is from before the last of its track, in one life of the source and without a jump of
// its clock.
func (t *timeline) goesBack(track trackTime, pts time.Duration) bool {
	return t.based && track.seen && pts < track.pts && track.pts-pts < maxStepBack
}

// restart makes the next frame of any track a new base.
func (t *timeline) restart() { t.based = false }

// time returns the stream's time of a frame of the given track that came at now.
func (t *timeline) time(track *trackTime, pts time.Duration, now time.Time) time.Duration {
	if track.seen && t.based {
		if step := pts - track.pts; step < -maxStepBack || step > maxStepForward {
			t.based = false
		}
	}
	if !t.based {
		if !t.at.IsZero() {
			t.offset = t.last + max(now.Sub(t.at), time.Millisecond) - pts
		} else {
			t.offset = -pts
		}
		t.based = true
	}
	*track = trackTime{pts: pts, seen: true}
	at := pts + t.offset
	if at >= t.last || t.at.IsZero() {
		t.last, t.at = at, now
	}
	return at
}

// present returns the stream's time of now, for what is in neither track.
func (t *timeline) present(now time.Time) time.Duration {
	if !t.at.IsZero() {
		t.last += max(now.Sub(t.at), time.Millisecond)
	}
	t.at = now
	return t.last
}

// ticks converts a stream's time to an RTP clock.
func ticks(d time.Duration, rate uint32) int64 {
	seconds, rest := d/time.Second, d%time.Second
	return int64(seconds)*int64(rate) + int64(rest)*int64(rate)/int64(time.Second)
}
