package signal

import (
	"context"
	"slices"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// leave is told by a door that the reader of a link's socket has ended. bye says that the client wanted to go: its
// sessions end then. A link that was not ended waits for its next socket.
func (h *Hub) leave(ctx context.Context, c *client, k *carrier, bye bool) {
	c.mu.Lock()
	k.lost, k.left, k.socket = true, true, nil
	if c.carrier != k {
		c.mu.Unlock()
		return // the link has another socket
	}
	if c.timer != nil {
		c.timer.Stop()
	}
	if bye && !c.closed {
		c.closed, c.reason = true, protocol.ResumeNew
	}
	c.kept = 0
	c.accountLocked()
	over := c.closed
	c.mu.Unlock()
	if over {
		h.end(ctx, c, bye)
	} else {
		h.park(ctx, c, k)
	}
}

// end takes a link that is closed off the hub. bye says that its client wanted it: its sessions end then, else they live
// on without it.
func (h *Hub) end(ctx context.Context, c *client, bye bool) {
	h.mu.Lock()
	known := h.strikeLocked(c)
	h.mu.Unlock()
	if known {
		h.ended(ctx, c, bye)
	}
}

// strikeLocked takes a closed link out of the hub's maps, where nobody finds it any more, and remembers how it ended. It
// reports whether it was there.
func (h *Hub) strikeLocked(c *client) bool {
	if h.clients[c.id] != c {
		return false
	}
	delete(h.clients, c.id)
	h.unparkClientLocked(c)
	h.graves.bury(c)
	if c.role == protocol.RoleViewer {
		h.unwatchLocked(c)
	}
	return true
}

// ended lets go of all that a struck link held.
func (h *Hub) ended(ctx context.Context, c *client, bye bool) {
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
		h.gone(ctx, c, bye)
	}
	c.logger.Info("link ended", "bye", bye, "took", time.Since(c.since).Round(time.Millisecond))
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
