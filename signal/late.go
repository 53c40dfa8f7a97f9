package signal

import (
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// lateTime is how long after the end of a session its device may tell what it has sent since its last report: much longer
// than a message takes, and short enough for what is kept in that time to be little.
const lateTime = 5 * time.Second

// lateKept is how long the store may take to have it.
const lateKept = time.Minute

// expectLateLocked waits for the last count of a session that has just ended.
func (h *Hub) expectLateLocked(s *session) {
	if s.device != nil && s.row.Path.Kind != "" {
		h.late[s.row.ID] = s
	}
}

// countLateLocked takes the last report of a session that has ended. It is kept with the next sweep.
func (h *Hub) countLateLocked(c *client, id protocol.SessionID, m *protocol.Stats) {
	if s := h.late[id]; s != nil && s.device == c {
		h.enterLocked(s, func(b book) {
			b.count(c.role, m.Bytes)
			b.measure(c.role, m, s.row.Created, s.row.Ended)
		})
	}
}

// sweepLate waits no longer for counts that did not come.
func (h *Hub) sweepLate(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, s := range h.late {
		if age := now.Sub(s.row.Ended); age >= lateKept || age >= lateTime && !s.unsaved {
			delete(h.late, id)
		}
	}
}
