package signal

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// pathGrace is how long an answered session may be silent about its path before it loses the relay of a project whose
// budget is used up: ICE finds a path, and both ends report it, in far less.
const pathGrace = 30 * time.Second

// quota counts what used-up relay budgets have done.
type quota struct{ ended, direct, refused atomic.Uint64 }

// Quota says what used-up relay budgets have done since the hub was made: sessions ended, sessions that were left only the
// direct path, opens refused because they may go no other way than through a relay.
type Quota struct{ Ended, Direct, Refused uint64 }

// Quota returns what used-up relay budgets have done.
func (h *Hub) Quota() Quota {
	return Quota{Ended: h.quota.ended.Load(), Direct: h.quota.direct.Load(), Refused: h.quota.refused.Load()}
}

func (h *Hub) plan(project protocol.ProjectID) record.Plan {
	if h.config.Plans == nil {
		return record.Plan{}
	}
	return h.config.Plans.Plan(project)
}

// grantRelay makes a grant usable and returns ICE servers for it. Relays are not among them when the project's budget is
// used up, or the session is left only the direct path: nobody has credentials for the grant then.
func (h *Hub) grantRelay(
	id protocol.GrantID, role protocol.Role, project protocol.ProjectID, rationed bool,
) ([]protocol.ICEServer, error) {
	servers, err := h.config.Relay.Grant(id, role)
	if err != nil {
		return nil, err
	}
	plan := h.plan(project)
	h.config.Relay.Assign(id, project, plan.MaxKbps)
	if rationed || plan.Exhausted() {
		servers = slices.DeleteFunc(servers, func(s protocol.ICEServer) bool { return s.Username != "" })
	}
	return servers, nil
}

// Replan brings a project's links and sessions to what it may use of the relay now. When its budget is used up, relayed
// sessions end, the others lose what they have of the relay, and so do viewers that have not opened a session. When there
// is budget again, viewers get the relay back; a session that lost it stays without. It may be called again and again.
func (h *Hub) Replan(ctx context.Context, project protocol.ProjectID) {
	plan := h.plan(project)
	if plan.Exhausted() {
		h.endRelayed(ctx, project)
	}
	h.replanSessions(project, plan, time.Now())
	h.replanLinks(project, plan)
}

func (h *Hub) endRelayed(ctx context.Context, project protocol.ProjectID) {
	h.finishAll(ctx, protocol.ReasonQuota, h.sessions, func(s *session) bool {
		relayed := s.row.Project == project && s.answered() && !s.rationed && s.row.Path.Kind == protocol.PathRelay
		if relayed {
			h.quota.ended.Add(1)
		}
		return relayed
	})
}

func (h *Hub) replanSessions(project protocol.ProjectID, plan record.Plan, now time.Time) {
	var cut, capped []*session
	h.mu.Lock()
	for _, s := range h.sessions {
		if s.row.Project != project || s.rationed {
			continue
		}
		known := s.row.Path.Kind != "" || now.Sub(s.row.Answered) >= pathGrace
		switch {
		case plan.Exhausted() && s.answered() && known:
			s.rationed = true
			h.quota.direct.Add(1)
			cut = append(cut, s)
		case s.maxKbps != plan.MaxKbps:
			s.maxKbps = plan.MaxKbps
			capped = append(capped, s)
		default:
			continue
		}
		h.tellPolicyLocked(s)
	}
	h.mu.Unlock()
	for _, s := range cut {
		h.endGrants(s)
	}
	for _, s := range capped {
		for _, grant := range []protocol.GrantID{s.row.ViewerGrant, s.row.DeviceGrant} {
			if grant != "" {
				h.config.Relay.Assign(grant, project, plan.MaxKbps)
			}
		}
	}
}

// replanLinks takes viewers' unused grants away, or gives them some that are good again.
func (h *Hub) replanLinks(project protocol.ProjectID, plan record.Plan) {
	var ended []protocol.GrantID
	due := map[*client]protocol.GrantID{}
	h.mu.Lock()
	for _, c := range h.clients {
		if c.grant == "" || c.viewer.Project != project || c.rationed == plan.Exhausted() {
			continue
		}
		if c.rationed = plan.Exhausted(); c.rationed {
			ended = append(ended, c.grant)
			c.grant = protocol.GrantID(newSecret())
		}
		due[c] = c.grant
	}
	h.mu.Unlock()
	for _, grant := range ended {
		h.config.Relay.End(grant)
	}
	for c, grant := range due {
		h.renewLink(c, project, grant)
	}
}

// renewLink sends a viewer fresh credentials of the grant that it has not used yet.
func (h *Hub) renewLink(c *client, project protocol.ProjectID, grant protocol.GrantID) {
	servers, err := h.grantRelay(grant, protocol.RoleViewer, project, false)
	if err != nil {
		h.config.Logger.Warn("relay credentials not renewed", "link", c.id, "err", err)
		return
	}
	c.send(protocol.Must(protocol.TypeICEServers, "", &protocol.ICEServers{ICEServers: servers, Grant: grant}))
}

// causeOf is the reason that a client gives for the end of a session. Where only the direct path was left and there is
// none, that is the budget.
func (h *Hub) causeOf(id protocol.SessionID, role protocol.Role, reason protocol.Reason) protocol.Reason {
	h.mu.Lock()
	defer h.mu.Unlock()
	failed := reason == protocol.ReasonICEFailed || reason == protocol.ReasonQuota
	if s := h.sessions[id]; s != nil && s.rationed && failed {
		return protocol.ReasonQuota
	}
	return reasonOf(role, reason)
}
