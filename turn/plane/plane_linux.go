package plane

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Plane is the loops and what they share. Safe for concurrent use, but for Run and Close.
type Plane struct {
	loops    []*loop
	segments segmentation

	// mu guards the field below, and is held while a socket that has lost packets goes from one to the other.
	mu sync.Mutex
	// gone is what sockets had lost that are closed.
	gone uint64
}

// Open makes a plane of so many loops, at least one. It ends with Close.
func Open(loops int) (*Plane, error) {
	p := &Plane{}
	for i := range max(loops, 1) {
		l, err := newLoop(p, i)
		if err != nil {
			return nil, errors.Join(err, p.Close())
		}
		p.loops = append(p.loops, l)
	}
	return p, nil
}

// Run serves all ports until the context ends, on a goroutine for each loop.
func (p *Plane) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, l := range p.loops {
		stop := context.AfterFunc(ctx, l.wake)
		defer stop()
		group.Go(func() error { return l.run(ctx) })
	}
	return group.Wait()
}

// Lost returns how many packets the kernel has dropped because a socket's buffer was full.
func (p *Plane) Lost() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	lost := p.gone
	for _, l := range p.loops {
		for _, s := range l.all() {
			lost += s.lost()
		}
	}
	return lost
}

// Close frees the loops. Run must have returned, and all ports must be closed.
func (p *Plane) Close() error {
	var errs []error
	for _, l := range p.loops {
		errs = append(errs, l.close())
	}
	return errors.Join(errs...)
}

// leastLoop returns the loop that has the fewest sockets.
func (p *Plane) leastLoop() *loop {
	return slices.MinFunc(p.loops, func(a, b *loop) int { return cmp.Compare(a.count.Load(), b.count.Load()) })
}
