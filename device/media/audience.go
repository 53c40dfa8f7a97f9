package media

import "time"

// This file is what a stream does for its viewers.

// moment is what a viewer must know of a stream besides what it is given.
type moment struct {
	now time.Time
	// origin is when the stream's time was zero, as it looks now.
	origin time.Time
	// rate is the stream's in bits per second, sound how it sounds, nil for not at all.
	rate  int
	sound *AudioFormat
}

// moment needs mu.
func (s *Stream) moment(now time.Time) moment {
	m := moment{now: now, origin: s.origin.time(), rate: s.rate.rate(now)}
	if s.sound != nil {
		m.sound = &s.sound.out
	}
	return m
}

// show gives a live picture to everybody. It needs mu.
func (s *Stream) show(p *picture, now time.Time) {
	m := s.moment(now)
	for in := range s.viewers {
		if !in.viewer.watches() {
			continue
		}
		switch in.offer(p, m) {
		case fed:
		case cut:
			s.wanted = true
		case waiting:
			s.wanted = true
			if group := s.gop.start(now); group != nil && s.keyframer() == nil {
				in.prime(group, m)
			}
		}
	}
}

// Ready reports whether a viewer that comes now has a picture at once, instead of when the next keyframe comes.
func (s *Stream) Ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	return s.gop.start(now) != nil || s.force != nil && s.rate.rate(now) > 0
}

// join adds a viewer, or one that is there already and looks for pictures from now on, and sees to it that it gets a
// keyframe: a new one if the source makes them, else the cached group, else the next.
func (s *Stream) join(in *seat) {
	if force := s.start(in, time.Now()); force != nil {
		force()
	}
}

func (s *Stream) start(in *seat, now time.Time) (force func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.viewers[in] = struct{}{}
	m := s.moment(now)
	need := in.enter(m)
	if need == nothing {
		return nil
	}
	if need != patience && (s.keyframer() == nil || now.Sub(s.forced) < keyframeSpacing) {
		group := s.gop.start(now)
		if group != nil && (need == anything || s.gop.worthReplaying(now.Add(seamless), in.viewer.pacer.drain(s.gop.bytes))) {
			in.prime(group, m)
			return nil
		}
	}
	s.wanted = true
	if force = s.due(now); force != nil {
		return force
	}
	return s.suggest(now)
}

func (s *Stream) leave(in *seat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.viewers, in)
}

// requestKeyframe answers a viewer's request: by a keyframe of the source if it can make one, else by the cached group
// if that helps, once per group, so that a viewer that loses packets is not sent more and more of them.
func (s *Stream) requestKeyframe(in *seat) {
	if force := s.answer(in, time.Now()); force != nil {
		force()
	}
}

func (s *Stream) answer(in *seat, now time.Time) (force func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keyframer() != nil {
		s.wanted = true
		return s.due(now)
	}
	if _, joined := s.viewers[in]; !joined || !in.viewer.watches() {
		return nil
	}
	group := s.gop.start(now)
	s.wanted = s.wanted || len(group) == 0 // a coding may know how to begin anew
	if len(group) == 0 || group[0] == in.replayed || now.Sub(in.asked) < keyframeSpacing {
		return s.suggest(now)
	}
	if !s.gop.worthReplaying(now, in.viewer.pacer.drain(s.gop.bytes)) {
		return s.suggest(now)
	}
	in.asked, in.replayed = now, group[0]
	in.prime(group, s.moment(now))
	return nil
}

// hintSpacing is the least time between two hints: cameras take up to half a second for one.
const hintSpacing = 2 * time.Second

// suggest returns the hint that a keyframe is wanted, if there is one and the last was long enough ago.
func (s *Stream) suggest(now time.Time) (hint func()) {
	if s.hint == nil || s.keyframer() != nil || s.standIn != nil || now.Sub(s.hinted) < hintSpacing {
		return nil
	}
	s.hinted = now
	return s.hint
}

// due returns what asks the source for a keyframe, if somebody wants one and the last was long enough ago.
func (s *Stream) due(now time.Time) (force func()) {
	if !s.wanted || s.keyframer() == nil || now.Sub(s.forced) < keyframeSpacing {
		return nil
	}
	s.wanted, s.forced = false, now
	return s.keyframer()
}
