package source

import (
	"sync"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/device/media"
)

// sink keeps what a source writes.
type sink struct {
	mu      sync.Mutex // guards all below
	started []Tracks
	units   []media.AccessUnit
	at      []time.Time
	sound   []media.AudioFrame
	alive   int
	force   func()
	// news has room for one signal that something came.
	news chan struct{}
}

func newSink() *sink { return &sink{news: make(chan struct{}, 1)} }

func (s *sink) do(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	select {
	case s.news <- struct{}{}:
	default:
	}
}

func (s *sink) Start(t Tracks)                { s.do(func() { s.started = append(s.started, t) }) }
func (s *sink) Alive()                        { s.do(func() { s.alive++ }) }
func (s *sink) WriteAudio(f media.AudioFrame) { s.do(func() { s.sound = append(s.sound, f) }) }
func (s *sink) SetKeyframer(force func())     { s.do(func() { s.force = force }) }
func (s *sink) WriteVideo(au media.AccessUnit) {
	s.do(func() { s.units, s.at = append(s.units, au), append(s.at, time.Now()) })
}

// wait returns when enough has come, or fails the test when the source ends or 20 s have passed.
func (s *sink) wait(t *testing.T, ended <-chan error, enough func() bool) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		s.mu.Lock()
		done := enough()
		s.mu.Unlock()
		if done {
			return
		}
		select {
		case <-s.news:
		case err := <-ended:
			t.Fatalf("the source ended: %v", err)
		case <-limit:
			t.Fatalf("got %d pictures and %d frames of sound in 20 s", len(s.units), len(s.sound))
		}
	}
}
