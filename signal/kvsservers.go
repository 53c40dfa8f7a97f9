package signal

import (
	"context"
	"net/http"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/internal/kvs"
	"github.com/sightline-rtc/sightline/protocol"
)

// maxFetched bounds the relay grants that wait for the offer of whoever fetched them, in some 2 MB, and maxFetchedOf those of
// one project: its partner signs tokens as he likes.
const (
	maxFetched   = 8 << 10
	maxFetchedOf = 1 << 10
)

// fetched is a relay grant whose credentials a viewer has been given before it came to a standard door. Hub.mu guards it.
type fetched struct {
	grant  protocol.GrantID
	viewer auth.Viewer
	owner  protocol.ProjectID // of the device
	at     time.Time          // when it was last given away
}

// fetchKey names the viewer of a request: by its device, for which somebody may pay, its token, and its client ID where several
// share that.
func fetchKey(viewer auth.Viewer, r *http.Request) string {
	id := r.URL.Query().Get("X-Amz-ClientId")
	return string(viewer.Device) + "/" + tokenName(viewer) + "/" + id[:min(len(id), kvs.MaxIDBytes)]
}

// ServeKVSServers is GET /v1/kvs/{device}/ice-servers, in the place of KVS' GetIceServerConfig: the ICE servers for a viewer's
// next peer connection. The camera gets STUN servers here, and the relay with each offer.
func (h *Hub) ServeKVSServers(w http.ResponseWriter, r *http.Request) {
	if !h.enterDoor(w, r, http.MethodGet) {
		return
	}
	if !h.enter() {
		h.refuseKVS(w, r, stoppingError)
		return
	}
	defer h.work.Done()
	list, err := h.fetch(r.Context(), r)
	if err != nil {
		h.refuseKVS(w, r, err)
		return
	}
	responseOf(http.StatusOK, kvs.Servers{List: kvs.ServersOf(list, relayLife)}).write(w)
}

func (h *Hub) fetch(ctx context.Context, r *http.Request) ([]protocol.ICEServer, error) {
	if token := tokenOf(r); auth.IsBearer(token) {
		if _, err := h.bearerOf(ctx, token, protocol.DeviceID(r.PathValue("device"))); err != nil {
			return nil, err
		}
		return h.stun(h.config.DeviceSTUN...), nil
	}
	viewer, err := h.visitor(r)
	if err != nil {
		return nil, err
	}
	return h.relayAside(ctx, viewer, fetchKey(viewer, r), time.Now())
}

// relayAside returns the ICE servers of the grant that waits for a viewer.
func (h *Hub) relayAside(ctx context.Context, viewer auth.Viewer, key string, now time.Time) ([]protocol.ICEServer, error) {
	_, owner, err := h.visible(ctx, viewer)
	if err != nil {
		return nil, err
	}
	payer := h.payerFor(viewer, owner)
	plan := h.plan(payer)
	terms := plan.For(h.bound(viewer))
	if plan.Exhausted() {
		terms.Path = protocol.PathDirectOnly
	}
	grant, err := h.setAside(viewer, owner, key, now)
	if err != nil {
		return nil, err
	}
	return h.grantRelay(grant, protocol.RoleViewer, payer, terms)
}

// setAside returns the grant that waits for a viewer, a new one if there is none.
func (h *Hub) setAside(viewer auth.Viewer, owner protocol.ProjectID, key string, now time.Time) (protocol.GrantID, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.mayViewLocked(viewer, now); err != nil {
		return "", err
	}
	f, known := h.fetched[key]
	switch {
	case known:
	case len(h.fetched) >= maxFetched, h.fetchedOf[viewer.Project] >= maxFetchedOf:
		err := protocol.Errorf(protocol.CodeRateLimited, "too many have fetched ICE servers and made no offer")
		err.RetryMS = spread(crowdedWait).Milliseconds()
		return "", err
	default:
		f = fetched{grant: protocol.GrantID(newSecret()), viewer: viewer, owner: owner}
		h.fetchedOf[viewer.Project]++
	}
	f.at = now
	h.fetched[key] = f
	return f.grant, nil
}

// collect makes the grant that waits for a viewer the one of its next session, and returns that.
func (h *Hub) collect(c *client, key string) protocol.GrantID {
	fetched := h.fetchedBy(key)
	h.mu.Lock()
	unused := c.grant
	if fetched != "" {
		c.grant = fetched
	}
	grant := c.grant
	h.mu.Unlock()
	if fetched != "" {
		h.config.Relay.End(unused)
	}
	return grant
}

// fetchedBy returns the grant that waits for a viewer, and lets it go; it is empty if none waits.
func (h *Hub) fetchedBy(key string) protocol.GrantID {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.forgetFetchedLocked(key)
}

// forgetFetchedLocked lets a grant go that waits, and returns it.
func (h *Hub) forgetFetchedLocked(key string) protocol.GrantID {
	f, known := h.fetched[key]
	if !known {
		return ""
	}
	delete(h.fetched, key)
	if h.fetchedOf[f.viewer.Project]--; h.fetchedOf[f.viewer.Project] == 0 {
		delete(h.fetchedOf, f.viewer.Project)
	}
	return f.grant
}

// sweepFetched ends the grants that nobody came for, and those of viewers who have lost access.
func (h *Hub) sweepFetched(now time.Time) {
	var over []protocol.GrantID
	h.mu.Lock()
	for key, f := range h.fetched {
		_, err := h.reach(f.viewer, f.owner, now)
		if now.Sub(f.at) >= relayLife || h.revoked[f.viewer.Key] || err != nil {
			over = append(over, h.forgetFetchedLocked(key))
		}
	}
	h.mu.Unlock()
	for _, grant := range over {
		h.config.Relay.End(grant)
	}
}
