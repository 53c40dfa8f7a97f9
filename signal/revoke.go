package signal

import (
	"context"

	"github.com/sightline-rtc/sightline/protocol"
)

// RevokeKey shuts out everybody whose token the API key made: their links are closed and their sessions end. It
// returns when that is done.
func (h *Hub) RevokeKey(ctx context.Context, key protocol.KeyID) {
	h.mu.Lock()
	h.revoked[key] = true
	var out []*client
	for _, c := range h.clients {
		if c.role == protocol.RoleViewer && c.viewer.Key == key {
			out = append(out, c)
		}
	}
	h.mu.Unlock()
	h.finishAll(ctx, protocol.ReasonRevoked, h.sessions, func(s *session) bool { return s.row.Key == key })
	for _, c := range out {
		c.close(protocol.Errorf(protocol.CodeRevoked, "access was withdrawn"))
	}
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
