package turn

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/sightline-rtc/sightline/record"
)

const (
	// openingBytes is what an allocation carries before the ledger has first answered: enough for the checks and the
	// handshake of a session, which would else wait for a disk.
	openingBytes = 64 << 10
	// askPause is how long an allocation waits at least before it asks for more once again.
	askPause = 250 * time.Millisecond
)

// allowance bounds what one relay carries in all, both directions together: what its project's budget has reserved for it.
// What is over it is lost. Nil bounds nothing. Safe for concurrent use; it takes no lock and allocates nothing.
type allowance struct {
	// start is what the times below count from, and ask what tells that more is needed.
	start time.Time
	ask   func()
	// carried is what was let through and not kept back, limit as much as that may be, low from when on to ask for more.
	carried, limit, low atomic.Uint64
	// until is how long the limit holds, in nanoseconds since start, asked when it was last asked for more.
	until, asked atomic.Int64
}

func newAllowance(ask func()) *allowance {
	a := &allowance{start: time.Now(), ask: ask}
	a.limit.Store(openingBytes)
	a.low.Store(openingBytes)
	a.until.Store(math.MaxInt64)
	a.asked.Store(-int64(askPause))
	return a
}

// take reports whether a packet of n bytes may go, and counts it if so.
func (a *allowance) take(n int) bool {
	if a == nil {
		return true
	}
	carried := a.carried.Add(uint64(n)) //nolint:gosec // a length
	limit := a.limit.Load()
	if limit == math.MaxUint64 {
		return true
	}
	now := int64(time.Since(a.start))
	if carried > limit || now >= a.until.Load() {
		a.putBack(n)
		a.wish(now)
		return false
	}
	if carried > a.low.Load() {
		a.wish(now)
	}
	return true
}

// putBack is for what was taken and did not go.
func (a *allowance) putBack(n int) {
	if a != nil && n > 0 {
		a.carried.Add(-uint64(n)) //nolint:gosec // it was taken before
	}
}

// wish asks for more, not too often.
func (a *allowance) wish(now int64) {
	asked := a.asked.Load()
	if now-asked >= int64(askPause) && a.asked.CompareAndSwap(asked, now) {
		a.ask()
	}
}

// lift says that nothing bounds the relay.
func (a *allowance) lift() {
	if a != nil {
		a.limit.Store(math.MaxUint64)
	}
}

// set says what the relay may carry from its beginning on.
func (a *allowance) set(allowed record.Allowance) {
	carried := a.carried.Load()
	a.low.Store(carried + (allowed.Bytes-min(allowed.Bytes, carried))/2)
	a.until.Store(int64(time.Since(a.start) + time.Until(allowed.Until))) // the clock may have been set since the start
	a.limit.Store(allowed.Bytes)
}
