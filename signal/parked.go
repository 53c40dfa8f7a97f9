package signal

import (
	"context"
	"crypto/subtle"
	"time"

	"github.com/sightline-rtc/sightline/internal/throttle"
	"github.com/sightline-rtc/sightline/protocol"
)

// park keeps a link that has lost its socket until it is resumed or its window ends. Where too many wait, the one that
// has waited longest goes.
func (h *Hub) park(ctx context.Context, c *client, k *carrier) {
	now := time.Now()
	var oldest *client
	h.mu.Lock()
	if h.clients[c.id] != c || !c.without(k) {
		h.mu.Unlock()
		return // it was closed, or resumed, meanwhile
	}
	if h.parked.Len() >= h.config.MaxParked {
		oldest = h.longestParkedLocked()
		oldest.expire()
		h.strikeLocked(oldest)
	}
	c.parked, c.parkedAt = h.parked.PushBack(c), now
	h.homes[throttle.Household(c.address)]++
	d := h.devices[c.device]
	suspect := c.role == protocol.RoleDevice && d != nil && d.link == c
	if suspect {
		h.setStatusLocked(d, protocol.StatusSuspect, now)
	}
	h.mu.Unlock()
	c.logger.Info("link waits for a socket", "took", time.Since(c.since).Round(time.Millisecond))
	if suspect {
		h.seen(ctx, c.device, now)
	}
	if oldest != nil {
		oldest.logger.Warn("too many links wait for a socket")
		h.ended(ctx, oldest, false)
	}
}

// without reports whether a lost carrier is still the link's newest, and the link not closed.
func (c *client) without(k *carrier) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.carrier == k && !c.closed
}

// expire closes a parked link whose window has ended.
func (c *client) expire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed, c.reason = true, protocol.ResumeExpired
		c.accountLocked()
	}
}

// longestParkedLocked returns the client that has waited longest for a socket, nil if none waits.
func (h *Hub) longestParkedLocked() *client {
	first := h.parked.Front()
	if first == nil {
		return nil
	}
	c, _ := first.Value.(*client) // the list has nothing else
	return c
}

func (h *Hub) unparkClientLocked(c *client) {
	if c.parked != nil {
		h.parked.Remove(c.parked)
		c.parked = nil
		home := throttle.Household(c.address)
		if h.homes[home]--; h.homes[home] == 0 {
			delete(h.homes, home)
		}
	}
}

// sweepParked ends the links whose window is over.
func (h *Hub) sweepParked(ctx context.Context, now time.Time) {
	var over []*client
	h.mu.Lock()
	for c := h.longestParkedLocked(); c != nil && now.Sub(c.parkedAt) >= h.config.ResumeWindow; c = h.longestParkedLocked() {
		c.expire()
		h.strikeLocked(c)
		over = append(over, c)
	}
	h.mu.Unlock()
	for _, c := range over {
		h.ended(ctx, c, false)
	}
}

// grave is what is left of a link that has ended: why it cannot be resumed.
type grave struct {
	key    string
	reason protocol.ResumeReason
	device protocol.DeviceID // of a device's link
}

// graves remember the links that ended last. Hub.mu guards them.
type graves struct {
	byLink map[protocol.LinkID]grave
	order  []protocol.LinkID // a ring once it is full
	next   int
	most   int
}

func (g *graves) bury(c *client) {
	c.mu.Lock()
	reason := c.reason
	c.mu.Unlock()
	if len(g.order) < g.most {
		g.order = append(g.order, c.id)
	} else {
		delete(g.byLink, g.order[g.next])
		g.order[g.next] = c.id
		g.next = (g.next + 1) % g.most
	}
	g.byLink[c.id] = grave{c.key, reason, c.device}
}

// sameKey compares in constant time.
func sameKey(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
