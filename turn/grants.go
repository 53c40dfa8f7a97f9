package turn

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const (
	// maxGrants bounds the grants in memory: more sessions than one process can relay, at some 200 bytes each.
	maxGrants = 1 << 18
	// maxAllocations bounds the allocations of one grant: UDP and TCP, each interface, each family, a restart.
	maxAllocations = 16

	// lookupsPerSecond and lookupBurst bound what strangers can make us ask of the store: a valid key ID is no secret.
	// The burst lets a measuring tool start a thousand sessions at once.
	lookupsPerSecond = 200
	lookupBurst      = 1000
	// lookupTimeout bounds one look-up, during which a UDP listener waits, and lookupPause is how long none is made
	// after one that took so long: a store that hangs costs the relay a tenth of its time.
	lookupTimeout = 100 * time.Millisecond
	lookupPause   = time.Second
)

var (
	errGrantEnded     = errors.New("the grant has ended")
	errTooManyGrants  = errors.New("too many grants")
	errAllocationsMax = errors.New("too many allocations of one grant")
)

// grants knows which grants live and which relays they have. Safe for concurrent use.
type grants struct {
	lookup  func(context.Context, protocol.GrantID) (record.Grant, bool)
	limiter *rate.Limiter
	// life is how long credentials may still be about after a grant has ended.
	life time.Duration
	// sockets counts the relays that pion/turn has not let go of. None is added once closed is set.
	sockets sync.WaitGroup

	// mu guards the fields below.
	mu     sync.Mutex
	known  map[protocol.GrantID]*grant
	closed bool
	// asleep is until when no look-ups are made.
	asleep time.Time
}

type grant struct {
	ended bool
	// project and cap are as assigned, or as they were looked up.
	project protocol.ProjectID
	cap     *rateCap
	// forget is when the entry goes: for one that was looked up its end, for an ended one the end of its last
	// credentials. Zero means not yet.
	forget time.Time
	peers  *sighted
	relays map[*relay]struct{}
	proofs []proof
}

func newGrant(maxKbps int) *grant { return &grant{peers: new(sighted), cap: newRateCap(maxKbps)} }

func newGrants(lookup func(context.Context, protocol.GrantID) (record.Grant, bool), life time.Duration) *grants {
	return &grants{
		lookup: lookup, limiter: rate.NewLimiter(lookupsPerSecond, lookupBurst), life: life,
		known: make(map[protocol.GrantID]*grant),
	}
}

// open makes a grant alive until it is ended.
func (g *grants) open(id protocol.GrantID) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	entry := g.known[id]
	switch {
	case entry == nil && len(g.known) >= maxGrants:
		return errTooManyGrants
	case entry == nil:
		entry = newGrant(0)
		g.known[id] = entry
	case entry.ended:
		return errGrantEnded
	default:
		entry.forget = time.Time{}
	}
	entry.peers.bound.Store(true)
	return nil
}

// alive reports whether a grant is known and has not ended.
func (g *grants) alive(id protocol.GrantID, now time.Time) bool {
	alive, _ := g.state(id, now)
	return alive
}

func (g *grants) state(id protocol.GrantID, now time.Time) (alive, known bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	entry := g.known[id]
	if entry == nil {
		return false, false
	}
	return !g.closed && !entry.ended && (entry.forget.IsZero() || now.Before(entry.forget)), true
}

// admit reports whether a grant is alive, and asks the store about one that was never pushed.
func (g *grants) admit(ctx context.Context, id protocol.GrantID, now time.Time) bool {
	alive, known := g.state(id, now)
	if known || g.lookup == nil || !g.mayLookUp(now) {
		return alive
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	found, ok := g.lookup(ctx, id)
	if ctx.Err() != nil {
		g.sleep(time.Now().Add(lookupPause))
		return false
	}
	if !ok || !now.Before(found.Expires) {
		return false
	}
	return g.adopt(id, found, now)
}

func (g *grants) mayLookUp(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.closed && len(g.known) < maxGrants && !now.Before(g.asleep) && g.limiter.AllowN(now, 1)
}

func (g *grants) sleep(until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asleep = until
}

// adopt makes a grant alive that the store knows, unless it was opened or ended meanwhile.
func (g *grants) adopt(id protocol.GrantID, found record.Grant, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if entry := g.known[id]; entry != nil {
		return !entry.ended && (entry.forget.IsZero() || now.Before(entry.forget))
	}
	entry := newGrant(found.Terms.MaxKbps)
	entry.forget, entry.project = found.Expires, found.Project
	g.known[id] = entry
	return true
}

// full reports whether the grant has all the allocations that it may have.
func (g *grants) full(id protocol.GrantID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	entry := g.known[id]
	return entry == nil || len(entry.relays) >= maxAllocations
}

// attach gives the grant a relay, unless it has ended or has too many.
func (g *grants) attach(r *relay) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	entry := g.known[r.grant]
	switch {
	case g.closed || entry == nil || entry.ended:
		return errGrantEnded
	case len(entry.relays) >= maxAllocations:
		return errAllocationsMax
	case entry.relays == nil:
		entry.relays = make(map[*relay]struct{}, 1)
	}
	entry.relays[r] = struct{}{}
	r.sighted = entry.peers
	g.sockets.Add(1)
	return nil
}

func (g *grants) detach(r *relay) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if entry := g.known[r.grant]; entry != nil {
		delete(entry.relays, r)
	}
}

// allow remembers a peer of the grant's session; port 0 stands for any.
func (g *grants) allow(id protocol.GrantID, peer netip.AddrPort) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if entry := g.known[id]; entry != nil && !entry.ended {
		entry.peers.add(peer)
	}
}

// end refuses the grant from now on and returns the relays that it has. One that was never heard of is remembered
// too: its credentials may be about.
func (g *grants) end(id protocol.GrantID, now time.Time) []*relay {
	g.mu.Lock()
	defer g.mu.Unlock()
	entry := g.known[id]
	if entry == nil {
		if len(g.known) >= maxGrants {
			return nil
		}
		entry = newGrant(0)
		g.known[id] = entry
	}
	return entry.end(now.Add(g.life))
}

func (e *grant) end(forget time.Time) []*relay {
	if e.forget.Before(forget) {
		e.forget = forget
	}
	e.ended = true
	e.peers.forget()
	e.proofs = nil
	ending := make([]*relay, 0, len(e.relays))
	for r := range e.relays {
		ending = append(ending, r)
	}
	return ending
}

// sweep forgets what may be forgotten and returns the relays of grants whose time is over.
func (g *grants) sweep(now time.Time) []*relay {
	g.mu.Lock()
	defer g.mu.Unlock()
	var ending []*relay
	for id, entry := range g.known {
		if entry.forget.IsZero() || now.Before(entry.forget) {
			continue
		}
		ending = append(ending, entry.end(entry.forget)...)
		delete(g.known, id)
	}
	return ending
}

// close refuses everything from now on and returns all relays.
func (g *grants) close() []*relay {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	var all []*relay
	for _, entry := range g.known {
		for r := range entry.relays {
			all = append(all, r)
		}
	}
	return all
}

// count returns how many grants live.
func (g *grants) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for _, entry := range g.known {
		if !entry.ended {
			n++
		}
	}
	return n
}
