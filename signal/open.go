package signal

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"slices"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// refuse answers a request with an error.
func (c *client) refuse(request protocol.Envelope, err error) {
	why := protocol.AsError(err)
	if why.Code == protocol.CodeInternal {
		c.logger.Error("request not answered", "type", request.Type, "session", request.Session, "err", err)
	}
	e := protocol.Must(protocol.TypeError, request.Session, why)
	e.Re = request.ID
	c.send(e)
}

// open answers a viewer's open with opened and invites the device, or refuses at once. An open of a device that lost
// its link a moment ago waits for it.
func (h *Hub) open(ctx context.Context, c *client, request protocol.Envelope, m *protocol.Open) {
	if !c.opens.Allow() {
		err := protocol.Errorf(protocol.CodeRateLimited, "too many requests")
		err.RetryMS = int64(1000 / opensPerSecond)
		c.refuse(request, err)
		return
	}
	if err := h.try(ctx, c, request, m); err != nil {
		c.refuse(request, err)
	}
}

func (h *Hub) try(ctx context.Context, c *client, request protocol.Envelope, m *protocol.Open) error {
	now := time.Now()
	viewer := h.viewer(c)
	if err := h.mayOpen(viewer, request, m, now); err != nil {
		return err
	}
	h.mu.Lock()
	if s := h.sessions[request.Session]; s != nil {
		defer h.mu.Unlock()
		return h.reopenLocked(s, c, request, m)
	}
	d := h.devices[m.Device]
	switch {
	case d == nil || d.status == protocol.StatusOffline:
		h.mu.Unlock()
		row, err := h.device(ctx, viewer)
		if err != nil {
			return err
		}
		return offlineError(row.LastSeen)
	case d.project != viewer.Project:
		h.mu.Unlock()
		return protocol.Errorf(protocol.CodeNotFound, "there is no such camera")
	case d.link == nil:
		defer h.mu.Unlock()
		return h.waitLocked(d, c, request, m, now)
	case len(d.sessions) >= d.link.maxSessions:
		h.mu.Unlock()
		return protocol.Errorf(protocol.CodeFull, "the camera serves as many viewers as it can")
	}
	s := newSession(record.Session{
		ID: request.Session, Kind: record.SessionLive, Project: viewer.Project, Device: m.Device,
		Key: viewer.Key, Viewer: viewer.Subject, Rights: viewer.Rights, Owner: ownerHash(m.Owner), Media: m.Media,
		DeviceGrant: protocol.GrantID(newSecret()), Created: now.UTC(), Expires: h.lease(viewer, now),
	}, now)
	s.offer, s.trickle = m.Offer, m.Trickle == nil || *m.Trickle
	if m.Grant != "" && m.Grant == c.grant {
		s.row.ViewerGrant, c.grant = c.grant, protocol.GrantID(newSecret())
	}
	if w := h.waitingLocked(c, s.row.ID); w != nil {
		s.messages = w.messages
		d.cancelLocked(c, s.row.ID)
	}
	h.addLocked(s)
	h.attachLocked(s, c)
	h.attachLocked(s, d.link)
	next := c.grant
	h.mu.Unlock()
	if err := h.start(ctx, s, request, next); err != nil {
		h.mu.Lock()
		h.removeLocked(s)
		if s.row.ViewerGrant != "" {
			c.grant = s.row.ViewerGrant
		}
		h.mu.Unlock()
		h.config.Relay.End(s.row.DeviceGrant)
		return err
	}
	return nil
}

// viewer returns what the client's newest token says.
func (h *Hub) viewer(c *client) auth.Viewer {
	h.mu.Lock()
	defer h.mu.Unlock()
	return c.viewer
}

// mayOpen checks a request against the viewer's token.
func (h *Hub) mayOpen(viewer auth.Viewer, request protocol.Envelope, m *protocol.Open, now time.Time) error {
	switch {
	case request.Session == "" || request.ID == 0:
		return protocol.Errorf(protocol.CodeInvalid, "open: session and id must be set")
	case !now.Before(viewer.Expires):
		return protocol.Errorf(protocol.CodeExpired, "the token has expired")
	case m.Device != viewer.Device:
		return protocol.Errorf(protocol.CodeForbidden, "the token opens another camera")
	case !has(viewer.Rights, protocol.RightView):
		return protocol.Errorf(protocol.CodeForbidden, "the token does not allow to view")
	}
	return h.checkKey(viewer.Key)
}

// lease is until when a session lives without extend.
func (h *Hub) lease(viewer auth.Viewer, now time.Time) time.Time {
	expires := now.Add(h.config.Lease)
	if viewer.Expires.Before(expires) {
		expires = viewer.Expires
	}
	return expires.UTC().Truncate(time.Millisecond)
}

// start keeps a new session, then tells both ends.
func (h *Hub) start(ctx context.Context, s *session, request protocol.Envelope, next protocol.GrantID) error {
	if err := h.persist(ctx, s); err != nil {
		return fmt.Errorf("save session: %w", err)
	}
	deviceServers, err := h.config.Relay.Grant(s.row.DeviceGrant, protocol.RoleDevice)
	if err != nil {
		return fmt.Errorf("grant relay to device: %w", err)
	}
	viewerServers, err := h.config.Relay.Grant(next, protocol.RoleViewer)
	if err != nil {
		return fmt.Errorf("grant relay to viewer: %w", err)
	}
	h.allowClients(s)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sessions[s.row.ID] != s || s.viewer == nil {
		return nil // it ended, or its viewer went, meanwhile; both are told by then
	}
	s.renew = time.Now().Add(h.config.CredentialRefresh)
	h.openedLocked(s, request, next, viewerServers)
	h.inviteLocked(s, deviceServers)
	h.config.Logger.Info("session opened", "session", s.row.ID, "device", s.row.Device, "viewer", s.row.Viewer)
	return nil
}

func (h *Hub) openedLocked(s *session, request protocol.Envelope, next protocol.GrantID, servers []protocol.ICEServer) {
	e := protocol.Must(protocol.TypeOpened, s.row.ID, &protocol.Opened{
		Policy: s.policy(h.config.Path), Expires: s.row.Expires, NextGrant: next, ICEServers: servers,
	})
	e.Re = request.ID
	s.viewer.send(e)
}

// inviteLocked asks the device to serve the session, and sends what waited behind that.
func (h *Hub) inviteLocked(s *session, servers []protocol.ICEServer) {
	if s.device == nil {
		return
	}
	e := protocol.Must(protocol.TypeInvite, s.row.ID, &protocol.Invite{
		Viewer: protocol.Viewer{Name: s.row.Viewer}, Grants: s.row.Rights, ICEServers: servers, Grant: s.row.DeviceGrant,
		Policy: s.policy(h.config.Path), Expires: s.row.Expires, Media: s.row.Media, Offer: s.offer, Trickle: s.trickle,
	})
	e.Gen = s.device.generation
	s.device.grow(protocol.MaxPendingPerSession)
	s.invited, s.invite = true, s.device.request(e)
	for _, message := range s.messages {
		s.device.send(forwarded(message, s.device.generation))
	}
	s.messages = nil
}

// reopenLocked answers an open that was sent again because its answer was lost.
func (h *Hub) reopenLocked(s *session, c *client, request protocol.Envelope, m *protocol.Open) error {
	if !s.owns(m.Owner) || s.row.Device != m.Device || s.row.Project != c.viewer.Project {
		return protocol.Errorf(protocol.CodeConflict, "the session belongs to somebody else")
	}
	h.attachLocked(s, c)
	h.openedLocked(s, request, "", nil)
	return nil
}

// waitLocked keeps an open for a suspect device.
func (h *Hub) waitLocked(d *device, c *client, request protocol.Envelope, m *protocol.Open, now time.Time) error {
	if len(d.waiting) >= protocol.MaxPendingPerSession {
		return offlineError(d.since)
	}
	d.waiting = append(d.waiting, &waiting{
		viewer: c, request: request, open: m, deadline: now.Add(h.config.SuspectWait),
	})
	return nil
}

// resumeOpen goes on with an open whose device came back.
func (h *Hub) resumeOpen(w *waiting) {
	ctx, cancel := context.WithTimeout(context.Background(), saveTimeout)
	defer cancel()
	err := h.try(ctx, w.viewer, w.request, w.open)
	if err == nil {
		return
	}
	h.mu.Lock()
	if d := h.devices[w.open.Device]; d != nil {
		d.cancelLocked(w.viewer, w.request.Session)
	}
	h.mu.Unlock()
	w.viewer.refuse(w.request, err)
}

// cancelLocked forgets a waiting open.
func (d *device) cancelLocked(c *client, id protocol.SessionID) {
	d.waiting = slices.DeleteFunc(d.waiting, func(w *waiting) bool { return w.viewer == c && w.request.Session == id })
}

// waitingLocked returns the viewer's waiting open of a session, nil if there is none.
func (h *Hub) waitingLocked(c *client, id protocol.SessionID) *waiting {
	d := h.devices[c.viewer.Device]
	if d == nil {
		return nil
	}
	for _, w := range d.waiting {
		if w.viewer == c && w.request.Session == id {
			return w
		}
	}
	return nil
}

func ownerHash(owner string) []byte {
	sum := sha256.Sum256([]byte(owner))
	return sum[:]
}

// owns reports whether the secret is that of the session's viewer.
func (s *session) owns(owner string) bool {
	return subtle.ConstantTimeCompare(s.row.Owner, ownerHash(owner)) == 1
}

func has(rights []protocol.Right, wanted protocol.Right) bool { return slices.Contains(rights, wanted) }
