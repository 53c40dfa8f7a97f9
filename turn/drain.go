package turn

import (
	"context"
	"errors"
	"time"
)

// drainTick is how often a server that drains looks whether its last allocation has ended.
const drainTick = 50 * time.Millisecond

var errDraining = errors.New("the relay drains")

// Drain refuses new allocations from now on, with 508 (RFC 8656 section 7.2), and serves those that live. It returns when
// all have ended or ctx has, with how many are left; Run's context is for the caller to end then. There is no way back.
func (s *Server) Drain(ctx context.Context) (left int) {
	s.draining.Store(true)
	tick := time.NewTicker(drainTick)
	defer tick.Stop()
	for {
		if left = s.grants.relays(); left == 0 {
			return 0
		}
		select {
		case <-ctx.Done():
			return left
		case <-tick.C:
		}
	}
}
