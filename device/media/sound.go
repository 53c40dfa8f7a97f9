package media

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// This file is the sound of a stream.

// WriteAudio takes one frame of sound. The payload may be reused afterwards.
func (s *Stream) WriteAudio(f AudioFrame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sound == nil {
		return
	}
	now := time.Now()
	for _, f := range s.sound.take(f) {
		s.hear(f, now)
	}
}

// hear has all viewers hear a frame.
func (s *Stream) hear(f AudioFrame, now time.Time) {
	at := s.time.time(&s.audioTime, f.PTS, now)
	s.origin.note(at, now)
	frame := sound{payload: bytes.Clone(f.Payload), at: at, format: s.sound.out}
	m := s.moment(now)
	for in := range s.viewers {
		in.hear(frame, m)
	}
}

// setSound takes over the sound of a new life of the source; nil is none.
func (s *Stream) setSound(in *AudioFormat) {
	s.sound, s.notes = nil, nil
	if in == nil {
		return
	}
	if s.sound = newSoundCoding(*in); s.sound == nil {
		s.note(protocol.NoteAudioDropped, fmt.Sprintf("the camera's sound is %s at %d Hz with %d channels, which is not played",
			in.Codec, in.ClockRate, in.Channels))
	}
}

// Audio describes the sound as it is sent; false means that there is none, or was not open yet.
func (s *Stream) Audio() (AudioFormat, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sound == nil {
		return AudioFormat{}, false
	}
	return s.sound.out, true
}

// note adds a note and reports whether it is new. It needs mu.
func (s *Stream) note(code protocol.NoteCode, message string) bool {
	n := protocol.Note{Code: code, Message: message}
	if slices.Contains(s.notes, n) {
		return false
	}
	s.notes, s.reformed = append(s.notes, n), true
	return true
}

// Notes are what viewers of the stream do without, and what was worked around, since the source was last opened. OnFormat
// tells of new ones too.
func (s *Stream) Notes() []protocol.Note {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.notes)
}
