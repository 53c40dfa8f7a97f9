package portmap

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// igdTimeout bounds the search for a router of UPnP with all that it says of itself.
	igdTimeout = 10 * time.Second
	// undoTimeout keeps the end of a program within about a second.
	undoTimeout = 500 * time.Millisecond
)

// igd is a router that speaks UPnP's Internet Gateway Device.
type igd struct {
	place
	actions

	mu sync.Mutex // guards what follows
	// permanent says that the router knows mappings for ever only, blind that it does not show those that it has.
	permanent, blind bool
}

// findIGD searches for the gateway's service that maps ports.
func findIGD(ctx context.Context, s search, timeout time.Duration) (*igd, error) {
	ctx, cancel := context.WithTimeout(ctx, igdTimeout)
	defer cancel()
	client := gatewayClient(s.place, timeout)
	reason := errAbsent
	var router *igd
	ok, err := s.run(ctx, func(location *url.URL) bool {
		services, err := describe(ctx, client, location, s.gateway)
		if err != nil {
			reason = err
			return false
		}
		for _, found := range services {
			a := actions{service: found, client: client}
			if _, err := a.address(ctx); err != nil {
				reason = err
				continue // another service may be the line that is up
			}
			router = &igd{place: s.place, actions: a}
			return true
		}
		return false
	})
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, fmt.Errorf("find upnp gateway: %w", reason)
	}
	return router, nil
}

func (*igd) protocol() protocol.PortMapping { return protocol.PortMappingUPnP }

func (g *igd) open(ctx context.Context, a ask) (lease, error) {
	external, permanent, err := g.reserve(ctx, a)
	if err != nil {
		return lease{}, fmt.Errorf("map %s by upnp: %w", a.transport, err)
	}
	address, err := g.address(ctx)
	if err != nil {
		g.undo(ctx, a.transport, external)
		return lease{}, fmt.Errorf("map %s by upnp: %w", a.transport, err)
	}
	g.readBack(ctx, a, external)
	return lease{
		transport: a.transport, internal: a.internal, external: netip.AddrPortFrom(address, external),
		lifetime: a.lifetime, permanent: permanent,
	}, nil
}

// reserve maps the port that is wished for, or with none wished some port.
func (g *igd) reserve(ctx context.Context, a ask) (external uint16, permanent bool, err error) {
	if external = a.wish.Port(); external != 0 {
		permanent, err = g.take(ctx, a, external)
		return external, permanent, err
	}
	for range anyPortTries {
		external = uint16(firstDynamic + rand.N(1<<16-firstDynamic)) //nolint:gosec // no secret, and it fits
		if g.kind == wanIP2 {
			permanent, err = g.lasting(a.lifetime, func(lifetime time.Duration) error {
				external, err = g.addAny(ctx, portMapping(a, external, g.local, lifetime))
				return err
			})
		} else {
			permanent, err = g.take(ctx, a, external)
		}
		if !errors.Is(err, errTaken) {
			break
		}
	}
	return external, permanent, err
}

// take maps one port unless it leads to another machine: some routers would give it away without a word.
func (g *igd) take(ctx context.Context, a ask, external uint16) (permanent bool, err error) {
	if at, there, err := g.look(ctx, a.transport, external); err == nil && there && at != g.own(a.internal) {
		return false, fmt.Errorf("%w: %d", errTaken, external)
	}
	permanent, err = g.lasting(a.lifetime, func(lifetime time.Duration) error {
		return g.add(ctx, portMapping(a, external, g.local, lifetime))
	})
	if ctx.Err() != nil {
		g.undo(ctx, a.transport, external) // nobody will remove what is being mapped
	}
	return permanent, err
}

// undo removes what has just been mapped, even after the end of the context. What a router answers to that changes
// nothing.
func (g *igd) undo(ctx context.Context, t transport, external uint16) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	_ = g.actions.remove(ctx, t, external)
}

// lasting adds a mapping for a time, or for ever (0) with a router that knows no other.
func (g *igd) lasting(lifetime time.Duration, add func(time.Duration) error) (permanent bool, err error) {
	g.mu.Lock()
	permanent = g.permanent
	g.mu.Unlock()
	if !permanent {
		err = add(lifetime)
		if !errors.Is(err, igdError(igdPermanentOnly)) && !errors.Is(err, igdError(igdInvalidArgs)) {
			return false, err
		}
	}
	if err := add(0); err != nil {
		return false, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.permanent = true
	return true, nil
}

// readBack finds out whether the router shows the mapping that it has just made.
func (g *igd) readBack(ctx context.Context, a ask, external uint16) {
	at, there, err := g.look(ctx, a.transport, external)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.blind = err != nil || !there || at != g.own(a.internal)
}

func (g *igd) own(internal uint16) entry {
	return entry{client: g.local.String(), internal: strconv.Itoa(int(internal))}
}

func (g *igd) remove(ctx context.Context, l lease) error {
	if err := g.actions.remove(ctx, l.transport, l.external.Port()); err != nil {
		return fmt.Errorf("remove %s by upnp: %w", l.transport, err)
	}
	return nil
}

// check looks at the router's address and at the mappings themselves.
func (g *igd) check(ctx context.Context, leases []lease) error {
	address, err := g.address(ctx)
	if err != nil {
		return fmt.Errorf("check upnp: %w", err)
	}
	g.mu.Lock()
	blind := g.blind
	g.mu.Unlock()
	for _, l := range leases {
		if l.external.Addr() != address {
			return errLost
		}
		if blind {
			continue
		}
		at, there, err := g.look(ctx, l.transport, l.external.Port())
		if err != nil {
			return fmt.Errorf("check upnp: %w", err)
		}
		if !there || at != g.own(l.internal) {
			return errLost
		}
	}
	return nil
}
