package webhook

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/semaphore"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const (
	// pollInterval is how often endpoints are read that another process may have changed.
	pollInterval = 2 * time.Second
	// grace is how long a stop waits for what is in flight.
	grace = 3 * time.Second
)

// Config says what a Worker works on. Only Store is needed.
type Config struct {
	Store Store
	Guard Guard
	// Roots are the authorities that sign endpoints' certificates; nil means the system's.
	Roots *x509.CertPool
	// Logger is nil for silence.
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Worker sends the events of all projects to their endpoints. Two workers on one store send everything twice. It is safe for
// concurrent use.
type Worker struct {
	config  Config
	log     *slog.Logger
	now     func() time.Time
	sender  *sender
	saver   *saver
	changed chan struct{}
	// requests and slow are taken by whoever sends.
	requests, slow *semaphore.Weighted
	figures        figures

	// mu guards the runners, and how many tests are under way.
	mu      sync.Mutex
	runners map[string]*running
	feeds   map[protocol.ProjectID]*feeding
	tests   map[protocol.ProjectID]int
}

// running is a runner with its context.
type running struct {
	*runner
	version uint64
	stop    context.CancelFunc
}

// feeding is a feed with its context, and how many runners it feeds.
type feeding struct {
	*feed
	stop  context.CancelFunc
	users int
}

// New makes a worker.
func New(config Config) (*Worker, error) {
	if config.Store == nil {
		return nil, errors.New("webhook: the config is not complete")
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	w := &Worker{
		config: config, log: cmp.Or(config.Logger, slog.New(slog.DiscardHandler)), now: config.Now,
		changed: make(chan struct{}, 1), requests: semaphore.NewWeighted(maxRequests), slow: semaphore.NewWeighted(slowRequests),
		runners: map[string]*running{}, feeds: map[protocol.ProjectID]*feeding{},
		tests: map[protocol.ProjectID]int{},
	}
	w.sender = newSender(&w.config.Guard, config.Roots, config.Now)
	w.saver = newSaver(config.Store, w.log)
	return w, nil
}

// Run serves all endpoints until the context ends. Then it waits for a few seconds for what is in flight, and keeps what
// came of it.
func (w *Worker) Run(ctx context.Context) error {
	base := context.WithoutCancel(ctx)
	cut, hurry := context.WithCancel(base)
	defer hurry()
	context.AfterFunc(ctx, func() { time.AfterFunc(grace, hurry) })
	saveCtx, stopSaver := context.WithCancel(base)
	var saver, group sync.WaitGroup
	saver.Go(func() { w.saver.run(saveCtx) })
	w.watch(ctx, cut, &group)
	group.Wait()
	stopSaver()
	saver.Wait()
	w.sender.close()
	return nil
}

// watch starts and stops runners as endpoints come and go.
func (w *Worker) watch(ctx, cut context.Context, group *sync.WaitGroup) {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	failed := false
	for {
		list, err := w.config.Store.AllWebhooks(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			w.reconcile(ctx, cut, group, list)
		case !failed:
			w.log.Warn("webhooks not read", "err", err)
		}
		failed = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-w.changed:
		}
	}
}

func (w *Worker) reconcile(ctx, cut context.Context, group *sync.WaitGroup, list []record.Webhook) {
	w.mu.Lock()
	defer w.mu.Unlock()
	there := make(map[string]bool, len(list))
	for i := range list {
		webhook := list[i]
		there[webhook.ID] = true
		known := w.runners[webhook.ID]
		switch {
		case known == nil:
			w.start(ctx, cut, group, webhook)
		case known.version != webhook.Version:
			known.version = webhook.Version
			known.configure(webhook)
		}
	}
	for id, r := range w.runners {
		if !there[id] {
			r.stop()
			delete(w.runners, id)
		}
	}
}

// start serves an endpoint. The caller holds mu.
func (w *Worker) start(ctx, cut context.Context, group *sync.WaitGroup, webhook record.Webhook) {
	f := w.feeds[webhook.Project]
	if f == nil {
		feedCtx, stop := context.WithCancel(ctx)
		f = &feeding{feed: newFeed(w.config.Store, webhook.Project, w.log), stop: stop}
		w.feeds[webhook.Project] = f
		group.Go(func() { f.run(feedCtx) })
	}
	f.users++
	runCtx, stop := context.WithCancel(ctx)
	r := newRunner(w, f.feed, webhook)
	w.runners[webhook.ID] = &running{runner: r, version: webhook.Version, stop: stop}
	group.Go(func() {
		defer stop()
		defer w.leave(webhook.Project)
		r.run(runCtx, cut)
	})
}

// leave ends the feed of a project that has no endpoint any more.
func (w *Worker) leave(project protocol.ProjectID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.feeds[project]
	if f.users--; f.users == 0 {
		f.stop()
		delete(w.feeds, project)
	}
}

// Check fails with CodeInvalid for a URL to which nothing is sent.
func (w *Worker) Check(ctx context.Context, url string) error { return w.config.Guard.Check(ctx, url) }

// Test sends a test event at once. If the endpoint takes it, it is no longer taken for broken.
func (w *Worker) Test(ctx context.Context, webhook record.Webhook) record.Delivery {
	e := record.Event{Project: webhook.Project, ID: "test_" + uuid.NewString(), Kind: testKind, At: w.now(), Data: []byte(`{"test":true}`)}
	d := record.Delivery{Webhook: webhook.ID, Event: e.ID, Kind: e.Kind, Attempt: 1, At: e.At}
	if !w.beginTest(webhook.Project) {
		d.Err = "too many tests of this project are under way"
		return d
	}
	defer w.endTest(webhook.Project)
	if w.requests.Acquire(ctx, 1) != nil {
		d.Err = "the attempt was cut short"
		return d
	}
	defer w.requests.Release(1)
	o := w.sender.send(ctx, &webhook, e.ID, bodyOf(&e))
	d.At, d.Took, d.Status, d.Err, d.Response = o.at, o.took, o.status, o.err, o.response
	if o.ok() {
		w.poke(webhook.ID, func(r *runner) chan struct{} { return r.mended })
	}
	return d
}

func (w *Worker) beginTest(project protocol.ProjectID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tests[project] >= maxTests {
		return false
	}
	w.tests[project]++
	return true
}

func (w *Worker) endTest(project protocol.ProjectID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tests[project]--; w.tests[project] == 0 {
		delete(w.tests, project)
	}
}

// Changed is called after endpoints were changed; without it, it is noticed within seconds.
func (w *Worker) Changed() { ring(w.changed) }

// Replayed is called after events of an endpoint are to be sent again.
func (w *Worker) Replayed(id string) {
	w.poke(id, func(r *runner) chan struct{} { return r.replayed })
}

func (w *Worker) poke(id string, which func(*runner) chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r := w.runners[id]; r != nil {
		ring(which(r.runner))
	}
}
