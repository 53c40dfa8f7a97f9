package peer

import (
	"net/netip"
	"slices"
	"time"
)

const (
	// checkEvery is the interval of checks to a candidate that has just come, for checkFast: the library's own.
	checkEvery = 200 * time.Millisecond
	checkFast  = 10 * time.Second
	// checkSlow and maxCheckSlow bound the interval after that: it grows by checkSlow each time. NATs forget a mapping after
	// 30 s, and a network that opens is found within half of that.
	checkSlow    = 5 * time.Second
	maxCheckSlow = 15 * time.Second
)

// checks say when to send a check to which of the viewer's candidates. The library stops with that as soon as some pair
// works, even one over a relay: a candidate that comes later, or a NAT that opens later, would go unnoticed. It does
// nothing itself.
type checks struct {
	targets []target
}

// target is an address that the viewer may have.
type target struct {
	address netip.AddrPort
	// predicted says that the viewer did not name it.
	predicted bool
	// since is when it came, due when the next check is, pause what was waited for the last.
	since, due time.Time
	pause      time.Duration
}

// add begins to check an address at a moment, unless it is checked already. One that the viewer names is a prediction no
// more.
func (c *checks) add(address netip.AddrPort, predicted bool, begin time.Time) {
	n := slices.IndexFunc(c.targets, func(t target) bool { return t.address == address })
	switch {
	case n < 0:
		c.targets = append(c.targets, target{address: address, predicted: predicted, since: begin, due: begin})
	case !predicted:
		c.targets[n].predicted = false
	}
}

// predictions counts the addresses that were predicted.
func (c *checks) predictions() int {
	n := 0
	for _, t := range c.targets {
		if t.predicted {
			n++
		}
	}
	return n
}

// predicts reports whether an address is one that the viewer did not name.
func (c *checks) predicts(address netip.AddrPort) bool {
	return slices.ContainsFunc(c.targets, func(t target) bool { return t.predicted && t.address == address })
}

// clear forgets all addresses: a new ICE generation has its own.
func (c *checks) clear() { c.targets = nil }

// resume begins anew with all addresses, but for those that have not begun: the direct path is lost.
func (c *checks) resume(now time.Time) {
	for n := range c.targets {
		if t := &c.targets[n]; t.since.Before(now) {
			t.since, t.due, t.pause = now, now, 0
		}
	}
}

// due returns the addresses to check now, and notes that they have been.
func (c *checks) due(now time.Time) []target {
	var list []target
	for n := range c.targets {
		t := &c.targets[n]
		if t.due.After(now) {
			continue
		}
		list = append(list, *t)
		if now.Sub(t.since) < checkFast {
			t.pause = checkEvery
		} else {
			t.pause = min(max(t.pause, checkEvery)+checkSlow, maxCheckSlow)
		}
		t.due = now.Add(t.pause)
	}
	return list
}

// next returns when the next check is due; zero if there is nothing to check.
func (c *checks) next() time.Time {
	var first time.Time
	for _, t := range c.targets {
		if first.IsZero() || t.due.Before(first) {
			first = t.due
		}
	}
	return first
}
