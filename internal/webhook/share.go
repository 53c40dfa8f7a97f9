package webhook

import (
	"context"

	"golang.org/x/sync/semaphore"

	"github.com/sightline-rtc/sightline/record"
)

const (
	// maxRequests bounds the requests to all endpoints together; whoever waits for one gets it in turn. Slow endpoints share
	// slowRequests of them, so that they never take them all.
	maxRequests  = 256
	slowRequests = 128
	// projectRequests and projectSlow are one project's of them at most: whoever wants to keep the others waiting has 100
	// endpoints, and makes them slow after a while.
	projectRequests = 128
	projectSlow     = 64
	// maxTests bounds the test events of one project that are under way: they are requests like the others' deliveries.
	maxTests = 4
)

// acquire waits for one of each. It reports false, and has none, when the context ends first.
func acquire(ctx context.Context, of ...*semaphore.Weighted) (release func(), ok bool) {
	had := 0
	release = func() {
		for _, s := range of[:had] {
			s.Release(1)
		}
	}
	for _, s := range of {
		if s.Acquire(ctx, 1) != nil {
			release()
			return nil, false
		}
		had++
	}
	return release, true
}

// deliver makes one attempt, in its turn.
func (w *Worker) deliver(ctx context.Context, of *feed, webhook *record.Webhook, it item, slow bool) landing {
	turns := []*semaphore.Weighted{of.requests, w.requests}
	if slow {
		turns = append([]*semaphore.Weighted{of.slow, w.slow}, turns...)
	}
	release, ok := acquire(ctx, turns...)
	if !ok {
		return landing{cut: true}
	}
	defer release()
	event := it.event
	if event == nil {
		list, err := w.config.Store.Events(ctx, webhook.Project, record.EventFilter{After: it.seq - 1}, 1)
		switch {
		case err != nil:
			return landing{cut: true}
		case len(list) == 0 || list[0].Seq != it.seq:
			return landing{}
		}
		event = &list[0]
	}
	o := w.sender.send(ctx, webhook, event.ID, bodyOf(event))
	return landing{event: event, outcome: o, cut: !o.ok() && ctx.Err() != nil}
}
