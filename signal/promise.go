package signal

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/internal/throttle"
	"github.com/sightline-rtc/sightline/protocol"
)

// Players ask for ICE servers (OPTIONS) before they offer, in another request that says nothing of the first. So what a token
// was given at an address is kept for a moment, and the next session of the two has it.

const (
	// promiseLife is how long a player may gather before it offers.
	promiseLife = time.Minute
	// maxPromises bounds those that are kept, in about 1 MB, and maxTokenPromises those of one player.
	maxPromises      = 4096
	maxTokenPromises = 4
)

// asker is who was promised something.
type asker struct {
	token string
	home  netip.Prefix
}

type promise struct {
	grant protocol.GrantID
	until time.Time
}

// promises are relay grants without a session, the oldest of each asker first.
type promises map[asker][]promise

// promiseRelay returns ICE servers for whom a request authorises, none for others: a preflight of a browser has no token.
func (h *Hub) promiseRelay(r *http.Request) []protocol.ICEServer {
	if tokenOf(r) == "" || r.Header.Get("Access-Control-Request-Method") != "" || !h.Ready() {
		return nil
	}
	viewer, err := h.visitor(r)
	if err != nil {
		return nil
	}
	now := time.Now()
	h.mu.Lock()
	err = h.mayViewLocked(viewer, now)
	h.mu.Unlock()
	if err != nil {
		return nil
	}
	plan := h.plan(viewer.Project)
	terms := plan.For(viewer.Terms)
	if plan.Exhausted() {
		terms.Path = protocol.PathDirectOnly
	}
	grant := protocol.GrantID(newSecret())
	servers, err := h.grantRelay(grant, protocol.RoleViewer, viewer.Project, terms)
	if err != nil {
		h.config.Logger.Warn("relay credentials not promised", "device", viewer.Device, "err", err)
		return nil
	}
	h.whep.promise(h, viewer, h.config.ClientAddress(r), promise{grant, now.Add(promiseLife)})
	return servers
}

func (d *whepDoor) promise(h *Hub, viewer auth.Viewer, from netip.Addr, p promise) {
	who := asker{viewer.ID, throttle.Household(from)}
	var dropped []promise
	d.mu.Lock()
	list := append(d.promises[who], p)
	if len(list) > maxTokenPromises {
		dropped, list = list[:1], list[1:]
	}
	if len(d.promises) >= maxPromises {
		for other, theirs := range d.promises {
			dropped = append(dropped, theirs...)
			delete(d.promises, other)
			break
		}
	}
	d.promises[who] = list
	d.mu.Unlock()
	h.endPromises(dropped)
}

// keepPromise returns the grant that a player has credentials of, empty if it has none.
func (h *Hub) keepPromise(viewer auth.Viewer, from netip.Addr) protocol.GrantID {
	who := asker{viewer.ID, throttle.Household(from)}
	h.whep.mu.Lock()
	defer h.whep.mu.Unlock()
	list := h.whep.promises[who]
	if len(list) == 0 {
		return ""
	}
	if len(list) == 1 {
		delete(h.whep.promises, who)
	} else {
		h.whep.promises[who] = list[1:]
	}
	return list[0].grant
}

func (h *Hub) forgetPromise(grant protocol.GrantID) {
	if grant != "" {
		h.config.Relay.End(grant)
	}
}

// unpromise takes the grant of a viewer that will not use it.
func (h *Hub) unpromise(c *client) {
	h.mu.Lock()
	grant := c.grant
	c.grant = ""
	h.mu.Unlock()
	h.forgetPromise(grant)
}

func (h *Hub) endPromises(list []promise) {
	for _, p := range list {
		h.config.Relay.End(p.grant)
	}
}

// sweepPromises ends what nobody came for.
func (h *Hub) sweepPromises(now time.Time) {
	var over []promise
	h.whep.mu.Lock()
	for who, list := range h.whep.promises {
		for len(list) > 0 && !now.Before(list[0].until) {
			over, list = append(over, list[0]), list[1:]
		}
		if h.whep.promises[who] = list; len(list) == 0 {
			delete(h.whep.promises, who)
		}
	}
	h.whep.mu.Unlock()
	h.endPromises(over)
}
