package signal

import (
	"context"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// path takes what an end says of how its session's media goes.
func (h *Hub) path(ctx context.Context, c *client, e protocol.Envelope, m *protocol.Path) {
	h.mu.Lock()
	s := c.sessions[e.Session]
	h.mu.Unlock()
	if s == nil {
		return
	}
	wait(ctx, s.limits[c.role].descriptions) // each is a write to the store
	now, news := time.Now(), false
	h.mu.Lock()
	current := c.sessions[e.Session] == s
	if current {
		s.media = now
		news = h.tellLocked(s, c.role, m, now)
	}
	path := s.row.Path
	h.mu.Unlock()
	if !current || !news {
		return
	}
	h.keep(ctx, s)
	c.logger.Info("path chosen", "session", e.Session, "path", path.Kind, "means", path.Means)
}

// tellLocked enters the path that an end has told. It reports whether that is news.
func (h *Hub) tellLocked(s *session, by protocol.Role, path *protocol.Path, now time.Time) (news bool) {
	h.enterLocked(s, func(b book) { news = b.tell(by, *path, s.row.Created, now) })
	return news
}

// enterLocked changes a session's account, and what depends on it.
func (h *Hub) enterLocked(s *session, change func(book)) {
	b := s.book()
	pathless, direct := b.Numbered == 0, b.Direct
	change(b)
	b.Policy = s.path()
	s.row.Path = b.path()
	s.unsaved = true
	if pathless && b.Numbered > 0 {
		h.figures.first.Observe(b.FirstPath().Seconds())
	}
	if b.Direct && !direct {
		h.figures.direct.Observe(b.DirectPath().Seconds())
	}
}

// stats takes a report that media flows as a sign of life of its session, and what it counts and measures.
func (h *Hub) stats(c *client, e protocol.Envelope, m *protocol.Stats) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := c.sessions[e.Session]
	switch {
	case !m.Media:
		return
	case s == nil:
		h.countLateLocked(c, e.Session, m)
		return
	}
	s.media = time.Now()
	h.enterLocked(s, func(b book) {
		b.settle(s.media)
		b.alive(s.media)
		b.count(c.role, m.Bytes)
		b.measure(c.role, m, s.row.Created, s.media)
	})
}

// sweepPaths takes the word of one end for the path of sessions whose other end has not told in time.
func (h *Hub) sweepPaths(ctx context.Context, now time.Time) {
	var settled []*session
	h.mu.Lock()
	for _, s := range h.sessions {
		if _, _, _, known := s.book().together(now); !known || s.row.Account.Numbered > 0 {
			continue
		}
		h.enterLocked(s, func(b book) { b.settle(now) })
		settled = append(settled, s)
	}
	h.mu.Unlock()
	for _, s := range settled {
		h.keep(ctx, s)
	}
}

// network takes what a device says of the network that it is in, or a viewer within a session. The newest replaces.
func (h *Hub) network(c *client, e protocol.Envelope, m *protocol.Network) {
	if (c.role == protocol.RoleDevice) != (e.Session == "") {
		c.fault(e, protocol.Errorf(protocol.CodeBadMessage, "network: a device tells it of itself, a viewer of a session"))
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.role == protocol.RoleViewer {
		c.network = m // its open may still wait
		if s := c.sessions[e.Session]; s != nil {
			h.enterLocked(s, func(b book) { b.Viewer.Network = m })
		}
		return
	}
	d := h.devices[c.device]
	if d == nil || d.link != c {
		return
	}
	if d.network == nil || *d.network != *m {
		d.network, d.told, d.unsaved = m, time.Now().UTC(), true
	}
	for _, s := range d.sessions {
		h.enterLocked(s, func(b book) { b.Device.Network = m })
	}
}

// Network returns what a device says of the network that it is in, and since when; ok is false where the hub knows nothing.
func (h *Hub) Network(id protocol.DeviceID) (n record.DeviceNetwork, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d := h.devices[id]
	if d == nil || d.network == nil {
		return record.DeviceNetwork{}, false
	}
	return record.DeviceNetwork{Device: id, Network: *d.network, Told: d.told}, true
}
