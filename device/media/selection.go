package media

import (
	"slices"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// This file is how a viewer goes from one rendition to another.

// Select has a rendition sent, from its next keyframe on: until then the one before goes on, and so do numbers and times.
// The source of the new one is opened if need be. One that brings nothing within 8 s, or no keyframe within 15 s, is given
// up. A name that the camera lacks is ignored.
func (s *Subscription) Select(name protocol.RenditionName) {
	r, ok := s.camera.Find(name)
	if !ok || !s.watches() {
		return
	}
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended || s.target != nil && s.target.rendition.Name == name:
		return
	case s.showing.rendition.Name == name:
		s.target = nil
	default:
		in := s.seat(r)
		in.since, in.seen, in.eager = now, time.Time{}, s.camera.below(name, s.showing.rendition.Name)
		s.target = in
		s.entering = append(s.entering, in)
	}
	s.settle()
}

// Showing returns the rendition that is sent, and the one that is to be sent next, empty for none.
func (s *Subscription) Showing() (now, next protocol.RenditionName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.showing != nil {
		now = s.showing.rendition.Name
	}
	if s.target != nil {
		next = s.target.rendition.Name
	}
	return now, next
}

// begin chooses where the viewer starts: at a rendition for the picture, and for the sound at one that has it.
func (s *Subscription) begin(name protocol.RenditionName) {
	start, ok := s.camera.Find(name)
	if !ok {
		start = s.camera.Renditions[0]
	}
	s.showing = s.seat(start)
	if s.audio.track.Writer != nil {
		s.hearing = s.seat(s.sounding(start))
	}
	if !s.watches() && s.hearing != nil {
		s.showing = s.hearing
	}
	s.settle()
	s.entering = slices.Clone(s.seats)
}

// sounding finds what has the sound that the viewer hears, first of all the rendition that it sees. Without any it is that:
// its source may not be there yet.
func (s *Subscription) sounding(start Rendition) Rendition {
	for _, r := range append([]Rendition{start}, s.camera.Renditions...) {
		sound, ok := r.Stream.Audio()
		if s.sound == (AudioFormat{}) {
			s.sound = sound
		}
		if ok && sound == s.sound {
			return r
		}
	}
	return start
}

// seat returns the place at a rendition, which may be there already. It needs mu.
func (s *Subscription) seat(r Rendition) *seat {
	for _, in := range s.seats {
		if in.rendition.Name == r.Name {
			return in
		}
	}
	in := &seat{viewer: s, rendition: r}
	s.seats = append(s.seats, in)
	return in
}

// turn makes the target the one that is shown; its keyframe comes next. It needs mu.
func (s *Subscription) turn(m moment) {
	in := s.target
	if !in.based {
		in.base()
	}
	s.stats.Dropped += uint64(s.queue.turn(m.now)) //nolint:gosec // a count
	s.showing, s.target = in, nil
	if m.sound != nil && *m.sound == s.sound {
		s.hearing = in
	}
	s.settle()
	s.turned()
}

// giveUp forgets a target that takes too long. It needs mu.
func (s *Subscription) giveUp(now time.Time) {
	in := s.target
	if in == nil {
		return
	}
	waited := now.Sub(in.since)
	if waited > keylessFor || waited > silentFor && in.seen.IsZero() {
		s.target = nil
		s.settle()
		s.turned()
	}
}

// settle has Run leave the streams that nothing comes from any more. It needs mu.
func (s *Subscription) settle() {
	s.seats = slices.DeleteFunc(s.seats, func(in *seat) bool {
		idle := in != s.showing && in != s.target && in != s.hearing
		if idle {
			s.leaving = append(s.leaving, in)
		}
		return idle
	})
	s.signal()
}

// attend joins and leaves streams as was decided.
func (s *Subscription) attend() {
	s.mu.Lock()
	entering, leaving := s.entering, s.leaving
	s.entering, s.leaving = nil, nil
	s.mu.Unlock()
	for _, in := range entering {
		if in.release == nil {
			in.release = in.rendition.hold()
		}
		in.stream().join(in)
	}
	for _, in := range leaving {
		in.quit()
	}
}

// quit takes the viewer off a stream that it may never have joined.
func (in *seat) quit() {
	if in.release != nil {
		in.stream().leave(in)
		in.release()
	}
}

// leaveAll takes the viewer off everything when Run ends.
func (s *Subscription) leaveAll() {
	s.mu.Lock()
	all := append(s.seats, s.leaving...) //nolint:gocritic // neither is used any more
	s.target, s.hearing, s.seats, s.entering, s.leaving = nil, nil, nil, nil, nil
	s.ended = true
	s.mu.Unlock()
	for _, in := range all {
		in.quit()
	}
}
