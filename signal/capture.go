package signal

import (
	"context"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
)

// Snapshot returns a device's newest still picture, a JPEG that must not be changed, and when it was taken. One of at most
// protocol.SnapshotAge comes from memory; else the device is asked, once for all who want one. It fails with CodeOffline,
// with CodeNotFound when the camera makes none, and with CodeTimeout when none came within protocol.SnapshotWait.
func (h *Hub) Snapshot(ctx context.Context, device protocol.DeviceID) ([]byte, time.Time, error) {
	p, c, fresh := h.album.look(device, time.Now())
	result := stillRemembered
	if fresh {
		h.ask(c)
	}
	if p == nil {
		result = stillTaken
		timer := time.NewTimer(protocol.SnapshotWait)
		defer timer.Stop()
		select {
		case <-c.done:
			p = c.answer
		case <-timer.C:
			h.figures.stills.WithLabelValues(stillLate).Inc()
			return nil, time.Time{}, protocol.Errorf(protocol.CodeTimeout, "the camera sent no picture in time")
		case <-h.hurry:
			return nil, time.Time{}, stoppingError
		case <-ctx.Done():
			return nil, time.Time{}, ctx.Err()
		}
	}
	if p.err != nil {
		result = stillNone
	}
	h.figures.stills.WithLabelValues(result).Inc()
	if p.err != nil {
		return nil, time.Time{}, p.err
	}
	return p.jpeg, p.at, nil
}

// ask asks a device for a picture.
func (h *Hub) ask(c *capture) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d := h.devices[c.device]
	if d == nil || !d.connected() {
		var lastSeen time.Time
		if d != nil {
			lastSeen = d.since
		}
		h.album.drop(c, offlineError(lastSeen))
		return
	}
	if d.link.mute {
		h.album.drop(c, protocol.Errorf(protocol.CodeNotFound, "the camera makes no still pictures"))
		return
	}
	d.link.send(protocol.Must(protocol.TypeCapture, "", &protocol.Capture{Request: c.request}))
}

// picture is Snapshot for a viewer's token.
func (h *Hub) picture(ctx context.Context, token string, device protocol.DeviceID) ([]byte, time.Time, error) {
	now := time.Now()
	viewer, err := h.viewerOf(token, device, h.posters, "too many pictures for one token", now)
	if err != nil {
		return nil, time.Time{}, err
	}
	known, err := h.mayLook(viewer, now)
	if err != nil {
		return nil, time.Time{}, err
	}
	if !known {
		row, err := h.device(ctx, viewer)
		if err != nil {
			return nil, time.Time{}, err
		}
		return nil, time.Time{}, offlineError(row.LastSeen)
	}
	return h.Snapshot(ctx, viewer.Device)
}

// mayLook checks a token, and reports whether its device has a link.
func (h *Hub) mayLook(viewer auth.Viewer, now time.Time) (known bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.mayViewLocked(viewer, now); err != nil {
		return false, err
	}
	if h.removed[viewer.Device] {
		return false, protocol.Errorf(protocol.CodeRevoked, "the camera was removed")
	}
	d := h.devices[viewer.Device]
	if d == nil || !d.connected() {
		return false, nil
	}
	within, err := h.reach(viewer, d.project, now)
	if err != nil {
		return false, err
	}
	return true, h.mayViewLocked(within, now)
}

// deviceOf returns the device of a link that a request names, and its project. It fails with CodeUnknownLink.
func (h *Hub) deviceOf(authorization string) (protocol.DeviceID, protocol.ProjectID, error) {
	id, key, ok := protocol.ParseAuthorization(authorization)
	if !ok {
		return "", "", unknownError
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.clients[id]
	if c == nil || !sameKey(c.key, key) || c.role != protocol.RoleDevice || h.removed[c.device] {
		return "", "", unknownError
	}
	d := h.devices[c.device]
	if d == nil || d.link != c {
		return "", "", unknownError // a newer link has taken its place
	}
	return c.device, d.project, nil
}
