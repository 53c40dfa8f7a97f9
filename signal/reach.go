package signal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// reach narrows a token to the terms of its device, and to what its project may do with a device of the owner: everything with its
// own, with another's what a grant shares, as long as it does. It fails with CodeNotFound: without a grant the device does not exist for the project.
func (h *Hub) reach(viewer auth.Viewer, owner protocol.ProjectID, now time.Time) (auth.Viewer, error) {
	viewer.Terms = h.bound(viewer)
	if viewer.Project == owner {
		return viewer, nil
	}
	g, ok := h.granted(viewer.Device, viewer.Project)
	if !ok || g.Owner != owner || !g.Alive(now) {
		return auth.Viewer{}, noCameraError
	}
	viewer.Rights = g.Within(viewer.Rights) // every grant has the right to view
	if !g.Expires.IsZero() && g.Expires.Before(viewer.Expires) {
		viewer.Expires = g.Expires
	}
	return viewer, nil
}

var noCameraError = protocol.Errorf(protocol.CodeNotFound, "there is no such camera")

// bound are a token's terms within those of its device.
func (h *Hub) bound(viewer auth.Viewer) record.Terms {
	if h.config.Grants == nil {
		return viewer.Terms
	}
	return h.config.Grants.DeviceTerms(viewer.Device).Bind(viewer.Terms)
}

// granted returns the grant by which a project may look at another's device.
func (h *Hub) granted(id protocol.DeviceID, to protocol.ProjectID) (record.DeviceGrant, bool) {
	if h.config.Grants == nil {
		return record.DeviceGrant{}, false
	}
	return h.config.Grants.Granted(id, to)
}

// payer is the project that pays for the relay of a session that the viewer would open now, and whose plan holds for it.
func (h *Hub) payer(c *client) protocol.ProjectID { return h.payerFor(c.viewer, c.owner) }

func (h *Hub) payerFor(viewer auth.Viewer, owner protocol.ProjectID) protocol.ProjectID {
	if viewer.Project != owner {
		if g, ok := h.granted(viewer.Device, viewer.Project); ok && g.Owner == owner {
			return g.Payer()
		}
	}
	return viewer.Project
}

// tokenName names a token among those of all projects, whose partners give theirs what IDs they like.
func tokenName(viewer auth.Viewer) string { return string(viewer.Project) + "/" + viewer.ID }

// visible returns the presence of the one device that a token opens, and whose it is.
func (h *Hub) visible(ctx context.Context, viewer auth.Viewer) (protocol.Presence, protocol.ProjectID, error) {
	if presence, owner, ok := h.knownTo(viewer); ok {
		return presence, owner, nil
	}
	row, err := h.device(ctx, viewer)
	if err != nil {
		return protocol.Presence{}, "", err
	}
	return protocol.Presence{
		Device: row.ID, Name: row.Name, Status: protocol.StatusOffline, Generation: row.Generation, Since: row.LastSeen,
	}, row.Project, nil
}

// knownTo returns the presence of the token's device, and whose it is, if the hub can tell without the store that it is not
// offline and within the token's reach.
func (h *Hub) knownTo(viewer auth.Viewer) (protocol.Presence, protocol.ProjectID, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d := h.devices[viewer.Device]
	if d == nil || d.status == protocol.StatusOffline {
		return protocol.Presence{}, "", false
	}
	if _, err := h.reach(viewer, d.project, time.Now()); err != nil {
		return protocol.Presence{}, "", false
	}
	return d.presence(), d.project, true
}

// device reads the device that a token opens. One that is out of its reach does not exist for it.
func (h *Hub) device(ctx context.Context, viewer auth.Viewer) (record.Device, error) {
	row, err := h.config.Directory.Device(ctx, viewer.Device)
	if errors.Is(err, &protocol.Error{Code: protocol.CodeNotFound}) {
		return record.Device{}, noCameraError
	}
	if err != nil {
		return record.Device{}, fmt.Errorf("read device %s: %w", viewer.Device, err)
	}
	if _, err := h.reach(viewer, row.Project, time.Now()); err != nil {
		return record.Device{}, err
	}
	if !row.Revoked.IsZero() {
		return record.Device{}, protocol.Errorf(protocol.CodeRevoked, "the camera was removed")
	}
	return row, nil
}
