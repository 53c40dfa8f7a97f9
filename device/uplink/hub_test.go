package uplink

import (
	"context"
	"sync"

	"github.com/sightline-rtc/sightline/protocol"
)

// recorder is a handler that keeps what it gets.
type recorder struct {
	mu   sync.Mutex
	ups  []Up
	got  []protocol.Envelope
	seen chan struct{}
}

// Welcomed implements Handler.
func (r *recorder) Welcomed(up Up) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ups = append(r.ups, up)
	r.tell()
}

// Handle implements Handler.
func (r *recorder) Handle(_ context.Context, e protocol.Envelope, _ protocol.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, e)
	r.tell()
}

func (r *recorder) tell() {
	select {
	case r.seen <- struct{}{}:
	default:
	}
}
