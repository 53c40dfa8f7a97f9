package webhook

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const (
	// maxRecent is how many of the newest events of a project are in memory: seconds of a busy one.
	maxRecent = 1024
	// readPage is how many events are read at a time.
	readPage = 256
	// lookInterval is how often a project is looked at without news, which should never find any.
	lookInterval = 30 * time.Second
	// faultWait is how long to wait after the store failed.
	faultWait = time.Second
)

// feed reads a project's history once for all its endpoints that keep up with it, and has their share of the requests. It is
// safe for concurrent use.
type feed struct {
	requests, slow *semaphore.Weighted

	store   Store
	project protocol.ProjectID
	log     *slog.Logger

	// mu guards everything below.
	mu sync.Mutex
	// last is the number of the newest event that is known, recent are those up to it.
	last   uint64
	recent []record.Event
	// bells are rung when there are more events.
	bells map[chan struct{}]struct{}
}

func newFeed(store Store, project protocol.ProjectID, log *slog.Logger) *feed {
	return &feed{
		store: store, project: project, log: log, bells: map[chan struct{}]struct{}{},
		requests: semaphore.NewWeighted(projectRequests), slow: semaphore.NewWeighted(projectSlow),
	}
}

// bell returns a channel that gets a token when there are more events.
func (f *feed) bell() chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := make(chan struct{}, 1)
	f.bells[b] = struct{}{}
	return b
}

func (f *feed) unbell(b chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.bells, b)
}

// after returns events after a number, and the number of the newest event that is known.
func (f *feed) after(ctx context.Context, seq uint64, limit int) ([]record.Event, uint64, error) {
	f.mu.Lock()
	last := f.last
	if n := len(f.recent); n > 0 && seq >= f.recent[0].Seq-1 || seq >= last {
		defer f.mu.Unlock()
		if seq >= last {
			return nil, last, nil
		}
		from := n - int(last-seq) //nolint:gosec // at most maxRecent
		return f.recent[from:min(n, from+limit):n], last, nil
	}
	f.mu.Unlock()
	events, err := f.store.Events(ctx, f.project, record.EventFilter{After: seq}, min(limit, readPage))
	return events, last, err
}

// run reads what is new until the context ends.
func (f *feed) run(ctx context.Context) {
	news, cancel := f.store.Follow(f.project)
	defer cancel()
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	for {
		if err := f.read(ctx); err != nil && ctx.Err() == nil {
			f.log.Warn("events not read for webhooks", "project", f.project, "err", err)
			if !pause(ctx, faultWait) {
				return
			}
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-news:
		case <-tick.C:
		}
	}
}

// read reads up to the end of the history. At first it only looks where that is.
func (f *feed) read(ctx context.Context) error {
	f.mu.Lock()
	seq := f.last
	f.mu.Unlock()
	if seq == 0 {
		last, err := f.store.LastEvent(ctx, f.project)
		if err != nil || last == 0 {
			return err
		}
		f.add(nil, last)
		return nil
	}
	for {
		events, err := f.store.Events(ctx, f.project, record.EventFilter{After: seq}, readPage)
		if err != nil || len(events) == 0 {
			return err
		}
		seq = events[len(events)-1].Seq
		f.add(events, seq)
	}
}

// add appends events. Those handed out before stay as they are: the slice is never written to where it was.
func (f *feed) add(events []record.Event, last uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(events) > 0 && events[0].Seq != f.last+1 {
		f.recent = nil // the history was cut
	}
	if len(f.recent) >= maxRecent {
		kept := f.recent[len(f.recent)-maxRecent/2:]
		f.recent = append(make([]record.Event, 0, 2*maxRecent), kept...)
	}
	f.recent = append(f.recent, events...)
	f.last = last
	for b := range f.bells {
		ring(b)
	}
}

// ring leaves a token in a channel of one.
func ring(b chan struct{}) {
	select {
	case b <- struct{}{}:
	default:
	}
}

// pause waits; it reports false when the context ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
