package signal

import (
	"context"
	"errors"
	"time"

	"golang.org/x/time/rate"

	"github.com/sightline-rtc/sightline/protocol"
)

// forward carries a description or a candidate to the other end of its session.
func (h *Hub) forward(ctx context.Context, c *client, e protocol.Envelope, body protocol.Message) {
	description, _ := body.(*protocol.Describe)
	if description != nil && (c.role == protocol.RoleViewer) != (description.Kind == protocol.DescribeOffer) {
		c.fault(e, protocol.Errorf(protocol.CodeBadMessage, "a %s does not send a description of kind %s", c.role, description.Kind))
		return
	}
	s, err := h.sessionOf(c, e)
	if err != nil {
		c.fault(e, protocol.AsError(err))
	}
	if s == nil {
		c.chargeChatter()
		return // it waits, or its session has ended and closed is on the way
	}
	limit := s.limits[c.role].candidates
	if description != nil {
		limit = s.limits[c.role].descriptions
	}
	wait(ctx, limit)
	h.mu.Lock()
	ready := h.prepareLocked(s, c, body)
	h.mu.Unlock()
	for _, m := range ready {
		message := e
		if m != body {
			message = rewritten(e, m)
		}
		if !h.handOn(ctx, s, c, message, m) {
			return
		}
	}
}

// handOn carries what is ready to the other end, and tells the relay of it. It reports whether the session goes on.
func (h *Hub) handOn(ctx context.Context, s *session, c *client, e protocol.Envelope, body protocol.Message) bool {
	h.allowMessage(s, c.role, body)
	description, _ := body.(*protocol.Describe)
	answered, err := h.pass(s, c, e, description)
	if h.overShare(ctx, s, err) {
		return false
	}
	if err != nil {
		c.fault(e, protocol.AsError(err))
	}
	if answered {
		h.keep(ctx, s)
	}
	return true
}

// sessionOf returns the session that a client's message belongs to, nil if there is none. A message of an open that
// waits is put behind it, which fails when too much waits.
func (h *Hub) sessionOf(c *client, e protocol.Envelope) (*session, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := c.sessions[e.Session]; s != nil {
		return s, nil
	}
	if w := h.waitingLocked(c, e.Session); w != nil {
		return nil, w.behind.add(e)
	}
	return nil, nil
}

// pass hands a message on, or keeps it until it can be. It reports whether this was the session's first answer, and
// fails when the message is too large for the other link or too many wait.
func (h *Hub) pass(s *session, c *client, e protocol.Envelope, d *protocol.Describe) (first bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.sessions[e.Session] != s {
		return false, nil // it ended while the reader had to wait
	}
	if d != nil && !s.answered() {
		switch {
		case c.role == protocol.RoleDevice && d.Kind == protocol.DescribeAnswer:
			s.row.Answered = time.Now().UTC()
			s.offer = nil
			first = true
		case c.role == protocol.RoleViewer && d.Kind == protocol.DescribeOffer && s.opened && !s.invited:
			s.offer = &protocol.Offer{Revision: d.Revision, SDP: d.SDP}
			return false, nil // it goes with the invite
		}
	}
	if peer := s.peer(c.role); peer != nil && (s.invited || s.answered()) {
		return first, peer.relay(forwarded(e, c.generation))
	}
	if c.role == protocol.RoleViewer && !s.answered() {
		return first, s.behind.add(e)
	}
	return first, nil // the other end is away, and will be told the state when it comes back
}

// overShare ends a session that the other end's link has too much of, so that the link is left to its other sessions. It
// reports whether that is why a message was not handed on.
func (h *Hub) overShare(ctx context.Context, s *session, err error) bool {
	if !errors.Is(err, &protocol.Error{Code: protocol.CodeQuota}) {
		return false
	}
	h.config.Logger.Warn("session over its share of a link", "session", s.row.ID, "device", s.row.Device, "err", err)
	h.finishOne(ctx, s.row.ID, protocol.ReasonQuota, func(other *session) bool { return other == s })
	return true
}

// forwarded is the envelope as the other end gets it.
func forwarded(e protocol.Envelope, generation uint64) protocol.Envelope {
	e.Seq, e.Ack, e.ID, e.Re, e.Gen = 0, 0, 0, 0, generation
	return e
}

// wait holds the reader of a client that sends too much: nothing is dropped, its own socket backs up.
func wait(ctx context.Context, limit *rate.Limiter) {
	_ = limit.Wait(ctx) // it fails only when the link ends
}
