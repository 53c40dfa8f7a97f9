package webhook

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/record"
)

// landing is an item that is no longer in flight.
type landing struct {
	item *item
	// event is nil when the history has it no longer.
	event   *record.Event
	outcome outcome
	// cut says that there is no outcome: the server stops, or the store failed.
	cut bool
}

// runner serves one endpoint: what its queue decides, it does.
type runner struct {
	worker *Worker
	feed   *feed
	// settings are newer ones, of which only the last counts.
	settings chan record.Webhook
	// replayed and mended get a token when there is something to replay, and when a test has succeeded.
	replayed, mended chan struct{}

	// What follows belongs to run.
	webhook record.Webhook
	queue   *queue
	// replays are not done; newestReplay is the last that was found, asked says that there may be more.
	replays      []record.ReplayRange
	newestReplay string
	asked        bool
	landed       chan landing
	saved        chan struct{}
	saving       bool
	// flights are what is in flight.
	flights sync.WaitGroup
}

func newRunner(worker *Worker, feed *feed, w record.Webhook) *runner {
	return &runner{
		worker: worker, feed: feed, webhook: w,
		settings: make(chan record.Webhook, 1), replayed: make(chan struct{}, 1), mended: make(chan struct{}, 1),
		landed: make(chan landing, maxInFlight), saved: make(chan struct{}, 1),
	}
}

// configure hands over newer settings.
func (r *runner) configure(w record.Webhook) {
	select {
	case <-r.settings:
	default:
	}
	r.settings <- w
}

// run serves the endpoint until the context ends. What is in flight then may end in its time, unless cut ends.
func (r *runner) run(ctx, cut context.Context) {
	bell := r.feed.bell()
	defer r.feed.unbell(bell)
	for {
		err := r.restore(ctx)
		if err == nil {
			break
		}
		r.complain(ctx, err)
		if !pause(ctx, faultWait) {
			return
		}
	}
	defer r.worker.forget(r.webhook.ID)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		wake := r.step(ctx, cut)
		timer.Reset(wake)
		select {
		case <-ctx.Done():
		case <-bell:
		case <-timer.C:
		case <-r.saved:
			r.saving = false
			r.queue.kept()
		case l := <-r.landed:
			r.land(l)
		case w := <-r.settings:
			r.webhook = w
			r.queue.configure(&r.webhook, r.worker.now())
		case <-r.mended:
			r.queue.mend(r.worker.now())
		case <-r.replayed:
			r.asked = true
		}
	}
	r.finish()
}

// step does all that can be done now, and returns how long nothing can be unless there is news.
func (r *runner) step(ctx, cut context.Context) time.Duration {
	fault := r.fill(ctx)
	wake := r.dispatch(cut)
	r.save()
	r.worker.note(r)
	wait := time.Hour
	if !wake.IsZero() {
		wait = max(wake.Sub(r.worker.now()), 0)
	}
	if fault {
		wait = min(wait, faultWait)
	}
	return wait
}

// finish waits for what is in flight and keeps what came of it.
func (r *runner) finish() {
	r.flights.Wait()
	for !r.queue.idle() {
		r.land(<-r.landed)
	}
	if r.saving {
		<-r.saved
		r.saving = false
	}
	if r.save(); r.saving {
		<-r.saved
	}
}

// restore reads what was kept of the endpoint.
func (r *runner) restore(ctx context.Context) error {
	waiting, err := r.worker.config.Store.WaitingDeliveries(ctx, r.webhook.ID)
	if err != nil {
		return err
	}
	open, err := r.openEvents(ctx)
	if err != nil {
		return err
	}
	r.queue = newQueue(&r.webhook, waiting, open, r.worker.now())
	r.queue.news.missed += uint64(len(r.webhook.Open) - len(open)) //nolint:gosec // open are some of Open
	r.asked = true
	return nil
}

// openEvents reads the events whose first attempt was not over.
func (r *runner) openEvents(ctx context.Context) (open []record.Event, err error) {
	for left := r.webhook.Open; len(left) > 0; {
		events, err := r.worker.config.Store.Events(ctx, r.webhook.Project, record.EventFilter{After: left[0] - 1}, readPage)
		if err != nil || len(events) == 0 {
			return open, err
		}
		for _, e := range events {
			if slices.Contains(left, e.Seq) {
				open = append(open, e)
			}
		}
		last := events[len(events)-1].Seq
		left = slices.DeleteFunc(slices.Clone(left), func(seq uint64) bool { return seq <= last })
	}
	return open, nil
}

// fill reads on, in the replays and in the history; fault says that the store failed.
func (r *runner) fill(ctx context.Context) (fault bool) {
	if r.asked {
		if err := r.findReplays(ctx); err != nil {
			r.complain(ctx, err)
			return true
		}
		r.asked = false
	}
	for r.queue.room() > 0 {
		more, err := r.readOn(ctx)
		if err != nil {
			r.complain(ctx, err)
			return true
		}
		if !more {
			return false
		}
	}
	return false
}

func (r *runner) readOn(ctx context.Context) (more bool, err error) {
	if len(r.replays) > 0 {
		return true, r.readReplay(ctx)
	}
	events, last, err := r.feed.after(ctx, r.queue.read, r.queue.room())
	if err != nil {
		return false, err
	}
	if len(events) == 0 {
		r.queue.skipTo(last) // all that is left of the history is older, if anything is
		return false, nil
	}
	return r.queue.offer(events, r.worker.now()) == len(events), nil
}

func (r *runner) readReplay(ctx context.Context) error {
	rest := &r.replays[0]
	events, err := r.worker.config.Store.Events(ctx, r.webhook.Project, record.EventFilter{After: rest.First - 1}, readPage)
	if err != nil {
		return err
	}
	end := slices.IndexFunc(events, func(e record.Event) bool { return e.Seq > rest.Last })
	if end >= 0 {
		events = events[:end]
	}
	rest.First = rest.Last + 1
	if n := len(events); n > 0 && end < 0 {
		rest.First = events[n-1].Seq + 1
	}
	r.queue.replay(events, *rest, r.worker.now())
	if rest.First > rest.Last {
		r.replays = r.replays[1:]
	}
	return nil
}

// findReplays looks for new ones. Those that are known may be further than what is kept of them.
func (r *runner) findReplays(ctx context.Context) error {
	list, err := r.worker.config.Store.WebhookReplays(ctx, r.webhook.ID)
	if err != nil {
		return err
	}
	for _, found := range list {
		if found.ID > r.newestReplay {
			r.replays = append(r.replays, found)
			r.newestReplay = found.ID
		}
	}
	return nil
}

// dispatch sends what may be sent now, and returns when something else may be; zero is with news only.
func (r *runner) dispatch(cut context.Context) time.Time {
	for {
		it, wake := r.queue.next(r.worker.now())
		if it == nil {
			return wake
		}
		webhook, slow := r.webhook, r.queue.isSlow()
		flown := *it
		r.flights.Go(func() {
			l := r.worker.deliver(cut, r.feed, &webhook, flown, slow)
			l.item = it
			r.landed <- l
		})
	}
}

// land takes up what came of an item.
func (r *runner) land(l landing) {
	switch {
	case l.cut:
		r.queue.land(l.item)
		l.item.next = r.worker.now().Add(faultWait)
	case l.event == nil:
		r.queue.lose(l.item)
	default:
		r.queue.finish(l.item, l.event.Kind, l.outcome)
		r.worker.count(&l.outcome)
		if l.outcome.gone() {
			r.worker.log.Info("webhook switched off: its endpoint answered 410", "project", r.webhook.Project, "webhook", r.webhook.ID)
		}
	}
}

// save hands over what is new, unless what was handed over before is not kept yet.
func (r *runner) save() {
	if r.saving {
		return
	}
	r.worker.tally(&r.queue.news)
	if p, ok := r.queue.handOver(r.webhook.ID); ok {
		r.saving = true
		r.worker.saver.save(p, r.saved)
	}
}

func (r *runner) complain(ctx context.Context, err error) {
	if ctx.Err() == nil {
		r.worker.log.Warn("webhook not served", "project", r.webhook.Project, "webhook", r.webhook.ID, "err", err)
	}
}
