package uplink

import (
	"sync"
	"time"
)

// hubClock is the hub's time as this machine can tell it. Between the hub's words it counts with the monotonic clock:
// a wall clock that is set meanwhile, as a camera's is after its start, moves neither tokens nor leases. The zero
// value is this machine's own clock. It is safe for concurrent use.
type hubClock struct {
	// mu guards what follows.
	mu       sync.Mutex
	told, at time.Time
}

// set takes the hub's word for what time it is.
func (c *hubClock) set(hub time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told, c.at = hub, time.Now()
}

func (c *hubClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() {
		return time.Now()
	}
	return c.told.Add(time.Since(c.at))
}

// local turns a time of the hub's into this machine's. The zero time stays what it is.
func (c *hubClock) local(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return time.Now().Add(t.Sub(c.now()))
}
