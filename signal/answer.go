package signal

import (
	"context"
	"net/netip"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/internal/whep"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// Answer opens a session for a backend that has a whole offer and wants a whole answer: it waits for the device's answer, and
// for all of its candidates, no longer than it may. Who has the answer's resource may trickle, restart ICE and end the session
// as by the WHEP door. It fails as an open does, with CodeInvalid for an offer that cannot be served, and with CodeTimeout.
func (h *Hub) Answer(ctx context.Context, viewer auth.Viewer, sdp string, wait time.Duration) (record.SessionAnswer, error) {
	offer, err := whep.ReadOffer(sdp)
	if err != nil {
		return record.SessionAnswer{}, err
	}
	if !h.enter() {
		return record.SessionAnswer{}, stoppingError
	}
	defer h.work.Done()
	if viewer.ID == "" { // nobody minted a token
		viewer.ID = newSecret()
	}
	c, answer, err := h.connect(ctx, callConfig{
		viewer: viewer, address: netip.Addr{}, program: protocol.Client{Name: "api"}, door: protocol.TransportREST,
	}, offer, wait, wait)
	if err != nil {
		return record.SessionAnswer{}, err
	}
	made := h.putResource(c)
	return record.SessionAnswer{
		Session: c.id, SDP: answer, Expires: c.expires(), Resource: c.location(), ETag: made.current().etag,
		ICEServers: c.guest.welcome.ICEServers,
	}, nil
}
