package media

import (
	"fmt"
	"time"
)

// This file is the sound of a viewer.

// sound is one frame of sound: immutable and shared by all viewers.
type sound struct {
	payload []byte
	// at is the stream's time.
	at     time.Duration
	format AudioFormat
}

// heard is one that waits for one viewer, with the viewer's time in ticks of the sound's clock rate.
type heard struct {
	payload []byte
	ts      int64
}

func (s *Subscription) sendSound() error {
	for {
		frame, ok := s.nextSound()
		if !ok {
			return nil
		}
		s.audio.begin(frame.ts)
		if err := s.audio.write(frame.payload, false); err != nil {
			return fmt.Errorf("send audio: %w", err)
		}
	}
}

func (s *Subscription) nextSound() (heard, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sounds) == 0 {
		return heard{}, false
	}
	frame := s.sounds[0]
	n := copy(s.sounds, s.sounds[1:])
	s.sounds[n] = heard{}
	s.sounds = s.sounds[:n]
	s.stats.Packets++
	s.stats.Bytes += uint64(len(frame.payload))
	return frame, true
}

// queueSound queues a frame of sound; of too many the oldest go. It needs mu.
func (s *Subscription) queueSound(frame sound, shift int64) {
	if len(s.sounds) == maxQueuedAudio {
		s.sounds = s.sounds[:copy(s.sounds, s.sounds[1:])]
	}
	s.sounds = append(s.sounds, heard{frame.payload, ticks(frame.at, frame.format.ClockRate) + shift})
	s.signal()
}
