package signal

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// refuse answers a request with an error.
func (c *client) refuse(request protocol.Envelope, err error) {
	e := protocol.Must(protocol.TypeError, request.Session, c.known(request, err))
	e.Re = request.ID
	c.send(e)
}

// known returns what the client may know of an error, and logs the rest.
func (c *client) known(e protocol.Envelope, err error) *protocol.Error {
	why := protocol.AsError(err)
	if why.Code == protocol.CodeInternal {
		c.logger.Error("message not handled", "type", e.Type, "session", e.Session, "err", err)
	}
	return why
}

// open answers a viewer's open with opened and invites the device, or refuses at once. An open of a device that lost
// its link a moment ago waits for it.
func (h *Hub) open(ctx context.Context, c *client, request protocol.Envelope, m *protocol.Open) {
	err := c.allowRequest()
	if err == nil {
		err = h.mayQueue()
	}
	if err == nil {
		err = h.try(ctx, &waiting{
			viewer: c, request: request, open: m, deadline: time.Now().Add(h.config.SuspectWait),
		})
	}
	if err != nil {
		c.refuse(request, err)
	}
}

// allowRequest fails with CodeRateLimited when a viewer asks for too much.
func (c *client) allowRequest() error {
	if c.requests.Allow() {
		return nil
	}
	c.chargeFault()
	err := protocol.Errorf(protocol.CodeRateLimited, "too many requests")
	err.RetryMS = int64(1000 / requestsPerSecond)
	return err
}

// errAway says that a device has no link and is not expected back, errReopened that the session was there already and
// its open has been answered.
var (
	errAway     = errors.New("the device is away")
	errReopened = errors.New("the session is open")
)

func (h *Hub) try(ctx context.Context, w *waiting) error {
	s, next, err := h.create(w)
	switch {
	case errors.Is(err, errAway):
		return h.away(ctx, w.viewer)
	case errors.Is(err, errReopened):
		if err := h.renew(s, w.viewer); err != nil {
			w.viewer.logger.Warn("relay credentials not renewed", "session", s.row.ID, "err", err)
		}
		h.allowOffer(s, w)
		return nil
	case s == nil || err != nil:
		return err
	}
	return h.start(ctx, s, w, next)
}

// away is why a device that has no link cannot be opened.
func (h *Hub) away(ctx context.Context, c *client) error {
	h.mu.Lock()
	viewer := c.viewer
	h.mu.Unlock()
	row, err := h.device(ctx, viewer)
	if err != nil {
		return err
	}
	return offlineError(row.LastSeen)
}

// create makes the session that an open asks for, and returns the viewer's next grant. There is no session, and no
// error, when the open has to wait. It fails with errReopened, and returns the session, for one that was opened before.
func (h *Hub) create(w *waiting) (s *session, next protocol.GrantID, err error) {
	now := time.Now()
	c, id, m := w.viewer, w.request.Session, w.open
	h.mu.Lock()
	defer h.mu.Unlock()
	if w.parked && !h.unparkLocked(w) {
		return nil, "", nil // it was cancelled or given up, or its viewer has left
	}
	if err := h.mayOpenLocked(c, w.request, m, now); err != nil {
		return nil, "", err
	}
	if s := h.sessions[id]; s != nil {
		if err := h.reopenLocked(s, c, w.request, m); err != nil {
			return nil, "", err
		}
		return s, "", errReopened
	}
	d := h.devices[m.Device]
	if d == nil || d.status == protocol.StatusOffline {
		return nil, "", errAway
	}
	viewer, err := h.reach(c.viewer, d.project, now)
	switch {
	case err != nil:
		return nil, "", err
	case !d.connected():
		return nil, "", h.waitLocked(d, w)
	}
	if err := h.roomLocked(d, c.viewer.Project); err != nil {
		return nil, "", err
	}
	s = newSession(h.rowOf(w, viewer, d, now), now)
	s.rationed, s.terms = c.rationed, h.plan(s.row.PaidBy()).For(viewer.Terms)
	s.relayless = s.rationed || s.terms.Path == protocol.PathDirectOnly
	s.row.Account.Policy, s.row.Account.Device.Network, s.row.Account.Viewer.Network = s.path(), d.network, c.network
	s.trickle = m.Trickle == nil || *m.Trickle
	s.offer, s.behind = h.prepareOfferLocked(s, c, m.Offer), h.prepareBacklogLocked(s, c, w.behind)
	if m.Grant != "" && m.Grant == c.grant {
		s.row.ViewerGrant, c.grant = c.grant, protocol.GrantID(newSecret())
	}
	h.addLocked(s)
	h.attachLocked(s, c)
	h.attachLocked(s, d.link)
	return s, c.grant, nil
}

// rowOf is a new session of a viewer, within what it may do with the device.
func (h *Hub) rowOf(w *waiting, viewer auth.Viewer, d *device, now time.Time) record.Session {
	row := record.Session{
		ID: w.request.Session, Kind: record.SessionLive, Project: viewer.Project, Device: d.id,
		Key: viewer.Key, Viewer: viewer.Subject, Rights: viewer.Rights, Terms: viewer.Terms, Owner: ownerHash(w.open.Owner), Media: w.open.Media,
		DeviceGrant: protocol.GrantID(newSecret()), Created: now.UTC(), Expires: h.leaseOf(w.viewer, viewer, d, now),
	}
	row.Door, _ = w.viewer.door()
	if d.project != viewer.Project {
		row.DeviceProject, row.Payer = d.project, h.payer(w.viewer)
	}
	return row
}

// roomLocked fails with CodeFull when a device that is connected, or a project, has as many sessions as it may.
func (h *Hub) roomLocked(d *device, project protocol.ProjectID) error {
	switch {
	case len(d.sessions) >= d.link.maxSessions:
		return protocol.Errorf(protocol.CodeFull, "the camera serves as many viewers as it can")
	case h.fullLocked(project):
		return protocol.Errorf(protocol.CodeFull, "the project has as many sessions open as it may")
	}
	return nil
}

// mayOpenLocked checks a request against the viewer's token, and against its project's budget where there is no path but
// the relay.
func (h *Hub) mayOpenLocked(c *client, request protocol.Envelope, m *protocol.Open, now time.Time) error {
	switch {
	case request.Session == "" || request.ID == 0:
		return protocol.Errorf(protocol.CodeInvalid, "open: session and id must be set")
	case m.Device != c.viewer.Device:
		return protocol.Errorf(protocol.CodeForbidden, "the token opens another camera")
	case h.removed[m.Device]:
		return protocol.Errorf(protocol.CodeRevoked, "the camera was removed")
	case c.rationed && h.plan(h.payer(c)).For(h.bound(c.viewer)).Path == protocol.PathRelayOnly:
		h.quota.refused.Add(1)
		return protocol.Errorf(protocol.CodeQuota, "the relay budget of the project is used up")
	}
	return h.mayViewLocked(c.viewer, now)
}

// mayViewLocked checks that a token is good for a session from now on.
func (h *Hub) mayViewLocked(viewer auth.Viewer, now time.Time) error {
	switch {
	case !now.Before(viewer.Expires):
		return protocol.Errorf(protocol.CodeExpired, "the token has expired")
	case !viewer.Allows(protocol.RightView):
		return protocol.Errorf(protocol.CodeForbidden, "the token does not allow to view")
	}
	return h.checkKeyLocked(viewer.Key)
}

// leaseOf is until when a new session lives. A viewer that cannot ask for more has as much as its token, if the device tells
// when the media has ended.
func (h *Hub) leaseOf(c *client, viewer auth.Viewer, d *device, now time.Time) time.Time {
	if c.mute && !d.link.mute {
		return viewer.Expires.UTC()
	}
	return h.lease(viewer, now)
}

// lease is until when a session lives without extend.
func (h *Hub) lease(viewer auth.Viewer, now time.Time) time.Time {
	expires := now.Add(h.config.Lease)
	if viewer.Expires.Before(expires) {
		expires = viewer.Expires
	}
	return expires.UTC().Truncate(time.Millisecond)
}

func ownerHash(owner string) []byte {
	sum := sha256.Sum256([]byte(owner))
	return sum[:]
}

// owns reports whether the secret is that of the session's viewer.
func (s *session) owns(owner string) bool {
	return subtle.ConstantTimeCompare(s.row.Owner, ownerHash(owner)) == 1
}
