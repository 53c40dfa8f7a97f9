package source

import (
	"slices"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// State is where a source stands.
type State string

// The states of a source.
const (
	StateIdle    State = "idle"    // nobody looks
	StateDialing State = "dialing" // being opened, for the first time or again
	StateUp      State = "up"      // pictures come
	StateDown    State = "down"    // lost or not reachable; it is tried again at Status.Retry
)

// Status tells how a source is.
type Status struct {
	State State
	Since time.Time
	// Err is why it went down last, in words; nil while that never happened.
	Err error
	// Retry is when a source that is down is tried again.
	Retry time.Time
}

// Status tells how the source is.
func (f *Feed) Status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status
}

// setStatus keeps the last error when err is nil. A source that comes or goes is logged once; that it stays away for
// the same reason is not.
func (f *Feed) setStatus(state State, err error, retry time.Time) {
	f.mu.Lock()
	before := f.status
	f.status.State, f.status.Since, f.status.Retry = state, time.Now(), retry
	if err != nil {
		f.status.Err = err
	}
	f.mu.Unlock()
	f.cfg.Changed()
	switch state {
	case StateUp:
		f.log.Info("source is up", "source", f.cfg.Source.String())
	case StateDown:
		if before.Err != nil && before.Err.Error() == err.Error() && before.State != StateUp {
			f.log.Debug("source is still down", "err", err)
			return
		}
		f.log.Warn("source is down", "err", err)
	}
}

// Notes are what viewers do without and what was worked around, as the source and its stream told since it was last opened.
func (f *Feed) Notes() []protocol.Note {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append(slices.Clone(f.notes), f.stream.Notes()...)
}

// note takes over what the source tells when it is open.
func (f *Feed) note(tracks Tracks) {
	f.mu.Lock()
	same := slices.Equal(f.notes, tracks.Notes)
	f.notes = tracks.Notes
	f.mu.Unlock()
	if !same {
		f.cfg.Changed()
	}
}
