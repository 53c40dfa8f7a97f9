package signal

import (
	"context"
	"errors"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// prospect is a carrier of another door than the one that its link lives on. It is welcomed and changes nothing until
// the client says its first message on it: a door that swallows messages costs the link nothing.
type prospect struct {
	ride    *ride
	welcome []byte
}

// livesElsewhere reports whether the link has a carrier of another door than k's.
func (c *client) livesElsewhere(k *carrier) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.closed && !c.carrier.lost && c.carrier.transport != k.transport
}

// court makes a carrier a prospect of its link.
func (h *Hub) court(ctx context.Context, r *ride) error {
	c, k := r.client, r.carrier
	servers, _, err := h.provideAgain(ctx, c, &r.identity)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.mayReturnLocked(r); err != nil {
		return err
	}
	c.mu.Lock()
	welcome := c.welcoming(c.welcomeBackLocked(k, servers, time.Now()))
	welcome.Ack = c.link.Received()
	c.mu.Unlock()
	b, err := welcome.Encode()
	if err != nil {
		return err
	}
	r.welcomed = true
	k.prospect = &prospect{r, b}
	return nil
}

// promote puts the link on a prospect whose client has spoken, and said that it has the messages up to received.
func (h *Hub) promote(ctx context.Context, p *prospect, received uint64) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.config.HelloTimeout)
	defer cancel()
	p.ride.received = max(p.ride.received, received)
	err := h.change(ctx, p.ride)
	if errors.Is(err, errNotResumed) {
		return protocol.Errorf(protocol.CodeGoingAway, "the link has ended meanwhile").Because(err)
	}
	return err
}
