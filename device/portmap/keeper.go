package portmap

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// keeper is one run of a Mapper. It is not safe for concurrent use.
type keeper struct {
	m        *Mapper
	req      Request
	at       place
	grip     *grip                        // nil: nothing is mapped, or nothing that is of use
	last     map[transport]netip.AddrPort // what was mapped last in this place
	failures int
}

// grip is what one router has mapped.
type grip struct {
	place
	router
	leases []lease
}

// maxSilence is how often in a row a router may not answer before its mapping counts as gone.
const maxSilence = 3

// keep maps the ports until the context ends, over and over.
func (k *keeper) keep(ctx context.Context) {
	k.last = make(map[transport]netip.AddrPort)
	for ctx.Err() == nil {
		if err := k.take(ctx); err != nil {
			k.failed(ctx, err)
			continue
		}
		k.failures = 0
		k.hold(ctx)
	}
}

// take has the ports mapped by the first protocol that does it.
func (k *keeper) take(ctx context.Context) error {
	at, err := k.m.where(ctx)
	if err != nil {
		k.drop()
		return err
	}
	if k.at != at { // what was mapped elsewhere leads nowhere
		k.drop()
		k.at = at
		clear(k.last)
	}
	var reasons []error
	for _, speak := range k.m.speak {
		r, err := speak(ctx, at)
		if err == nil {
			err = k.open(ctx, &grip{place: at, router: r})
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
		k.m.log.Debug("router does not map", "err", err)
		reasons = append(reasons, err)
	}
	return errors.Join(reasons...)
}

// open maps the ports with one router. The first one that is asked for decides, the other is welcome.
func (k *keeper) open(ctx context.Context, g *grip) error {
	for _, a := range k.asks() {
		l, err := wish(ctx, g.router, a, k.wishes(a))
		if err == nil && len(g.leases) > 0 && l.external.Addr() != g.leases[0].external.Addr() {
			// Whoever proves the one address right has proved nothing of another.
			_ = g.remove(ctx, l)
			err = fmt.Errorf("%w: %s and %s", errBroken, g.leases[0].external, l.external)
		}
		switch {
		case err == nil:
			g.leases = append(g.leases, l)
		case ctx.Err() != nil:
			k.inherit(g)
			return err
		case len(g.leases) == 0:
			return err
		default:
			k.m.log.Debug("router does not map", "err", err)
		}
	}
	k.grip = g
	for _, l := range g.leases {
		k.last[l.transport] = l.external
	}
	k.publish()
	return nil
}

// inherit leaves to the end what an unfinished grip has mapped, besides what the one before has.
func (k *keeper) inherit(g *grip) {
	if k.grip != nil && k.grip.protocol() == g.protocol() {
		for _, l := range k.grip.leases {
			if !slices.ContainsFunc(g.leases, func(o lease) bool { return o.transport == l.transport }) {
				g.leases = append(g.leases, l)
			}
		}
	}
	if len(g.leases) > 0 {
		k.grip = g
	}
}

func (k *keeper) asks() []ask {
	var asks []ask
	if k.req.UDP != 0 {
		asks = append(asks, ask{transport: udp, internal: k.req.UDP, lifetime: k.m.cfg.Lifetime})
	}
	if k.req.TCP != 0 {
		asks = append(asks, ask{transport: tcp, internal: k.req.TCP, lifetime: k.m.cfg.Lifetime})
	}
	return asks
}

// wishes are the addresses outside that a port shall have, best first: the one it had, so that what was told to others
// stays true, then the one that is asked for, then the same port as inside.
func (k *keeper) wishes(a ask) []netip.AddrPort {
	var wishes []netip.AddrPort
	add := func(w netip.AddrPort) {
		if w.Port() != 0 && !slices.ContainsFunc(wishes, func(o netip.AddrPort) bool { return o.Port() == w.Port() }) {
			wishes = append(wishes, w)
		}
	}
	add(k.last[a.transport])
	if a.transport == tcp {
		add(netip.AddrPortFrom(netip.IPv4Unspecified(), k.req.ExternalTCP))
	}
	add(netip.AddrPortFrom(netip.IPv4Unspecified(), a.internal))
	return wishes
}

// hold renews and checks what is mapped until that fails, or all is to be made anew.
func (k *keeper) hold(ctx context.Context) {
	renewal := k.renewal(time.Now())
	for {
		now := time.Now()
		timer := time.NewTimer(min(renewal.Sub(now), k.m.cfg.Check))
		select {
		case <-ctx.Done():
		case <-k.m.again:
		case <-k.m.announced: // not every router's clock begins anew
			timer.Stop()
			if k.renew(ctx) {
				renewal = k.renewal(time.Now())
				continue
			}
		case <-timer.C:
			if now = time.Now(); now.Before(renewal) {
				if k.look(ctx) {
					continue
				}
			} else if k.renew(ctx) {
				renewal = k.renewal(time.Now())
				continue
			}
		}
		timer.Stop()
		return
	}
}

// renewal is when the leases are renewed: at half of the shortest, and those that last for ever as if they did not.
func (k *keeper) renewal(now time.Time) time.Time {
	lifetime := k.m.cfg.Lifetime
	for _, l := range k.grip.leases {
		lifetime = min(lifetime, l.lifetime)
	}
	return now.Add(lifetime / 2)
}

// renew asks for the leases again, and for a port that was not mapped so far.
func (k *keeper) renew(ctx context.Context) bool {
	err := k.open(ctx, &grip{place: k.grip.place, router: k.grip.router})
	k.m.log.Debug("mapping renewed", "err", err)
	return err == nil
}

// look reports whether the device is where it was and the router knows the leases.
func (k *keeper) look(ctx context.Context) bool {
	if at, err := k.m.where(ctx); err != nil || at != k.grip.place {
		return false
	}
	err := k.grip.check(ctx, k.grip.leases)
	if err != nil {
		k.m.log.Debug("mapping in doubt", "err", err)
	}
	return err == nil
}

// failed waits before the next try, and gives up what is mapped if the router says no, or nothing for too long.
func (k *keeper) failed(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	k.failures++
	why := fault(err)
	if k.grip == nil || why != protocol.MappingAbsent || k.failures >= maxSilence || k.expired() {
		k.drop()
		k.m.publish(Mapping{}, why)
	}
	wait := min(k.m.cfg.MinRetry<<min(k.failures-1, 16), k.m.cfg.MaxRetry)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-k.m.announced:
	case <-k.m.again:
	}
}

// expired reports whether a lease has ended by itself.
func (k *keeper) expired() bool {
	end := k.grip.expires()
	return !end.IsZero() && time.Now().After(end)
}

func (g *grip) expires() time.Time {
	var first time.Time
	for _, l := range g.leases {
		if end := l.given.Add(l.lifetime); !l.permanent && (first.IsZero() || end.Before(first)) {
			first = end
		}
	}
	return first
}

// drop forgets what is mapped.
func (k *keeper) drop() { k.grip = nil }

// publish tells what is mapped.
func (k *keeper) publish() {
	m := Mapping{Protocol: k.grip.protocol(), Gateway: k.grip.gateway, Expires: k.grip.expires()}
	why := protocol.MappingFault("")
	for _, l := range k.grip.leases {
		if l.transport == udp {
			m.UDP = l.external
		} else {
			m.TCP = l.external
		}
		if behindNAT(l.external.Addr()) {
			why = protocol.MappingDoubleNAT
		}
	}
	k.m.publish(m, why)
}

// leave removes at the end what is mapped, all at once.
func (k *keeper) leave(ctx context.Context) {
	if k.grip != nil {
		ctx, cancel := context.WithTimeout(ctx, k.m.cfg.Removal)
		defer cancel()
		var removing sync.WaitGroup
		for _, l := range k.grip.leases {
			removing.Go(func() {
				if err := k.grip.remove(ctx, l); err != nil {
					k.m.log.Debug("mapping not removed", "err", err)
				}
			})
		}
		removing.Wait()
	}
	k.m.publish(Mapping{}, "")
}
