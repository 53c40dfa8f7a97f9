package media

import "time"

// StandIn shows pictures in place of those of a source that is away, until its next keyframe. The stream's numbers and times
// go on unbroken. What it shows is nowhere told as the stream's format, and viewers do not go to a rendition for it. It is
// safe for concurrent use.
type StandIn struct {
	stream *Stream
	force  func()
	// codec and coding are those of the last picture. Stream.mu guards them.
	codec  Codec
	coding coding
	// begun tells that a keyframe was shown.
	begun bool
}

// StandIn begins to show something else in place of the source's pictures, and forgets these. The function makes the next
// picture a keyframe, like SetKeyframer. Whatever stood in before no longer does.
func (s *Stream) StandIn(force func()) *StandIn {
	h := &StandIn{stream: s, force: force}
	s.mu.Lock()
	s.standIn, s.broken, s.reformed = h, true, true
	s.gop.clear()
	s.mu.Unlock()
	s.tellFormat() // Who waits for the format learns that there is none to wait for.
	return h
}

// Absent reports whether something stands in for the source's pictures.
func (s *Stream) Absent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.standIn != nil
}

// Write shows a picture at once, whatever its PTS, and reports whether the source is still away. Pictures are left out until
// the first keyframe.
func (h *StandIn) Write(au AccessUnit) (away bool) {
	s, now := h.stream, time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.standIn != h {
		return false
	}
	if h.coding == nil || h.codec != au.Codec {
		h.codec, h.coding = au.Codec, newCoding(au.Codec, func(string) {})
	}
	if h.coding == nil {
		return true
	}
	units, key, err := h.coding.normalise(au.NALUs, arrival{now: now})
	h.begun = h.begun || key
	if err != nil || !h.begun {
		return true
	}
	at := s.time.present(now)
	s.origin.note(at, now)
	s.send(&picture{payloads: h.coding.packetise(units, key), ts: ticks(at, VideoClockRate), key: key, standIn: true}, now)
	return true
}

// End says that nobody stands in any more, though the source is not back.
func (h *StandIn) End() {
	s := h.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.standIn == h {
		s.standIn = nil
		s.gop.clear()
	}
}

// keyframer is what makes a keyframe soon: of the source, or of what stands in for it. It needs mu.
func (s *Stream) keyframer() (force func()) {
	if s.standIn != nil {
		return s.standIn.force
	}
	return s.force
}
