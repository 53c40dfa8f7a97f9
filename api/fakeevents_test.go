package api

import (
	"context"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func (w *world) EventSpan(_ context.Context, project protocol.ProjectID) (record.EventSpan, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	span := record.EventSpan{First: 1}
	for _, e := range w.events {
		if e.Project == project {
			if span.Last == 0 {
				span.First = e.Seq
			}
			span.Last = e.Seq
		}
	}
	return span, nil
}

// Follow gives tokens of all projects.
func (w *world) Follow(protocol.ProjectID) (<-chan struct{}, func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.followers == nil {
		w.followers = map[chan struct{}]bool{}
	}
	c := make(chan struct{}, 1)
	w.followers[c] = true
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.followers, c)
	}
}

// happen adds an event and tells who follows.
func (w *world) happen(e record.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
	for c := range w.followers {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// following counts those who follow.
func (w *world) following() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.followers)
}
