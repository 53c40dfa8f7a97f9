package api

import (
	"bytes"
	"context"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// fakeClaim is a claim as the world keeps it.
type fakeClaim struct {
	record.Claim
	// under says that an execution is under way, or was broken off a moment ago; stale that this was long ago.
	under, stale bool
	// written says that something was.
	written bool
}

func claimName(c *record.Claim) string { return string(c.Project) + " " + c.Name }

func (w *world) Claim(_ context.Context, wanted record.Claim) (*record.Claim, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.claims == nil {
		w.claims = map[string]*fakeClaim{}
	}
	known := w.claims[claimName(&wanted)]
	if known == nil {
		known = &fakeClaim{Claim: wanted}
		known.Salt = []byte("salt")
		w.claims[claimName(&wanted)] = known
	}
	switch {
	case !bytes.Equal(known.Request, wanted.Request):
		return nil, protocol.Errorf(protocol.CodeIdempotencyMismatch, "another request")
	case known.Done:
	case known.under && !known.stale:
		return nil, &protocol.Error{Code: protocol.CodeConflict, Message: "under way", RetryMS: 30_000}
	case known.stale && known.written && !wanted.Repeatable:
		return nil, protocol.Errorf(protocol.CodeAnswerLost, "lost")
	}
	known.under = true
	given := known.Claim
	given.Secret = nil
	return &given, nil
}

func (w *world) FinishClaim(_ context.Context, c *record.Claim, answer []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	known := w.claims[claimName(c)]
	known.Done, known.Answer = true, answer
	return nil
}

func (w *world) ReleaseClaim(_ context.Context, c *record.Claim) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.claims[claimName(c)].written {
		return false, nil
	}
	delete(w.claims, claimName(c))
	return true, nil
}
