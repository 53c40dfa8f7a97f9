package signal

import (
	"context"
	"slices"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func (h *Hub) plan(project protocol.ProjectID) record.Plan {
	if h.config.Plans == nil {
		return record.Plan{}
	}
	return h.config.Plans.Plan(project)
}

// linkTerms are those that a session of the viewer's would have now.
func (c *client) linkTerms(plan record.Plan) record.Terms {
	terms := plan.For(c.hub.bound(c.viewer))
	if c.rationed {
		terms.Path = protocol.PathDirectOnly
	}
	return terms
}

// path is how the session may go. One that has lost the relay does not get it back.
func (s *session) path() protocol.PathPolicy {
	if s.relayless {
		return protocol.PathDirectOnly
	}
	return s.terms.Path
}

// allowance is what the session's ends may have of the relay.
func (s *session) allowance() record.Terms {
	terms := s.terms
	terms.Path = s.path()
	return terms
}

func (s *session) policy() protocol.Policy {
	return protocol.Policy{
		Path: s.path(), RelayDelayMS: s.terms.RelayDelay.Milliseconds(), Quota: s.rationed,
		MaxKbps: s.terms.MaxKbps, MaxRelayS: int(s.terms.MaxRelay / time.Second),
		RelayHD: s.terms.RelayHD == record.Yes, Expires: s.row.Expires,
	}
}

// stun are the servers that tell a client its address, the relay's own first, then more.
func (h *Hub) stun(more ...string) []protocol.ICEServer {
	urls := slices.Concat(h.config.Relay.STUN(), h.config.STUN, more)
	if len(urls) == 0 {
		return nil
	}
	return []protocol.ICEServer{{URLs: urls}}
}

// grantRelay makes a grant usable and returns ICE servers for it. Where only the direct path is left it does not, and there
// are none but for STUN; where there is none but the relay's, nothing else is among them.
func (h *Hub) grantRelay(
	id protocol.GrantID, role protocol.Role, project protocol.ProjectID, terms record.Terms,
) ([]protocol.ICEServer, error) {
	if terms.Path == protocol.PathDirectOnly {
		return h.stun(), nil
	}
	servers, err := h.config.Relay.Grant(id, role)
	if err != nil {
		return nil, err
	}
	h.config.Relay.Assign(id, project, terms.MaxKbps)
	servers = slices.DeleteFunc(servers, func(s protocol.ICEServer) bool { return s.Username == "" })
	if terms.Path == protocol.PathRelayOnly {
		return servers, nil
	}
	return append(h.stun(), servers...), nil
}

// Replan brings the links and sessions for which a project pays to the terms that it has now, and to what it may use of the relay. When its
// budget is used up, relayed sessions end. They and others that may no longer use the relay lose what they have of it, and so
// do viewers that have not opened a session; they get it back when they may again, but a session that lost it stays without.
// It may be called again and again.
func (h *Hub) Replan(ctx context.Context, project protocol.ProjectID) {
	plan := h.plan(project)
	if plan.Exhausted() {
		h.endRelayed(ctx, project)
	}
	h.replanSessions(project, plan, time.Now())
	h.replanLinks(project, plan)
}

func (h *Hub) replanSessions(project protocol.ProjectID, plan record.Plan, now time.Time) {
	var changed []change
	h.mu.Lock()
	for _, s := range h.sessions {
		if s.row.PaidBy() != project {
			continue
		}
		if c := h.settleLocked(s, plan, now); c.told {
			changed = append(changed, c)
			h.tellPolicyLocked(s)
		}
	}
	h.mu.Unlock()
	for _, c := range changed {
		h.enact(c)
	}
}

// change is what new terms mean for a session.
type change struct {
	session *session
	terms   record.Terms
	told    bool // its policy is another
	cut     bool // it has lost the relay
	moved   bool // it may use other servers
}

// settleLocked brings a session to the terms of its project and token.
func (h *Hub) settleLocked(s *session, plan record.Plan, now time.Time) change {
	before := s.policy()
	s.terms = plan.For(s.row.Terms)
	c := change{session: s, terms: s.terms}
	if !s.relayless {
		known := s.row.Path.Kind != "" || now.Sub(s.row.Answered) >= pathGrace
		if plan.Exhausted() && s.answered() && known {
			s.rationed = true
			h.quota.direct.Add(1)
		}
		c.cut = s.rationed || s.terms.Path == protocol.PathDirectOnly
		s.relayless = c.cut
	}
	after := s.policy()
	c.told, c.moved = after != before, after.Path != before.Path
	if c.moved {
		h.enterLocked(s, func(book) {}) // which has the path policy
	}
	return c
}

// enact carries a change to the relay, and new servers to the ends.
func (h *Hub) enact(c change) {
	s := c.session
	if c.cut {
		h.endGrants(s)
		return
	}
	h.mu.Lock()
	relayless, ends := s.relayless, []*client{s.viewer, s.device}
	h.mu.Unlock()
	if relayless {
		return
	}
	for _, grant := range []protocol.GrantID{s.row.ViewerGrant, s.row.DeviceGrant} {
		if grant != "" {
			h.config.Relay.Assign(grant, s.row.PaidBy(), c.terms.MaxKbps)
		}
	}
	for _, end := range ends {
		if end == nil || !c.moved {
			continue
		}
		if err := h.renew(s, end); err != nil {
			h.config.Logger.Warn("relay credentials not renewed", "session", s.row.ID, "err", err)
		}
	}
}

// replanLinks takes viewers' unused grants away where they may not be used, and renews them where that has changed.
func (h *Hub) replanLinks(project protocol.ProjectID, plan record.Plan) {
	var changed []relink
	h.mu.Lock()
	for _, c := range h.clients {
		if c.grant != "" && h.payer(c) == project {
			c.rationed = plan.Exhausted()
			changed = append(changed, h.relinkLocked(c, plan))
		}
	}
	h.mu.Unlock()
	for _, r := range changed {
		h.renewAfter(r)
	}
}

// relink is what new terms mean for a viewer's link: that its unused grant is renewed, or has been replaced by another. It is
// empty where they mean nothing.
type relink struct {
	client       *client
	project      protocol.ProjectID
	ended, fresh protocol.GrantID
}

func (h *Hub) relinkLocked(c *client, plan record.Plan) relink {
	terms := c.linkTerms(plan)
	if c.grant == "" || terms == c.terms {
		return relink{}
	}
	r := relink{client: c, project: h.payer(c)}
	lost := terms.Path == protocol.PathDirectOnly && c.terms.Path != protocol.PathDirectOnly
	if c.terms = terms; lost {
		r.ended, c.grant = c.grant, protocol.GrantID(newSecret())
	}
	r.fresh = c.grant
	return r
}

func (h *Hub) renewAfter(r relink) {
	if r.client == nil {
		return
	}
	if r.ended != "" {
		h.config.Relay.End(r.ended)
	}
	h.renewLink(r.client, r.project, r.fresh)
}

// reconsider is for a viewer that has brought another token.
func (h *Hub) reconsider(c *client) {
	if c.role != protocol.RoleViewer {
		return
	}
	h.mu.Lock()
	r := h.relinkLocked(c, h.plan(h.payer(c)))
	h.mu.Unlock()
	h.renewAfter(r)
}

// renewLink sends a viewer fresh credentials of the grant that it has not used yet.
func (h *Hub) renewLink(c *client, project protocol.ProjectID, grant protocol.GrantID) {
	h.mu.Lock()
	terms := c.linkTerms(h.plan(project))
	h.mu.Unlock()
	servers, err := h.grantRelay(grant, protocol.RoleViewer, project, terms)
	if err != nil {
		h.config.Logger.Warn("relay credentials not renewed", "link", c.id, "err", err)
		return
	}
	c.send(protocol.Must(protocol.TypeICEServers, "", &protocol.ICEServers{ICEServers: servers, Grant: grant}))
}
