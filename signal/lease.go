package signal

import (
	"context"
	"time"
)

// extendGuests lengthens the sessions of viewers that have no link to ask for it, as long as their tokens live. Whether they
// still look, the device tells: a session without media ends as any other.
func (h *Hub) extendGuests(ctx context.Context, now time.Time) {
	var extended []*session
	h.mu.Lock()
	for _, s := range h.sessions {
		if !s.row.Door.Standard() || s.row.Expires.Sub(now) > h.config.Lease/2 {
			continue
		}
		expires := now.Add(h.config.Lease)
		if s.row.Until.Before(expires) {
			expires = s.row.Until
		}
		if expires = expires.UTC().Truncate(time.Millisecond); expires.After(s.row.Expires) {
			s.row.Expires = expires
			h.tellPolicyLocked(s)
			extended = append(extended, s)
		}
	}
	h.mu.Unlock()
	for _, s := range extended {
		h.keep(ctx, s)
	}
}
