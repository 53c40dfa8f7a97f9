package signal

import (
	"context"
	"fmt"
	"time"

	"github.com/sightline-rtc/sightline/internal/throttle"
	"github.com/sightline-rtc/sightline/protocol"
)

// maxInviteBytes bounds an invite, so that it fits into an envelope with its numbers.
const maxInviteBytes = protocol.MaxMessageBytes - 1<<10

// start keeps a new session, then tells both ends. If it cannot, it is as if there had been no open.
func (h *Hub) start(ctx context.Context, s *session, w *waiting, next protocol.GrantID) error {
	servers, err := h.provide(ctx, s, w.viewer, next)
	kept := err == nil
	h.mu.Lock()
	ended := h.sessions[s.row.ID] != s
	if err == nil && !ended && !s.invited {
		err = h.inviteLocked(s, servers.device)
	}
	if err != nil && !ended {
		if kept {
			s.row.Ended, s.row.Reason = time.Now().UTC(), protocol.ReasonInternal
		}
		unused := h.undoLocked(s, w.viewer, next)
		h.mu.Unlock()
		h.config.Relay.End(s.row.DeviceGrant)
		if unused != "" {
			h.config.Relay.End(unused)
		}
		if kept {
			h.keepEnd(ctx, s)
		}
		return err
	}
	h.openedLocked(s, w.viewer, w.request, next, servers.viewer)
	if ended {
		w.viewer.send(s.closed())
		h.mu.Unlock()
		h.endGrants(s) // it may have ended before they were made
		return nil
	}
	if s.rationed {
		h.quota.direct.Add(1)
	}
	s.renew = time.Now().Add(h.config.CredentialRefresh)
	relayless := s.relayless
	h.mu.Unlock()
	if relayless {
		h.endGrants(s) // the viewer's may have been good until then
	}
	h.figures.opened.WithLabelValues(string(s.row.Door)).Inc()
	h.config.Logger.Info("session opened", "session", s.row.ID, "device", s.row.Device, "viewer", s.row.Viewer)
	return nil
}

// iceServers are what the two ends of a new session get.
type iceServers struct{ viewer, device []protocol.ICEServer }

// provide readies the relay for a new session and keeps it in the store, last, so that a failure leaves no row behind.
func (h *Hub) provide(ctx context.Context, s *session, c *client, next protocol.GrantID) (servers iceServers, err error) {
	h.mu.Lock()
	own, coming := s.allowance(), c.linkTerms(h.plan(s.row.PaidBy()))
	h.mu.Unlock()
	if servers.device, err = h.grantRelay(s.row.DeviceGrant, protocol.RoleDevice, s.row.PaidBy(), own); err != nil {
		return iceServers{}, fmt.Errorf("grant relay to device: %w", err)
	}
	if servers.viewer, err = h.grantRelay(next, protocol.RoleViewer, s.row.PaidBy(), coming); err != nil {
		return iceServers{}, fmt.Errorf("grant relay to viewer: %w", err)
	}
	h.mu.Lock()
	size := len(h.invitation(s, servers.device).Data)
	h.mu.Unlock()
	if size > maxInviteBytes {
		return iceServers{}, protocol.Errorf(protocol.CodeTooLarge, "the offer leaves no room in the invite to the camera")
	}
	h.allowClients(s)
	h.allowOpen(s)
	if err := h.persist(ctx, s); err != nil {
		return iceServers{}, fmt.Errorf("save session: %w", err)
	}
	return servers, nil
}

// undoLocked takes back a session that could not start. The viewer's grant is unused again. The one that nobody will use
// is returned: the next, or the viewer's when it has left meanwhile.
func (h *Hub) undoLocked(s *session, c *client, next protocol.GrantID) (unused protocol.GrantID) {
	grant := s.row.ViewerGrant
	s.row.ViewerGrant = ""
	if s.viewer != nil && s.opened { // it repeated the open on another link, and believes in the session
		s.row.Reason = protocol.ReasonInternal
		s.viewer.send(s.closed())
	}
	h.removeLocked(s)
	if grant == "" || h.clients[c.id] != c {
		return grant
	}
	c.grant = grant
	return next
}

func (h *Hub) openedLocked(
	s *session, c *client, request protocol.Envelope, next protocol.GrantID, servers []protocol.ICEServer,
) {
	e := protocol.Must(protocol.TypeOpened, s.row.ID, &protocol.Opened{
		Policy: s.policy(), Expires: s.row.Expires, NextGrant: next, ICEServers: servers,
	})
	e.Re = request.ID
	s.opened = true
	c.send(e)
}

// invitation is the invite without what depends on the device's link.
func (h *Hub) invitation(s *session, servers []protocol.ICEServer) protocol.Envelope {
	return protocol.Must(protocol.TypeInvite, s.row.ID, &protocol.Invite{
		Viewer: protocol.Viewer{Name: s.row.Viewer, SameNetwork: sameNetwork(s.viewer, s.device)}, Grants: s.row.Rights, ICEServers: servers, Grant: s.row.DeviceGrant,
		Policy: s.policy(), Expires: s.row.Expires, Media: s.row.Media, Offer: screenOffer(s.path(), s.offer), Trickle: s.trickle,
	})
}

// inviteLocked asks the device's newest link to serve the session, and sends what waited behind that. Without a link
// the session waits for the next one to have told what it holds. It fails with CodeTooLarge for too large an offer.
func (h *Hub) inviteLocked(s *session, servers []protocol.ICEServer) error {
	if d := h.devices[s.row.Device]; s.device == nil && d != nil && d.link != nil {
		h.attachLocked(s, d.link)
	}
	if s.device == nil {
		return nil
	}
	e := h.invitation(s, servers)
	e.ID, e.Gen = s.device.nextID(), s.device.generation
	if err := s.device.carry(e); err != nil {
		return err
	}
	s.invited, s.invite = true, e.ID
	for _, message := range screenAll(s.path(), s.behind.take()) {
		s.device.send(forwarded(message, 0))
	}
	return nil
}

// reopenLocked answers an open that was sent again because its answer was lost.
func (h *Hub) reopenLocked(s *session, c *client, request protocol.Envelope, m *protocol.Open) error {
	if !s.owns(m.Owner) || s.row.Device != m.Device || s.row.Project != c.viewer.Project {
		return protocol.Errorf(protocol.CodeConflict, "the session belongs to somebody else")
	}
	h.attachLocked(s, c)
	h.openedLocked(s, c, request, "", nil)
	offer := h.prepareOfferLocked(s, c, m.Offer)
	switch {
	case offer == nil:
	case s.invited && s.device != nil: // whose answer may have been lost, or which was invited without the offer
		s.device.send(protocol.Must(protocol.TypeSync, s.row.ID, &protocol.Sync{
			Revision:    offer.Revision,
			Description: &protocol.Describe{Revision: offer.Revision, Kind: protocol.DescribeOffer, SDP: offer.SDP},
		}))
	case !s.answered():
		s.offer = offer
	}
	return nil
}

// sameNetwork reports whether two links come from one customer's network.
func sameNetwork(a, b *client) bool {
	return a != nil && b != nil && a.address.IsValid() && throttle.Household(a.address) == throttle.Household(b.address)
}
