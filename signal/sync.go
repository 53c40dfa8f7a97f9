package signal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// sync takes in what an end knows of a session that its new link cannot replay, and lets the other end repair its own
// state from it. It is also how a restarted hub gets its sessions back: whichever end comes later, its sync is
// carried to the one that is there, which answers with its own.
func (h *Hub) sync(ctx context.Context, c *client, e protocol.Envelope, m *protocol.Sync) {
	c.chargeChatter()
	if e.Session != "" {
		if err := h.adopt(ctx, c, e, m); err != nil {
			c.fault(e, c.known(e, err))
		}
	}
	if m.Last && c.role == protocol.RoleDevice {
		h.synced(ctx, c)
	}
}

// adopt puts the client at its end of the session it syncs.
func (h *Hub) adopt(ctx context.Context, c *client, e protocol.Envelope, m *protocol.Sync) error {
	h.mu.Lock()
	s := h.sessions[e.Session]
	if s == nil {
		w := h.waitingLocked(c, e.Session)
		if w != nil && m.Description != nil { // the open says the same, and the candidates were lost with the last one
			w.behind.replace(e.Session, m.Candidates)
		}
		h.mu.Unlock()
		if w != nil {
			return nil
		}
		c.chargeFault()
		return h.tellEnded(ctx, c, e.Session)
	}
	if !h.mayAdoptLocked(s, c, m) {
		h.mu.Unlock()
		c.logger.Warn("sync of a foreign session", "session", e.Session)
		return protocol.Errorf(protocol.CodeConflict, "the session belongs to somebody else")
	}
	fresh := c.sessions[e.Session] != s
	m, _ = h.prepareLocked(s, c, m)[0].(*protocol.Sync) // which always passes
	changed, err := h.adoptLocked(s, c, e, m)
	h.mu.Unlock()
	if h.overShare(ctx, s, err) {
		return nil
	}
	if changed {
		h.keep(ctx, s)
	}
	if err == nil && fresh {
		err = h.renew(s, c)
	}
	h.allowMessage(s, c.role, m)
	return err
}

// mayAdoptLocked checks that the session is the client's.
func (h *Hub) mayAdoptLocked(s *session, c *client, m *protocol.Sync) bool {
	if c.role == protocol.RoleDevice {
		return h.servesLocked(c, s)
	}
	mine := s.viewer == c || s.owns(m.Owner)
	return mine && s.row.Project == c.viewer.Project && s.row.Device == c.viewer.Device && !h.revoked[s.row.Key]
}

// adoptLocked reports whether the row has to be kept. It fails with CodeTooLarge when the other end's link has no room
// for the sync.
func (h *Hub) adoptLocked(s *session, c *client, e protocol.Envelope, m *protocol.Sync) (changed bool, err error) {
	h.attachLocked(s, c)
	if m.Path != nil {
		changed = h.tellLocked(s, c.role, m.Path, time.Now())
	}
	if m.ICEConnected {
		s.media = time.Now()
		h.enterLocked(s, func(b book) { b.alive(s.media) })
	}
	description := m.Description
	if c.role == protocol.RoleDevice {
		s.invited = true
		s.behind.take() // the viewer's own sync has it all
		if description != nil && description.Kind == protocol.DescribeAnswer && !s.answered() {
			s.row.Answered, changed = time.Now().UTC(), true
		}
	} else if !s.answered() && !s.invited {
		s.expectLocked(e.Session, m)
	}
	if peer := s.peer(c.role); peer != nil && s.invited {
		repaired := *m
		repaired.Owner, repaired.Last = "", false
		relayed := protocol.Must(protocol.TypeSync, e.Session, &repaired)
		relayed.Gen = c.generation
		return changed, peer.relay(relayed)
	}
	return changed, nil
}

// expectLocked keeps what a viewer synced for the invite that has yet to go out.
func (s *session) expectLocked(id protocol.SessionID, m *protocol.Sync) {
	if m.Description != nil && m.Description.Kind == protocol.DescribeOffer {
		s.offer = &protocol.Offer{Revision: m.Description.Revision, SDP: m.Description.SDP}
	}
	s.behind.replace(id, m.Candidates)
}

// synced is told when a device has told all its sessions: those it does not have are invited again if it never
// answered, else it has lost them.
func (h *Hub) synced(ctx context.Context, c *client) {
	var again []*session
	h.mu.Lock()
	d := h.devices[c.device]
	if d == nil || d.link != c {
		h.mu.Unlock()
		return
	}
	for _, s := range d.sessions {
		if s.device == nil && s.opened && !s.answered() {
			again = append(again, s)
		}
	}
	h.mu.Unlock()
	for _, s := range again {
		h.inviteAgain(ctx, s, c)
	}
	h.finishAll(ctx, protocol.ReasonDeviceLeft, d.sessions, func(s *session) bool {
		return s.device == nil && s.answered() && d.link == c
	})
}

// inviteAgain invites a device that lost its link before it could answer. What the viewer has said since its open is
// lost with that link, so it is asked to say it again.
func (h *Hub) inviteAgain(ctx context.Context, s *session, c *client) {
	h.mu.Lock()
	terms := s.allowance()
	h.mu.Unlock()
	servers, err := h.grantRelay(s.row.DeviceGrant, protocol.RoleDevice, s.row.PaidBy(), terms)
	if err != nil {
		h.config.Logger.Error("no relay for a session", "session", s.row.ID, "err", err)
		h.finishOne(ctx, s.row.ID, protocol.ReasonInternal, func(*session) bool { return true })
		return
	}
	h.mu.Lock()
	if h.sessions[s.row.ID] == s && s.device == nil && h.servesLocked(c, s) {
		if err = h.inviteLocked(s, servers); err == nil && s.viewer != nil {
			s.viewer.send(protocol.Must(protocol.TypeSync, s.row.ID, &protocol.Sync{}))
		}
	}
	h.mu.Unlock()
	if err != nil {
		h.config.Logger.Error("device not invited again", "session", s.row.ID, "err", err)
		h.finishOne(ctx, s.row.ID, protocol.ReasonInternal, func(*session) bool { return true })
	}
}

// tellEnded answers the sync of a session that is not open: why it ended, or that nobody knows it.
func (h *Hub) tellEnded(ctx context.Context, c *client, id protocol.SessionID) error {
	row, err := h.config.Sessions.Get(ctx, h.projectOf(c), id)
	if err != nil && !errors.Is(err, &protocol.Error{Code: protocol.CodeNotFound}) {
		return fmt.Errorf("look session %s up: %w", id, err)
	}
	reason := row.Reason
	if reason == "" {
		reason = protocol.ReasonUnknown
	}
	c.send(protocol.Must(protocol.TypeClosed, id, &protocol.Closed{Reason: reason}))
	return nil
}

func (h *Hub) projectOf(c *client) protocol.ProjectID {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.role == protocol.RoleViewer {
		return c.viewer.Project
	}
	if d := h.devices[c.device]; d != nil {
		return d.project
	}
	return ""
}

// renew gives one end of a session fresh relay credentials, if it may have any.
func (h *Hub) renew(s *session, c *client) error {
	h.mu.Lock()
	relayless, terms := s.relayless, s.allowance()
	h.mu.Unlock()
	grant := s.row.ViewerGrant
	if c.role == protocol.RoleDevice {
		grant = s.row.DeviceGrant
	}
	if grant == "" || relayless {
		return nil
	}
	servers, err := h.grantRelay(grant, c.role, s.row.PaidBy(), terms)
	if err != nil {
		return fmt.Errorf("renew relay credentials: %w", err)
	}
	h.allowClients(s)
	c.send(protocol.Must(protocol.TypeICEServers, s.row.ID, &protocol.ICEServers{ICEServers: servers, Grant: grant}))
	return nil
}
