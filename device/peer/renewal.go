package peer

import "time"

const (
	// renewalPause is the least time between two wishes for a restart, doubled each time up to maxRenewalPause: a network
	// that comes and goes must not cost the viewer its picture every time.
	renewalPause    = 5 * time.Second
	maxRenewalPause = 80 * time.Second
	// renewalCalm is how long there must have been no wish for the next one to count as the first.
	renewalCalm = 2 * time.Minute
)

// renewal is the wish for an ICE restart that is not the last resort: the machine is in another network, the policy does
// not allow the path any more, or the device has become reachable and the viewer cannot be told in another way. A viewer
// that does not heed it keeps its session.
type renewal struct {
	// since is when the wish came up; zero means that there is none.
	since time.Time
	// asked is when the viewer was last asked, pause what must pass until it is asked again.
	asked time.Time
	pause time.Duration
}

// want notes a reason for a restart.
func (r *renewal) want(now time.Time) {
	if r.since.IsZero() {
		r.since = now
	}
}

// due returns when to ask; zero means never.
func (r *renewal) due() time.Time {
	if r.since.IsZero() {
		return time.Time{}
	}
	if earliest := r.asked.Add(r.pause); r.since.Before(earliest) {
		return earliest
	}
	return r.since
}

// ask notes that the viewer is asked.
func (r *renewal) ask(now time.Time) {
	switch {
	case r.asked.IsZero() || now.Sub(r.asked) > renewalCalm:
		r.pause = renewalPause
	default:
		r.pause = min(2*r.pause, maxRenewalPause)
	}
	r.since, r.asked = time.Time{}, now
}

// fulfil notes that a new ICE generation has begun, which knows all that there is to know.
func (r *renewal) fulfil() { r.since = time.Time{} }
