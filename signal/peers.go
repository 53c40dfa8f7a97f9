package signal

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/sightline-rtc/sightline/protocol"
)

// What an end of a session says of its addresses is told to the relay as peers of the other end: a relay talks to nobody
// else. An end cannot name peers for itself.

// allowMessage tells the relay the addresses in a message of one end.
func (h *Hub) allowMessage(s *session, from protocol.Role, body protocol.Message) {
	switch m := body.(type) {
	case *protocol.Candidate:
		h.allowCandidate(s, from, m.Candidate)
	case *protocol.Describe:
		h.allowDescription(s, from, m)
	case *protocol.Sync:
		if m.Description != nil {
			h.allowDescription(s, from, m.Description)
		}
		for i := range m.Candidates {
			h.allowCandidate(s, from, m.Candidates[i].Candidate)
		}
	}
}

// allowOpen tells the relay what a viewer has said before its session began: an offer, and messages that waited.
func (h *Hub) allowOpen(s *session) {
	h.mu.Lock()
	offer, waited := screenOffer(s.path(), s.offer), screenAll(s.path(), s.behind.messages)
	h.mu.Unlock()
	if offer != nil {
		h.allowSDP(s, protocol.RoleViewer, offer.SDP)
	}
	for _, e := range waited {
		if body := waitedBody(e); body != nil {
			h.allowMessage(s, protocol.RoleViewer, body)
		}
	}
}

// allowOffer does so for an open that was sent again.
func (h *Hub) allowOffer(s *session, w *waiting) {
	h.mu.Lock()
	offer := h.prepareOfferLocked(s, w.viewer, w.open.Offer)
	h.mu.Unlock()
	if offer != nil {
		h.allowSDP(s, protocol.RoleViewer, offer.SDP)
	}
}

// allowDescription takes the places of a device too that no line of its SDP has.
func (h *Hub) allowDescription(s *session, from protocol.Role, d *protocol.Describe) {
	h.allowSDP(s, from, d.SDP)
	for _, o := range d.Origins {
		if peer, err := netip.ParseAddrPort(o.Address); err == nil && peer.Port() != 0 {
			h.allowPeer(s, from, netip.AddrPortFrom(peer.Addr().Unmap().WithZone(""), peer.Port()))
		}
	}
}

// allowSDP reads nothing of an SDP but the lines of its candidates (RFC 8839 section 5.1).
func (h *Hub) allowSDP(s *session, from protocol.Role, sdp string) {
	for line := range strings.Lines(sdp) {
		if candidate, ok := strings.CutPrefix(line, "a="); ok && strings.HasPrefix(candidate, "candidate:") {
			h.allowCandidate(s, from, candidate)
		}
	}
}

func (h *Hub) allowCandidate(s *session, from protocol.Role, candidate string) {
	if peer, ok := candidateAddress(candidate); ok {
		h.allowPeer(s, from, peer)
	}
}

// candidateAddress reads the transport address of a candidate. It reports false for a name of multicast DNS, and for what
// is no candidate.
func candidateAddress(candidate string) (netip.AddrPort, bool) {
	fields := strings.Fields(candidate) // RFC 8839 section 5.1: foundation component transport priority address port
	if len(fields) < 6 {
		return netip.AddrPort{}, false
	}
	address, err := netip.ParseAddr(fields[4])
	if err != nil {
		return netip.AddrPort{}, false
	}
	port, err := strconv.ParseUint(fields[5], 10, 16)
	if err != nil || port == 0 {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(address.Unmap(), uint16(port)), true
}

// allowClients tells the relay the addresses that the session's links come from. A NAT gives media other ports than it
// gives a link. Where everything is relayed, no relay has a peer but another relay.
func (h *Hub) allowClients(s *session) {
	addresses := map[protocol.Role]netip.Addr{}
	h.mu.Lock()
	for _, c := range []*client{s.viewer, s.device} {
		if c != nil && c.address.IsValid() && s.path() != protocol.PathRelayOnly {
			addresses[c.role] = c.address
		}
	}
	h.mu.Unlock()
	for role, address := range addresses {
		h.allowPeer(s, role, netip.AddrPortFrom(address, 0))
	}
}

// allowSessions does so for all sessions of a client, which may have come from elsewhere.
func (h *Hub) allowSessions(c *client) {
	h.mu.Lock()
	sessions := make([]*session, 0, len(c.sessions))
	for _, s := range c.sessions {
		sessions = append(sessions, s)
	}
	h.mu.Unlock()
	for _, s := range sessions {
		h.allowClients(s)
	}
}

func (h *Hub) allowPeer(s *session, of protocol.Role, peer netip.AddrPort) {
	grant := s.row.ViewerGrant
	if of == protocol.RoleViewer {
		grant = s.row.DeviceGrant
	}
	if grant != "" {
		h.config.Relay.Allow(grant, peer)
	}
}
