package signal

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/internal/throttle"
	"github.com/sightline-rtc/sightline/protocol"
)

// askedServers returns ICE servers for whom a request authorises, none for others: a preflight of a browser has no token.
// Players ask for them before they offer, in another request that says nothing of the first. So what a token was given at an
// address is kept for the next session of the two.
func (h *Hub) askedServers(r *http.Request) []protocol.ICEServer {
	if tokenOf(r) == "" || r.Header.Get("Access-Control-Request-Method") != "" || !h.Ready() {
		return nil
	}
	viewer, err := h.visitor(r)
	if err != nil {
		return nil
	}
	servers, err := h.relayAside(r.Context(), viewer, askKey(viewer, h.config.ClientAddress(r)), time.Now())
	if err != nil {
		h.config.Logger.Debug("ice servers not told", "device", viewer.Device, "err", err)
	}
	return servers
}

// askKey names a player of a device as far as one can be told from others.
func askKey(viewer auth.Viewer, from netip.Addr) string {
	return string(viewer.Device) + "/" + tokenName(viewer) + "/" + throttle.Household(from).String()
}

// spareGrant ends the grant of a viewer that opens no other session.
func (h *Hub) spareGrant(c *client) {
	h.mu.Lock()
	grant := c.grant
	c.grant = ""
	h.mu.Unlock()
	h.endGrant(grant)
}

func (h *Hub) endGrant(grant protocol.GrantID) {
	if grant != "" {
		h.config.Relay.End(grant)
	}
}
