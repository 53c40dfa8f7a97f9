package signal

import (
	"context"
	"errors"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
)

// errBye is the end of a link that its client wanted, errClosed that of a socket that the hub has closed already.
var (
	errBye    = errors.New("bye")
	errClosed = errors.New("closed by the hub")
)

// receive takes in one message that a client sent on one of its sockets. The error is the end of its link, but for
// errClosed, which is the end of the socket.
func (h *Hub) receive(ctx context.Context, c *client, k *carrier, message []byte) error {
	c.handling <- struct{}{}
	defer func() { <-c.handling }()
	e, body, decodeErr := protocol.Decode(message)
	why := protocol.AsError(decodeErr)
	if why != nil && why.Code != protocol.CodeUnknownType {
		return why
	}
	handle, err := c.take(k, &e)
	if err != nil {
		return err
	}
	if e.Type == protocol.TypeBye {
		return errBye
	}
	if e.Seq == 0 {
		c.chargeChatter()
	}
	if handle {
		if why != nil {
			c.fault(e, why)
		} else {
			h.dispatch(ctx, c, e, body)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.link.Took(e.Seq, time.Now())
	c.wakeLocked()
	c.scheduleLocked()
	return nil
}

// take hands a message to the link and reports whether it has to be handled.
func (c *client) take(k *carrier, e *protocol.Envelope) (handle bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k.lost {
		return false, errClosed
	}
	handle, err = c.link.Receive(e, time.Now())
	if err == nil {
		c.wakeLocked()
	}
	return handle, err
}

// fault answers what a client may not say or the hub does not know, and lets the link live.
func (c *client) fault(e protocol.Envelope, why *protocol.Error) {
	defer c.chargeFault()
	if e.ID != 0 {
		c.refuse(e, why)
		return
	}
	c.send(protocol.Must(protocol.TypeError, e.Session, why))
}

// dispatch handles one message, once, in the order of its link.
func (h *Hub) dispatch(ctx context.Context, c *client, e protocol.Envelope, body protocol.Message) {
	switch m := body.(type) {
	case *protocol.Sync:
		h.sync(ctx, c, e, m)
		return
	case *protocol.Close:
		h.closeSession(ctx, c, e, m.Reason)
		return
	case *protocol.Describe, *protocol.Candidate:
		h.forward(ctx, c, e, body)
		return
	case *protocol.Path:
		h.path(ctx, c, e, m)
		return
	case *protocol.Stats:
		h.stats(c, e, m)
		return
	case *protocol.Network:
		h.network(c, e, m)
		return
	case *protocol.Error:
		if e.Re == 0 {
			c.logger.Warn("client reports a fault", "session", e.Session, "code", m.Code, "err", m)
			return // an error is not answered with an error
		}
	}
	if c.role == protocol.RoleViewer {
		switch m := body.(type) {
		case *protocol.Open:
			h.open(ctx, c, e, m)
			return
		case *protocol.Extend:
			h.extend(ctx, c, e, m)
			return
		}
	} else if e.Re != 0 && (e.Type == protocol.TypeReply || e.Type == protocol.TypeError) {
		h.invited(ctx, c, e, body)
		return
	}
	c.fault(e, protocol.Errorf(protocol.CodeBadMessage, "a %s does not send %s", c.role, e.Type))
}

// invited takes a device's reply to an invite. A refusal ends the session.
func (h *Hub) invited(ctx context.Context, c *client, e protocol.Envelope, body protocol.Message) {
	refusal, refused := body.(*protocol.Error)
	if !refused {
		return
	}
	reason := protocol.ReasonFor(refusal.Code)
	if reason == protocol.ReasonInternal { // that would be a fault of ours, for which nobody pays
		reason = reasonOf(c.role, reason)
	}
	h.finishOne(ctx, e.Session, reason, func(s *session) bool {
		return s.device == c && s.invite == e.Re
	})
	c.logger.Info("device refused", "session", e.Session, "code", refusal.Code, "err", refusal)
}

// closeSession ends a session that one end wants to end.
func (h *Hub) closeSession(ctx context.Context, c *client, e protocol.Envelope, reason protocol.Reason) {
	h.mu.Lock()
	if d := h.devices[c.viewer.Device]; c.role == protocol.RoleViewer && d != nil {
		d.cancelLocked(c, e.Session)
	}
	h.mu.Unlock()
	h.finishOne(ctx, e.Session, h.causeOf(e.Session, c.role, reason), func(s *session) bool { return h.holdsLocked(c, s) })
}

// holdsLocked reports whether a session is the client's to end. A device need not have synced it: its close may be what
// its last link could not deliver.
func (h *Hub) holdsLocked(c *client, s *session) bool {
	return c.sessions[s.row.ID] == s || h.servesLocked(c, s)
}

// servesLocked reports whether the client is the newest link of the session's device.
func (h *Hub) servesLocked(c *client, s *session) bool {
	d := h.devices[s.row.Device]
	return c.role == protocol.RoleDevice && d != nil && d.link == c
}

// reasonOf is the reason that a client may give: nobody ends a session in the name of the API or of the operator.
func reasonOf(role protocol.Role, reason protocol.Reason) protocol.Reason {
	switch reason {
	case protocol.ReasonICEFailed, protocol.ReasonTimeout, protocol.ReasonExpired, protocol.ReasonCodec:
		return reason
	case protocol.ReasonBusy, protocol.ReasonPrivacy:
		if role == protocol.RoleDevice {
			return reason
		}
	}
	if role == protocol.RoleDevice {
		return protocol.ReasonDeviceLeft
	}
	return protocol.ReasonViewerLeft
}

// extend gives a session a longer lease, with a newer token if the client brings one.
func (h *Hub) extend(ctx context.Context, c *client, e protocol.Envelope, m *protocol.Extend) {
	changed, err := h.lengthen(c, e, m, time.Now())
	if err != nil {
		c.refuse(e, err)
		return
	}
	h.enact(changed)
	h.reconsider(c)
	h.keep(ctx, changed.session)
}

// lengthen answers an extend, or fails. A newer token brings its own terms.
func (h *Hub) lengthen(c *client, e protocol.Envelope, m *protocol.Extend, now time.Time) (changed change, err error) {
	if err := c.allowRequest(); err != nil {
		return change{}, err
	}
	var renewed auth.Viewer
	if m.Token != "" {
		if renewed, err = h.config.Tokens.Verify(m.Token, now); err != nil {
			return change{}, err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	viewer := c.viewer
	if m.Token != "" {
		if renewed.Project != viewer.Project || renewed.Subject != viewer.Subject || renewed.Device != viewer.Device {
			return change{}, protocol.Errorf(protocol.CodeForbidden, "the new token is for somebody or something else")
		}
		viewer = renewed
	}
	if err := h.mayViewLocked(viewer, now); err != nil {
		return change{}, err
	}
	within, err := h.reach(viewer, c.owner, now)
	if err != nil {
		return change{}, err
	}
	c.viewer = viewer
	s := c.sessions[e.Session]
	if s == nil {
		return change{}, protocol.Errorf(protocol.CodeNotFound, "no such session is open")
	}
	s.row.Expires, s.row.Key, s.row.Terms = h.lease(within, now), viewer.Key, within.Terms
	changed = h.settleLocked(s, h.plan(s.row.PaidBy()), now)
	reply := protocol.Must(protocol.TypeReply, e.Session, &protocol.Reply{Expires: s.row.Expires})
	reply.Re = e.ID
	c.send(reply)
	h.tellPolicyLocked(s)
	return changed, nil
}

// tellPolicyLocked tells both ends how the session may go and until when.
func (h *Hub) tellPolicyLocked(s *session) {
	policy := s.policy()
	for _, c := range []*client{s.viewer, s.device} {
		if c != nil {
			c.send(protocol.Must(protocol.TypePolicy, s.row.ID, &policy))
		}
	}
}
