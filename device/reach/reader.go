package reach

import (
	"sync/atomic"
	"time"
)

// reader watches whoever reads the port: it is dead when it has got a packet and never asks for another.
type reader struct {
	born time.Time
	// busy is when it got the packet that it is busy with, in nanoseconds since born; 0 while it waits for one.
	busy atomic.Int64
}

func (r *reader) asks() { r.busy.Store(0) }

func (r *reader) has() { r.busy.Store(int64(max(time.Since(r.born), 1))) }

// Busy returns for how long whoever reads the port has been at one packet; 0 while it waits for one. A microsecond is
// usual; after the end of the port it only grows.
func (p *Port) Busy() time.Duration {
	if busy := p.conn.reader.busy.Load(); busy != 0 {
		return time.Since(p.conn.reader.born) - time.Duration(busy)
	}
	return 0
}
