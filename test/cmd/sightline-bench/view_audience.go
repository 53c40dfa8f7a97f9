//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// firstFrameTimeout is how long a viewer may take to see something.
const firstFrameTimeout = 30 * time.Second

// audience is some viewers of one camera.
type audience struct {
	order audienceOrder
	list  []*viewer
}

func newAudience(o audienceOrder, way func() signaling) *audience {
	a := &audience{order: o}
	for range o.viewers {
		a.list = append(a.list, &viewer{signaling: way(), played: make(chan struct{})})
	}
	return a
}

// begin has all viewers begin, and returns when each has seen its first frame and then has had its turn of then.
func (a *audience) begin(ctx context.Context, then func(context.Context, *viewer) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for n, v := range a.list {
		group.Go(func() error {
			if err := pause(ctx, a.order.spread*time.Duration(n)/time.Duration(len(a.list))); err != nil {
				return err
			}
			if err := v.start(ctx, a.order.loss); err != nil {
				return fmt.Errorf("viewer %d: %w", n+1, err)
			}
			return then(ctx, v)
		})
	}
	return group.Wait()
}

// start opens the viewer and waits for its first frame.
func (v *viewer) start(ctx context.Context, loss float64) error {
	ctx, cancel := context.WithTimeoutCause(ctx, firstFrameTimeout, errors.New("it takes too long"))
	defer cancel()
	if err := v.open(ctx, loss); err != nil {
		return err
	}
	return v.playing(ctx)
}

// watch has each viewer look for a time, and returns what each saw.
func (a *audience) watch(ctx context.Context, length time.Duration) ([]sighting, error) {
	defer a.leave()
	seen := make(chan sighting, len(a.list))
	err := a.begin(ctx, func(ctx context.Context, v *viewer) error {
		select {
		case <-time.After(length):
			seen <- v.sighting()
			return nil
		case err := <-v.signaling.failed():
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	if err != nil {
		return nil, err
	}
	close(seen)
	var all []sighting
	for s := range seen {
		all = append(all, s)
	}
	return all, nil
}

// leave closes all viewers.
func (a *audience) leave() {
	var work sync.WaitGroup
	for _, v := range a.list {
		work.Go(v.close)
	}
	work.Wait()
}
