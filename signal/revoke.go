package signal

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sightline-rtc/sightline/protocol"
)

// RevokeKey shuts out everybody whose token the API key made, or the partner key signed: their sessions end and their links
// are closed, before the store is told. It returns when that is done.
func (h *Hub) RevokeKey(ctx context.Context, key protocol.KeyID) {
	h.mu.Lock()
	h.revoked[key] = true
	h.mu.Unlock()
	h.shutOut(ctx, protocol.ReasonRevoked,
		func(s *session) bool { return s.row.Key == key }, func(c *client) bool { return c.viewer.Key == key })
}

// Regrant shuts out who looks at another project's device by a grant that has ended. It returns when that is done.
func (h *Hub) Regrant(ctx context.Context) {
	now := time.Now()
	// A session's lease is no longer than its grant: where it is over, the grant has expired, not been ended.
	h.finishAll(ctx, protocol.ReasonExpired, h.sessions, func(s *session) bool { return !now.Before(s.row.Expires) })
	h.sweepGrants(ctx, now)
}

func (h *Hub) sweepGrants(ctx context.Context, now time.Time) {
	h.shutOut(ctx, protocol.ReasonRevoked,
		func(s *session) bool {
			g, ok := h.granted(s.row.Device, s.row.Project)
			return s.row.DeviceProject != "" && (!ok || g.Owner != s.row.DeviceProject || !g.Alive(now))
		},
		func(c *client) bool {
			_, err := h.reach(c.viewer, c.owner, now)
			return err != nil
		})
}

// shutOut ends the sessions and closes the viewers' links that are meant. Thousands end within one hold of the lock and
// what the relay needs; how they ended is kept after that, so that nobody looks on because the store is slow.
func (h *Hub) shutOut(ctx context.Context, reason protocol.Reason, session func(*session) bool, link func(*client) bool) {
	ended, out := h.endAll(reason, session, link)
	for _, s := range ended {
		h.endGrants(s)
	}
	for _, c := range out {
		c.close(protocol.Errorf(protocol.CodeRevoked, "access was withdrawn"))
	}
	var saving errgroup.Group
	saving.SetLimit(savesAtOnce)
	for _, s := range ended {
		saving.Go(func() error {
			h.conclude(ctx, s)
			return nil
		})
	}
	_ = saving.Wait() // conclude logs what could not be kept
}

// savesAtOnce is how many writes wait for the store together: it commits those that do with one sync of the disk.
const savesAtOnce = 32

// endAll ends the sessions, and returns them and the links that are meant.
func (h *Hub) endAll(
	reason protocol.Reason, wanted func(*session) bool, link func(*client) bool,
) (ended []*session, out []*client) {
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.sessions {
		if wanted(s) {
			h.endLocked(s, reason, now)
			ended = append(ended, s)
		}
	}
	for _, c := range h.clients {
		if c.role == protocol.RoleViewer && link(c) {
			out = append(out, c)
		}
	}
	return ended, out
}

// RenewDevice cuts a device off whose key was replaced: its link is closed, and it may come back with the new one. Its
// sessions live on, as they do when it loses its link by itself.
func (h *Hub) RenewDevice(id protocol.DeviceID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if d := h.devices[id]; d != nil && d.link != nil {
		d.link.close(renewedError)
	}
}

var renewedError = protocol.Errorf(protocol.CodeBadToken, "the device was given another token")

// RevokeDevice shuts a device out: its link is closed and its sessions end. It returns when that is done.
func (h *Hub) RevokeDevice(ctx context.Context, id protocol.DeviceID) {
	h.mu.Lock()
	h.removed[id] = true
	var c *client
	if d := h.devices[id]; d != nil {
		c = d.link
	}
	h.mu.Unlock()
	h.finishAll(ctx, protocol.ReasonRevoked, h.sessions, func(s *session) bool { return s.row.Device == id })
	h.album.forget(id)
	if c != nil {
		h.gone(ctx, c, true) // offline at once, not suspect: it will not come back
		c.close(removedError)
	}
}
