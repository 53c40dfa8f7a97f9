package api

import (
	"context"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const (
	// maxWaitingOfKey, maxWaitingOfProject and maxWaiting bound the requests that wait for events, which take some 20 KB each. A
	// project makes keys as it likes.
	maxWaitingOfKey     = 32
	maxWaitingOfProject = 512
	maxWaiting          = 4096
	// newsGap is the least time between two looks of one request: a project may have a thousand events in a second.
	newsGap = 50 * time.Millisecond
)

// reading goes through the events of a project. It is not safe for concurrent use.
type reading struct {
	api *API
	key record.Key
	// filter goes on with every page, also over events that it leaves out.
	filter record.EventFilter
	limit  int
	// first is the oldest event that is kept.
	first uint64
}

func (a *API) reading(ctx context.Context, filter record.EventFilter, limit int) *reading {
	return &reading{api: a, key: keyOf(ctx), filter: filter, limit: limit}
}

// next returns the next page, empty when there is nothing new.
func (r *reading) next(ctx context.Context) ([]record.Event, error) {
	events := r.api.config.Events
	span, err := events.EventSpan(ctx, r.key.Project) // before the events: what comes in between is not to be left out
	if err != nil {
		return nil, err
	}
	r.first = span.First
	if span.Last <= r.filter.After {
		return nil, nil
	}
	list, err := events.Events(ctx, r.key.Project, r.filter, r.limit)
	if err != nil {
		return nil, err
	}
	if n := len(list); n > 0 {
		r.filter.After = list[n-1].Seq
	}
	if len(list) < r.limit {
		r.filter.After = max(r.filter.After, span.Last) // the rest up to there is of other kinds
	}
	return list, nil
}

// wait returns the next page once there is something in it, or an empty one after a time or at the end of the server. It
// fails as soon as the API key is no longer good.
func (r *reading) wait(ctx context.Context, longest time.Duration) ([]record.Event, error) {
	leave, err := r.api.waiting.enter(r.key)
	if err != nil {
		return nil, err
	}
	defer leave()
	news, cancel := r.api.config.Events.Follow(r.key.Project)
	defer cancel()
	timeout := time.NewTimer(longest)
	defer timeout.Stop()
	for {
		if list, err := r.next(ctx); err != nil || len(list) > 0 {
			return list, err
		}
		if over, err := r.pause(ctx, news, timeout.C); err != nil || over {
			return nil, err
		}
		if err := r.api.stillMay(ctx, scopeOfEvents); err != nil {
			return nil, err
		}
	}
}

// pause returns when there may be news, newsGap after it was called at the earliest. It is over when the time or the server
// is.
func (r *reading) pause(ctx context.Context, news <-chan struct{}, timeout <-chan time.Time) (over bool, err error) {
	gap := time.NewTimer(newsGap)
	defer gap.Stop()
	ready := news
	var passed <-chan time.Time
	for {
		select {
		case <-ready:
			ready, passed = nil, gap.C
		case <-passed:
			return false, nil
		case <-timeout:
			return true, nil
		case <-r.api.ending:
			return true, nil
		case <-ctx.Done():
			return true, ctx.Err()
		}
	}
}

// scopeOfEvents is what reading events needs.
var scopeOfEvents = record.ScopeOf("events", false)

// stillMay fails when the request's API key is no longer good, or has lost the scope.
func (a *API) stillMay(ctx context.Context, scope record.Scope) error {
	key, err := a.config.Keys.Authenticate(ctx, plainOf(ctx).Reveal())
	switch {
	case err != nil:
		return ofCredential(err)
	case !key.May(scope):
		return noScope(scope)
	}
	return nil
}

// waiting counts the requests that wait. The zero value is ready. It is safe for concurrent use.
type waiting struct {
	// mu guards what follows.
	mu        sync.Mutex
	all       int
	ofKey     map[protocol.KeyID]int
	ofProject map[protocol.ProjectID]int
}

// enter counts one in until leave is called. It fails with CodeRateLimited when there are too many.
func (w *waiting) enter(key record.Key) (leave func(), err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all >= maxWaiting || w.ofKey[key.ID] >= maxWaitingOfKey || w.ofProject[key.Project] >= maxWaitingOfProject {
		full := protocol.Errorf(protocol.CodeRateLimited, "too many requests wait for events: at most %d of one API key, and %d of one project",
			maxWaitingOfKey, maxWaitingOfProject)
		full.RetryMS = time.Second.Milliseconds()
		return nil, full
	}
	if w.ofKey == nil {
		w.ofKey, w.ofProject = map[protocol.KeyID]int{}, map[protocol.ProjectID]int{}
	}
	w.all++
	w.ofKey[key.ID]++
	w.ofProject[key.Project]++
	return func() { w.leave(key) }, nil
}

func (w *waiting) leave(key record.Key) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all--
	if w.ofKey[key.ID]--; w.ofKey[key.ID] == 0 {
		delete(w.ofKey, key.ID)
	}
	if w.ofProject[key.Project]--; w.ofProject[key.Project] == 0 {
		delete(w.ofProject, key.Project)
	}
}
