package webhook

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/record"
)

// saveInterval is how far apart transactions are: so late at most it is kept that something was delivered.
const saveInterval = 25 * time.Millisecond

// saver keeps the progress of all endpoints, as much as there is in one transaction. It is safe for concurrent use.
type saver struct {
	store Store
	log   *slog.Logger
	bell  chan struct{}

	// mu guards what is to be kept, and who is to be told when it is.
	mu       sync.Mutex
	progress []record.WebhookProgress
	tell     []chan<- struct{}
}

func newSaver(store Store, log *slog.Logger) *saver {
	return &saver{store: store, log: log, bell: make(chan struct{}, 1)}
}

// save keeps progress soon. Then done gets a token, for which there must be room. An endpoint waits for it before its next.
func (s *saver) save(p record.WebhookProgress, done chan<- struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.progress, s.tell = append(s.progress, p), append(s.tell, done)
	ring(s.bell)
}

// run keeps what comes until the context ends, and then what is left.
func (s *saver) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			s.flush(context.WithoutCancel(ctx))
			return
		case <-s.bell:
		}
		for !s.flush(ctx) {
			if !pause(ctx, faultWait) {
				break
			}
		}
		if !pause(ctx, saveInterval) {
			s.flush(context.WithoutCancel(ctx))
			return
		}
	}
}

// flush keeps what there is, or puts it back if it cannot.
func (s *saver) flush(ctx context.Context) bool {
	s.mu.Lock()
	progress, tell := s.progress, s.tell
	s.progress, s.tell = nil, nil
	s.mu.Unlock()
	if len(progress) == 0 {
		return true
	}
	if err := s.store.SaveWebhookProgress(ctx, progress); err != nil {
		s.log.Warn("progress of webhooks not kept", "err", err)
		s.mu.Lock()
		s.progress, s.tell = append(progress, s.progress...), append(tell, s.tell...)
		s.mu.Unlock()
		return false
	}
	for _, done := range tell {
		done <- struct{}{}
	}
	return true
}
