//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/sightline-rtc/sightline/protocol"
)

// dialers is how many links are being opened at a time: enough to keep both ends busy.
const dialers = 32

// crowd opens many links and keeps them.
type crowd struct {
	log io.Writer
	// dial opens the n-th link. The link lives until its keep returns, which it does when the context ends.
	dial func(ctx context.Context, n int) (keep func(context.Context) error, err error)

	open, errors atomic.Int64
	work         sync.WaitGroup

	once sync.Once // says the first error; the others are mostly the same
}

// fill opens count links, rate of them a second (0: as fast as it goes), and returns how long that took. Links that
// cannot be opened, or end before the context does, count as errors.
func (c *crowd) fill(ctx context.Context, count int, perSecond float64) (time.Duration, error) {
	limit := rate.NewLimiter(rate.Inf, 1)
	if perSecond > 0 {
		limit = rate.NewLimiter(rate.Limit(perSecond), 1)
	}
	start := time.Now()
	var group errgroup.Group
	group.SetLimit(dialers)
	for n := range count {
		if err := limit.Wait(ctx); err != nil {
			break
		}
		group.Go(func() error {
			c.one(ctx, n)
			return nil
		})
	}
	_ = group.Wait() // errors are counted
	return time.Since(start), ctx.Err()
}

func (c *crowd) one(ctx context.Context, n int) {
	keep, err := c.dial(ctx, n)
	if err != nil {
		c.fail(ctx, n, err)
		return
	}
	c.open.Add(1)
	if keep == nil {
		return
	}
	c.work.Go(func() {
		if err := keep(ctx); ctx.Err() == nil {
			c.open.Add(-1)
			c.fail(ctx, n, err)
		}
	})
}

func (c *crowd) fail(ctx context.Context, n int, err error) {
	if ctx.Err() != nil {
		return
	}
	c.errors.Add(1)
	c.once.Do(func() { fmt.Fprintf(c.log, "link %d: %v\n", n, err) })
}

// overSockets lets a crowd's links go to a server over TCP.
func overSockets(s *server, r *roster, role protocol.Role) func(context.Context, int) (func(context.Context) error, error) {
	return func(ctx context.Context, n int) (func(context.Context) error, error) {
		p, err := dial(ctx, s.URL, sourceOf(n), func() ([]byte, error) { return r.hello(role, n, s.URL) })
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) error {
			stop := context.AfterFunc(ctx, p.close)
			defer stop()
			return p.run(nil)
		}, nil
	}
}
