package signal

import (
	"context"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// authorize returns the socket of the long poll door that a request names. It fails with CodeUnknownLink, and with
// CodeGoingAway for a link that is on another door or on none.
func (h *Hub) authorize(header string) (*pollSocket, *protocol.Error) {
	id, key, ok := protocol.ParseAuthorization(header)
	if !ok {
		return nil, unknownError
	}
	h.mu.Lock()
	c, s := h.clients[id], h.prospects[id]
	h.mu.Unlock()
	if c == nil || !sameKey(c.key, key) {
		return nil, unknownError
	}
	if s != nil {
		return s, nil
	}
	c.mu.Lock()
	s, ok = c.carrier.socket.(*pollSocket)
	c.mu.Unlock()
	if !ok || !s.begun() {
		return nil, goneError
	}
	return s, nil
}

// settle puts the link on a prospect whose client says its first message, which has the messages up to received.
func (s *pollSocket) settle(ctx context.Context, received uint64) error {
	p := s.carrier.prospect
	if p == nil {
		return nil
	}
	s.promoting.Do(func() {
		defer s.hub.dismiss(p.ride.client.id, s) // last: a request that comes meanwhile waits here, too
		if s.refusal = s.hub.promote(ctx, p, received); s.refusal != nil {
			s.end(protocol.AsError(s.refusal), false)
			return
		}
		ctx := context.WithoutCancel(ctx)
		s.begin(ctx, p.ride.client, s.hub.arrived(ctx, p.ride.client, s.carrier))
	})
	return s.refusal
}

// dismiss forgets a prospect.
func (h *Hub) dismiss(id protocol.LinkID, s *pollSocket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.prospects[id] == s {
		delete(h.prospects, id)
	}
}

// sweepProspects forgets those whose client did not come again in time.
func (h *Hub) sweepProspects(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, s := range h.prospects {
		if now.Sub(s.since) >= h.config.HelloTimeout {
			delete(h.prospects, id)
		}
	}
}
