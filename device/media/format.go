package media

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// This file is what a stream tells of its pictures.

// Format waits for the first parameter sets and describes the pictures. It fails when ctx is done first.
func (s *Stream) Format(ctx context.Context) (Format, error) {
	select {
	case <-s.ready:
	case <-ctx.Done():
		return Format{}, fmt.Errorf("wait for the first picture: %w", ctx.Err())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.format, nil
}

// LastFormat describes the newest pictures; false means that none has come.
func (s *Stream) LastFormat() (Format, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.ready:
		return s.format, true
	default:
		return Format{}, false
	}
}

// OnFormat has told called whenever the pictures are of another format than before, until cancel is called. It must not block,
// and may ask the stream.
func (s *Stream) OnFormat(told func()) (cancel func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listening[&told] = struct{}{}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.listening, &told)
	}
}

// learnFormat takes over what the pictures are now.
func (s *Stream) learnFormat() {
	f, changed := s.coding.describe()
	if !changed {
		return
	}
	s.format, s.reformed = f, true
	select {
	case <-s.ready:
	default:
		close(s.ready)
	}
}

// tellFormat tells who listens that there is another format, if so.
func (s *Stream) tellFormat() {
	s.mu.Lock()
	var told []*func()
	if s.reformed {
		s.reformed = false
		told = slices.Collect(maps.Keys(s.listening))
	}
	s.mu.Unlock()
	for _, f := range told {
		(*f)()
	}
}
