package portmap

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// transport is what a port belongs to.
type transport string

const (
	udp transport = "udp"
	tcp transport = "tcp"
)

// place is where the device and its router stand.
type place struct {
	gateway, local netip.Addr
}

// ask is a port that a router is asked for.
type ask struct {
	transport transport
	internal  uint16
	// wish is the address outside that is wanted; port 0 means any, no address means any.
	wish     netip.AddrPort
	lifetime time.Duration
}

// lease is a port as a router gave it.
type lease struct {
	transport transport
	internal  uint16
	external  netip.AddrPort
	// lifetime runs from given. One that is permanent lasts until it is removed.
	lifetime  time.Duration
	permanent bool
	given     time.Time
}

// router is a gateway that is asked by one of the protocols. Its methods take a time that is bounded by themselves, and
// end with the context.
type router interface {
	protocol() protocol.PortMapping
	// open maps a port, or renews its mapping. The router may give another port outside than the one wished for.
	open(ctx context.Context, a ask) (lease, error)
	remove(ctx context.Context, l lease) error
	// check fails with errLost if the router does not know the leases any more.
	check(ctx context.Context, leases []lease) error
}

// What goes wrong with a router.
var (
	errAbsent  = errors.New("no answer")           // also from what answers by another protocol
	errRefused = errors.New("the router refuses")  // the port, or all of them
	errTaken   = errors.New("the port is taken")   // another one may be free
	errBroken  = errors.New("the answer is wrong") // it cannot be true
	errLost    = errors.New("the mapping is lost") // the router restarted, forgot, or has another address
	errInner   = errors.New("the router has no public address")
)

// fault is what an end is told of an error.
func fault(err error) protocol.MappingFault {
	switch {
	case errors.Is(err, errInner): // and yet the device is on the Internet
		return protocol.MappingDoubleNAT
	case errors.Is(err, errRefused), errors.Is(err, errTaken):
		return protocol.MappingRefused
	case errors.Is(err, errBroken):
		return protocol.MappingBroken
	}
	return protocol.MappingAbsent
}

const (
	// minLifetime is the least that can be renewed in time: RFC 6887 section 11.2.1 has at least 4 s between renewals,
	// the first of them at half of the lifetime.
	minLifetime = 8 * time.Second
	// maxLifetime is what any longer one is taken for (RFC 6887 section 15).
	maxLifetime = 24 * time.Hour
)

// bounded checks what a router gave and cuts its lifetime.
func bounded(l lease) (lease, error) {
	switch {
	case l.external.Addr().IsUnspecified():
		return lease{}, errInner
	case l.external.Port() == 0 || !plausible(l.external.Addr()):
		return lease{}, fmt.Errorf("%w: mapped to %s", errBroken, l.external)
	case !l.permanent && l.lifetime < minLifetime:
		return lease{}, fmt.Errorf("%w: mapped for %s", errBroken, l.lifetime)
	}
	l.lifetime = min(l.lifetime, maxLifetime)
	return l, nil
}

// wish opens a port at the first of some addresses outside that is free, and at any if none is.
func wish(ctx context.Context, r router, a ask, wishes []netip.AddrPort) (lease, error) {
	for _, w := range wishes {
		a.wish = w
		l, err := obtain(ctx, r, a)
		switch {
		case errors.Is(err, errTaken):
			continue
		case err != nil || l.external.Port() == w.Port() || w == wishes[len(wishes)-1]:
			return l, err
		}
		// While the router maps the port somewhere else it gives no other place.
		if err := r.remove(ctx, l); err != nil {
			return l, nil //nolint:nilerr // it stays open, and is as good as another one
		}
	}
	a.wish = netip.AddrPort{}
	return obtain(ctx, r, a)
}

// obtain opens a port and does not keep what is of no use.
func obtain(ctx context.Context, r router, a ask) (lease, error) {
	given, err := r.open(ctx, a)
	if err != nil {
		return lease{}, err
	}
	given.given = time.Now()
	l, err := bounded(given)
	if err != nil {
		_ = r.remove(ctx, given) // what it answers to that is no better
		return lease{}, err
	}
	return l, nil
}
