package turn

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

const (
	// budgetBurst and budgetRate are what a network may be sent beyond what came from it, in bytes and bytes per second,
	// by a server that does not know yet whether anybody there has asked. A client that begins costs some 80 bytes more
	// than it sends, a keep-alive 20: a thousand clients behind one network begin at once, and four hundred in each second.
	// A victim of forged requests gets 256 kbit/s.
	budgetBurst = 96 << 10
	budgetRate  = 32 << 10
	// largestAnswer is what has to be left before a request is looked at: more than a 401, a 438 or a Binding response
	// with the addresses of RFC 5780.
	largestAnswer = 160

	// budgetCells bounds the memory: 16 bytes each. Networks that share a cell share its budget.
	budgetCells = 1 << 16
)

// budget bounds what is sent to networks that have not authenticated, so that forged requests cannot be turned against
// them: over the budget they are sent no more bytes than came in their name. A network is an IPv4 /24 or an IPv6 /48, the
// smallest that is routed by itself: who is attacked owns no less, and an attacker could else spread over its addresses.
// Safe for concurrent use.
type budget struct {
	seed maphash.Seed

	// mu guards the fields below.
	mu    sync.Mutex
	cells []cell
	clock func() time.Time
}

// cell is the budget of the networks that fall into it.
type cell struct {
	// spent is what is missing of budgetBurst, at the moment of last, in nanoseconds since 1970.
	spent int64
	last  int64
}

func newBudget() *budget {
	return &budget{seed: maphash.MakeSeed(), cells: make([]cell, budgetCells), clock: time.Now}
}

// admit notes a request of so many bytes and reports whether an answer can be paid for.
func (b *budget) admit(from netip.Addr, size int) bool {
	at := b.cell(from)
	b.mu.Lock()
	defer b.mu.Unlock()
	c := &b.cells[at]
	c.recover(b.clock())
	c.spent = max(0, c.spent-int64(size))
	return c.spent <= budgetBurst-largestAnswer
}

// spend notes an answer of so many bytes. It reports false, and notes nothing, when that cannot be paid for.
func (b *budget) spend(to netip.Addr, size int) bool {
	at := b.cell(to)
	b.mu.Lock()
	defer b.mu.Unlock()
	c := &b.cells[at]
	c.recover(b.clock())
	if c.spent+int64(size) > budgetBurst {
		return false
	}
	c.spent += int64(size)
	return true
}

func (b *budget) cell(addr netip.Addr) uint64 {
	return maphash.Comparable(b.seed, routedNetwork(addr)) % budgetCells
}

// recover gives back what time has earned.
func (c *cell) recover(now time.Time) {
	at := now.UnixNano()
	if elapsed := time.Duration(at - c.last); elapsed > 0 {
		// Whole bytes only; the rest of a byte's time stays owed.
		earned := int64(min(elapsed, time.Hour)) * budgetRate / int64(time.Second)
		if earned == 0 {
			return
		}
		c.spent = max(0, c.spent-earned)
	}
	c.last = at
}

// routedNetwork returns the smallest network around an address that is announced by itself: an IPv4 /24, an IPv6 /48.
func routedNetwork(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	network, _ := addr.Prefix(bits) // An address that is none has no network, which is one of its own.
	return network
}
