package signal

import (
	"context"
	"slices"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// leave takes a client off the hub once its socket is gone. bye says that it wanted to go: its sessions end then,
// else they live on without it.
func (h *Hub) leave(ctx context.Context, c *client, bye bool) {
	c.mu.Lock()
	c.closed = true
	if c.timer != nil {
		c.timer.Stop()
	}
	c.mu.Unlock()
	h.mu.Lock()
	delete(h.clients, c.id)
	if c.role == protocol.RoleViewer {
		h.unwatchLocked(c)
	}
	h.mu.Unlock()
	if bye {
		h.finishAll(ctx, reasonOf(c.role, protocol.ReasonUnknown), c.sessions, func(*session) bool { return true })
	}
	h.mu.Lock()
	h.detachLocked(c)
	grant := c.grant
	h.mu.Unlock()
	if grant != "" {
		h.config.Relay.End(grant)
	}
	if c.role == protocol.RoleDevice {
		h.lost(ctx, c, bye)
	}
	c.logger.Info("link lost", "bye", bye, "took", time.Since(c.since).Round(time.Millisecond))
}

func (h *Hub) unwatchLocked(c *client) {
	d := h.devices[c.viewer.Device]
	if d == nil {
		return
	}
	delete(d.watchers, c)
	d.waiting = slices.DeleteFunc(d.waiting, func(w *waiting) bool { return w.viewer == c })
	h.forgetLocked(d)
}
