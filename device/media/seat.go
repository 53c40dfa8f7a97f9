package media

import "time"

// Waits of a viewer for the rendition that it is to be sent next.
const (
	// askAgain is when a keyframe is asked for once more, which a source that can make one has done long before.
	askAgain = time.Second
	// seamless is how much later a keyframe may come than the cached group and still be better: the group shows the past again.
	seamless = time.Second
	// groupAfter is when the cached group is taken although the next keyframe would show no seam: 2 s is a common distance
	// of keyframes.
	groupAfter = 2500 * time.Millisecond
	// silentFor is how long a source may bring nothing: it is dialled and sends a keyframe in less. keylessFor is how long
	// it may bring pictures without a keyframe: cameras that save every bit make one in 10 s.
	silentFor  = 8 * time.Second
	keylessFor = 15 * time.Second
)

// seat is a viewer's place at the stream of one rendition. A viewer has one for the pictures that it is sent, and may
// have one for those that it is to be sent next and one for the sound.
type seat struct {
	viewer    *Subscription
	rendition Rendition
	// release lets the source go. It is Run's.
	release func()

	// asked is when a keyframe was last asked for, replayed the group that the viewer got again. Stream.mu guards them.
	asked    time.Time
	replayed *picture

	// The viewer's mu guards what follows.

	// since is when it was chosen, seen when its last picture came since then.
	since, seen time.Time
	// eager says that the cached group is as welcome as a keyframe.
	eager bool
	// origin is the stream's; offset leads from the stream's time to the viewer's, once based.
	origin time.Time
	offset time.Duration
	based  bool
}

func (in *seat) stream() *Stream { return in.rendition.Stream }

// need is what a viewer that comes to a stream wants to start with.
type need int

const (
	nothing  need = iota // it only listens
	anything             // a picture at once, whatever it takes
	soon                 // a keyframe, or the cached group if that brings a picture much sooner
	patience             // a keyframe: it has pictures of another stream until then
)

// enter tells what the viewer needs of the stream.
func (in *seat) enter(m moment) need {
	s := in.viewer
	s.mu.Lock()
	defer s.mu.Unlock()
	in.origin = m.origin
	switch {
	case !s.watches() || in != s.showing && in != s.target:
		return nothing
	case in == s.showing:
		s.pacer.setStreamRate(m.rate)
		return anything
	case !s.begun:
		return anything
	case in.eager:
		return soon
	}
	return patience
}

// hunger is what became of a picture that a viewer was offered.
type hunger int

const (
	fed     hunger = iota // it has the picture, or does not need it
	cut                   // it was too slow and waits for a keyframe
	waiting               // it waits for a keyframe to begin with
)

// offer takes a live picture.
func (in *seat) offer(p *picture, m moment) hunger {
	s := in.viewer
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.standIn && in != s.showing {
		return fed
	}
	in.note(m)
	in.seen = m.now
	s.giveUp(m.now)
	switch {
	case s.ended:
		return fed
	case in == s.target && p.key:
		s.turn(m)
	case in == s.target:
		return in.await(m.now)
	case in != s.showing:
		return fed
	}
	s.pacer.setStreamRate(m.rate)
	if s.queuePicture(p, in.ticks(VideoClockRate), m.now) {
		return cut
	}
	return fed
}

// await tells what a target without a keyframe asks for.
func (in *seat) await(now time.Time) hunger {
	waited := now.Sub(in.since)
	force := waited > askAgain
	if waited > groupAfter || force && in.eager {
		return waiting
	}
	if force {
		return cut
	}
	return fed
}

// prime queues a cached group instead of what waits.
func (in *seat) prime(group []*picture, m moment) {
	s := in.viewer
	s.mu.Lock()
	defer s.mu.Unlock()
	if group[0].standIn && in != s.showing {
		return
	}
	in.note(m)
	switch {
	case s.ended:
		return
	case in == s.target:
		s.turn(m)
	case in != s.showing:
		return
	}
	s.replace(group, in.ticks(VideoClockRate), m.now)
}

// hear takes a frame of sound.
func (in *seat) hear(frame sound, m moment) {
	s := in.viewer
	if s.audio.track.Writer == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	in.note(m)
	if in == s.hearing && frame.format == s.sound {
		s.queueSound(frame, in.ticks(frame.format.ClockRate))
	}
}

// note keeps up with the stream's time. It needs the viewer's mu.
func (in *seat) note(m moment) {
	in.origin = m.origin
	if in.based || in == in.viewer.target {
		return
	}
	in.base()
}

// base finds how the stream's time leads to the viewer's: so that both go on as real time does. It needs the viewer's mu.
func (in *seat) base() {
	s := in.viewer
	for _, other := range []*seat{s.showing, s.hearing} {
		if other != nil && other != in && other.based {
			in.offset = other.offset + in.origin.Sub(other.origin)
			break
		}
	}
	in.based = true
}

// ticks is the offset in an RTP clock. It needs the viewer's mu.
func (in *seat) ticks(rate uint32) int64 { return ticks(in.offset, rate) }
