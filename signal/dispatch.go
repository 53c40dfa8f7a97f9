package signal

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/sightline-rtc/sightline/protocol"
)

// errBye is the end of a link that its client wanted.
var errBye = errors.New("bye")

// receive takes in one message of a client. The error is the end of its link.
func (h *Hub) receive(ctx context.Context, c *client, message []byte) error {
	e, body, decodeErr := protocol.Decode(message)
	why := protocol.AsError(decodeErr)
	if why != nil && why.Code != protocol.CodeUnknownType {
		return why
	}
	c.mu.Lock()
	handle, err := c.link.Receive(&e, time.Now())
	if err == nil {
		c.wakeLocked()
	}
	c.mu.Unlock()
	if err != nil {
		return err
	}
	if e.Type == protocol.TypeBye {
		return errBye
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

// fault answers what a client may not say or the hub does not know, and lets the link live.
func (c *client) fault(e protocol.Envelope, why *protocol.Error) {
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
	} else if e.Re != 0 {
		h.invited(ctx, c, e, body)
		return
	}
	c.fault(e, protocol.Errorf(protocol.CodeBadMessage, "a %s does not send %s", c.role, e.Type))
}

// forward carries a description or a candidate to the other end of its session.
func (h *Hub) forward(ctx context.Context, c *client, e protocol.Envelope, body protocol.Message) {
	h.mu.Lock()
	s := c.sessions[e.Session]
	if s == nil {
		if w := h.waitingLocked(c, e.Session); w != nil && len(w.messages) < protocol.MaxPendingPerSession {
			w.messages = append(w.messages, e)
		}
		h.mu.Unlock()
		return // of a session that has ended: its closed is on the way
	}
	limits := s.limits[c.role]
	h.mu.Unlock()

	limit := limits.candidates
	description, _ := body.(*protocol.Describe)
	if description != nil {
		limit = limits.descriptions
	}
	wait(ctx, limit)
	if candidate, ok := body.(*protocol.Candidate); ok {
		h.allow(s, candidate.Candidate)
	}

	h.mu.Lock()
	answered := h.forwardLocked(s, c, e, description)
	h.mu.Unlock()
	if answered {
		h.keep(ctx, s)
	}
}

// forwardLocked reports whether this was the session's first answer.
func (h *Hub) forwardLocked(s *session, c *client, e protocol.Envelope, d *protocol.Describe) bool {
	first := false
	if d != nil && !s.answered() {
		switch {
		case c.role == protocol.RoleDevice && d.Kind == protocol.DescribeAnswer:
			s.row.Answered = time.Now().UTC()
			s.offer = nil
			first = true
		case c.role == protocol.RoleViewer && d.Kind == protocol.DescribeOffer && !s.invited:
			s.offer = &protocol.Offer{Revision: d.Revision, SDP: d.SDP}
			return false // it goes with the invite
		}
	}
	if peer := s.peer(c.role); peer != nil && (s.invited || s.answered()) {
		peer.send(forwarded(e, c.generation))
	} else if c.role == protocol.RoleViewer && !s.answered() && len(s.messages) < protocol.MaxPendingPerSession {
		s.messages = append(s.messages, e)
	}
	return first
}

// forwarded is the envelope as the other end gets it.
func forwarded(e protocol.Envelope, generation uint64) protocol.Envelope {
	e.Seq, e.Ack, e.ID, e.Re, e.Gen = 0, 0, 0, 0, generation
	return e
}

// wait holds the reader of a client that sends too much: nothing is dropped, its own socket backs up.
func wait(ctx context.Context, limit *rate.Limiter) {
	_ = limit.Wait(ctx) //nolint:errcheck // it fails only when the link ends
}

// allow tells the relay an address that signaling saw in a session.
func (h *Hub) allow(s *session, candidate string) {
	fields := strings.Fields(candidate) // RFC 8839 section 5.1: foundation component transport priority address port
	if len(fields) < 6 {
		return
	}
	address, err := netip.ParseAddr(fields[4])
	if err != nil {
		return // a name of multicast DNS
	}
	h.allowAddress(s, address)
}

// allowClients tells the relay the addresses that the session's links come from.
func (h *Hub) allowClients(s *session) {
	h.mu.Lock()
	var addresses []netip.Addr
	for _, c := range []*client{s.viewer, s.device} {
		if c != nil && c.address.IsValid() {
			addresses = append(addresses, c.address)
		}
	}
	h.mu.Unlock()
	for _, address := range addresses {
		h.allowAddress(s, address)
	}
}

func (h *Hub) allowAddress(s *session, address netip.Addr) {
	for _, grant := range []protocol.GrantID{s.row.ViewerGrant, s.row.DeviceGrant} {
		if grant != "" {
			h.config.Relay.Allow(grant, address)
		}
	}
}

// path keeps which way a session's media goes.
func (h *Hub) path(ctx context.Context, c *client, e protocol.Envelope, m *protocol.Path) {
	h.mu.Lock()
	s := c.sessions[e.Session]
	if s != nil {
		s.row.Path = *m
		s.media = time.Now()
	}
	h.mu.Unlock()
	if s != nil {
		h.keep(ctx, s)
		c.logger.Info("path chosen", "session", e.Session, "path", m.Kind, "means", m.Means)
	}
}

// stats takes a report that media flows as a sign of life of its session.
func (h *Hub) stats(c *client, e protocol.Envelope, m *protocol.Stats) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := c.sessions[e.Session]; s != nil && m.Media {
		s.media = time.Now()
	}
}

// invited takes a device's reply to an invite. A refusal ends the session.
func (h *Hub) invited(ctx context.Context, c *client, e protocol.Envelope, body protocol.Message) {
	refusal, refused := body.(*protocol.Error)
	if !refused {
		return
	}
	h.finishOne(ctx, e.Session, protocol.ReasonFor(refusal.Code), func(s *session) bool {
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
	h.finishOne(ctx, e.Session, reasonOf(c.role, reason), func(s *session) bool { return c.sessions[e.Session] == s })
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
	now := time.Now()
	viewer := h.viewer(c)
	if m.Token != "" {
		renewed, err := h.config.Tokens.Verify(m.Token, now)
		if err != nil {
			c.refuse(e, err)
			return
		}
		if renewed.Project != viewer.Project || renewed.Subject != viewer.Subject || renewed.Device != viewer.Device {
			c.refuse(e, protocol.Errorf(protocol.CodeForbidden, "the new token is for somebody or something else"))
			return
		}
		viewer = renewed
	}
	if err := h.checkKey(viewer.Key); err != nil {
		c.refuse(e, err)
		return
	}
	h.mu.Lock()
	c.viewer = viewer
	s := c.sessions[e.Session]
	if s == nil {
		h.mu.Unlock()
		c.refuse(e, protocol.Errorf(protocol.CodeNotFound, "no such session is open"))
		return
	}
	s.row.Expires, s.row.Key = h.lease(viewer, now), viewer.Key
	reply := protocol.Must(protocol.TypeReply, e.Session, &protocol.Reply{Expires: s.row.Expires})
	reply.Re = e.ID
	c.send(reply)
	h.tellPolicyLocked(s)
	h.mu.Unlock()
	h.keep(ctx, s)
}

// tellPolicyLocked tells both ends how the session may go and until when.
func (h *Hub) tellPolicyLocked(s *session) {
	policy := s.policy(h.config.Path)
	for _, c := range []*client{s.viewer, s.device} {
		if c != nil {
			c.send(protocol.Must(protocol.TypePolicy, s.row.ID, &policy))
		}
	}
}
