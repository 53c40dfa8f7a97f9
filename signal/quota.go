package signal

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// pathGrace is how long an answered session may be silent about its path before it loses the relay of a project whose
// budget is used up: ICE finds a path, and both ends report it, in far less.
const pathGrace = 30 * time.Second

// quota counts what used-up relay budgets have done, and used-up time on the relay.
type quota struct{ ended, direct, refused, full, overtime atomic.Uint64 }

// fullLocked reports whether a project has as many sessions open as it may, and counts what is refused for that.
func (h *Hub) fullLocked(project protocol.ProjectID) bool {
	most := h.plan(project).MaxSessions
	full := most > 0 && h.opened[project] >= most
	if full {
		h.quota.full.Add(1)
	}
	return full
}

// Quota says what used-up relay budgets have done since the hub was made: sessions ended, sessions that were left only the
// direct path, opens refused because they may go no other way than through a relay. Full are the opens refused because their
// project had as many sessions as it may. Overtime are the sessions that have ended
// because their own time on the relay was over.
type Quota struct{ Ended, Direct, Refused, Full, Overtime uint64 }

// Quota returns what used-up relay budgets have done.
func (h *Hub) Quota() Quota {
	return Quota{
		Ended: h.quota.ended.Load(), Direct: h.quota.direct.Load(), Refused: h.quota.refused.Load(),
		Full: h.quota.full.Load(), Overtime: h.quota.overtime.Load(),
	}
}

func (h *Hub) endRelayed(ctx context.Context, project protocol.ProjectID) {
	h.finishAll(ctx, protocol.ReasonQuota, h.sessions, func(s *session) bool {
		relayed := s.row.PaidBy() == project && s.answered() && !s.relayless && s.row.Path.Kind == protocol.PathRelay
		if relayed {
			h.quota.ended.Add(1)
		}
		return relayed
	})
}

// causeOf is the reason that a client gives for the end of a session. Where only the direct path was left and there is
// none, that is the budget. One that has counted the session's time on the relay itself may be a little ahead of the hub.
func (h *Hub) causeOf(id protocol.SessionID, role protocol.Role, reason protocol.Reason) protocol.Reason {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.sessions[id]
	switch {
	case s == nil:
	case s.rationed && (reason == protocol.ReasonICEFailed || reason == protocol.ReasonQuota):
		return protocol.ReasonQuota
	case reason == protocol.ReasonQuota && s.mayBeOvertime(role):
		h.quota.overtime.Add(1)
		return protocol.ReasonQuota
	}
	return reasonOf(role, reason)
}
