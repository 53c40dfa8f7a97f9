package api

import (
	"net/netip"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"golang.org/x/time/rate"

	"github.com/sightline-rtc/sightline/internal/throttle"
)

// How often enrolment may be tried. One address may be a house full of cameras that are set up together, or an office
// that prepares them; all together are a few production lines. A code has 80 bits: no rate that a server can bear
// would let anybody guess one.
const (
	enrolsPerAddress = rate.Limit(0.5)
	enrolsAtOnce     = 20
	enrolsInTotal    = rate.Limit(50)
	enrolsInTotalMax = 200

	// maxAddresses bounds the table, in about 2 MB. An address that has been quiet for quietAddress has its whole
	// allowance back and need not be remembered.
	maxAddresses = 10_000
	quietAddress = time.Duration(enrolsAtOnce/float64(enrolsPerAddress)) * time.Second
	// sweepInterval bounds how much time goes into looking for quiet addresses when the table is full.
	sweepInterval = time.Second
)

// limiter bounds what comes from one address and what comes in total.
type limiter struct {
	// mu guards everything below.
	mu        sync.Mutex
	total     *rate.Limiter
	addresses map[netip.Prefix]*visitor
	swept     time.Time
}

type visitor struct {
	limit *rate.Limiter
	last  time.Time
}

func newLimiter() *limiter {
	return &limiter{total: rate.NewLimiter(enrolsInTotal, enrolsInTotalMax), addresses: map[netip.Prefix]*visitor{}}
}

// wait returns how long an address has to wait before it may try; 0 lets it in.
func (l *limiter) wait(address netip.Addr, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	who := throttle.Household(address)
	v := l.addresses[who]
	if v == nil {
		if len(l.addresses) >= maxAddresses {
			l.sweep(now)
		}
		if len(l.addresses) >= maxAddresses {
			return quietAddress
		}
		v = &visitor{limit: rate.NewLimiter(enrolsPerAddress, enrolsAtOnce)}
		l.addresses[who] = v
	}
	v.last = now
	if wait := take(v.limit, now); wait > 0 {
		return wait
	}
	return take(l.total, now)
}

func (l *limiter) sweep(now time.Time) {
	if now.Sub(l.swept) < sweepInterval {
		return
	}
	l.swept = now
	for who, v := range l.addresses {
		if now.Sub(v.last) >= quietAddress {
			delete(l.addresses, who)
		}
	}
}

// take takes one from the limit if there is one, or says when there will be.
func take(limit *rate.Limiter, now time.Time) time.Duration {
	reservation := limit.ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now)
	}
	return wait
}

// limitEnrols is the middleware of the operation that needs no API key.
func (a *API) limitEnrols(ctx huma.Context, next func(huma.Context)) {
	r, _ := humago.Unwrap(ctx)
	if wait := a.enrols.wait(a.config.ClientAddress(r), a.config.Now()); wait > 0 {
		refuse(ctx, tooMany(wait, "too many devices enrol at once; try again in a moment"))
		return
	}
	next(ctx)
}
