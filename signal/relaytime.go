package signal

import (
	"context"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// relayTimeSlack is by how much a viewer's count may be ahead: a sweep, and the time that its path takes to be told.
const relayTimeSlack = 5 * time.Second

// sweepRelayTime counts the time that sessions have spent on the relay since the last sweep, and ends those that have spent all
// they may. Their grants end with them, so that an end which goes on by itself is cut off.
func (h *Hub) sweepRelayTime(ctx context.Context, now time.Time) {
	h.mu.Lock()
	for _, s := range h.sessions {
		if s.relayed(now) {
			s.onRelay += now.Sub(s.clocked)
		}
		s.clocked = now
	}
	h.mu.Unlock()
	h.finishAll(ctx, protocol.ReasonQuota, h.sessions, func(s *session) bool {
		over := s.terms.MaxRelay > 0 && s.onRelay >= s.terms.MaxRelay
		if over {
			h.quota.overtime.Add(1)
			h.config.Logger.Info("session over its time on the relay", "session", s.row.ID, "device", s.row.Device, "took", s.onRelay)
		}
		return over
	})
}

// relayed reports whether the session's media goes through the relay, which one that tells no path is taken to do.
func (s *session) relayed(now time.Time) bool {
	if s.relayless || !s.answered() {
		return false
	}
	kind := s.row.Path.Kind
	return kind == protocol.PathRelay || kind == "" && now.Sub(s.row.Answered) >= pathGrace
}

// mayBeOvertime reports whether a client may say that the session's time on the relay is over: a device, which counts while its
// link is away too, or a viewer when the hub has counted nearly as much.
func (s *session) mayBeOvertime(role protocol.Role) bool {
	return s.terms.MaxRelay > 0 && (role == protocol.RoleDevice || s.onRelay+relayTimeSlack >= s.terms.MaxRelay)
}
