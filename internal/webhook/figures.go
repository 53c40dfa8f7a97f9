package webhook

import (
	"sync"
	"time"
)

// Figures are what a worker does and has done, over all projects.
type Figures struct {
	// Endpoints are those that are served, Failing those of them of which no delivery succeeds at the moment.
	Endpoints, Failing int
	// InFlight are requests, Waiting the events that wait for another attempt.
	InFlight, Waiting int
	// Lag is how long the oldest event that is in flight, or could be, has been due at an endpoint that is not failing.
	Lag time.Duration
	// Succeeded and Failed count attempts, Dead what became a dead letter, Missed events that were no longer in the history.
	Succeeded, Failed, Dead, Missed uint64
}

// figures collects Figures.
type figures struct {
	// mu guards everything below.
	mu     sync.Mutex
	sum    Figures
	states map[string]state
}

// state is what there is to know of one endpoint.
type state struct {
	failing         bool
	inFlight, waits int
	oldest          time.Time
}

// Figures returns the figures as they are now.
func (w *Worker) Figures() Figures {
	w.figures.mu.Lock()
	defer w.figures.mu.Unlock()
	sum, now := w.figures.sum, w.now()
	for _, s := range w.figures.states {
		sum.Endpoints++
		sum.InFlight += s.inFlight
		sum.Waiting += s.waits
		switch {
		case s.failing:
			sum.Failing++
		case !s.oldest.IsZero():
			sum.Lag = max(sum.Lag, now.Sub(s.oldest))
		}
	}
	return sum
}

// note takes down how an endpoint is.
func (w *Worker) note(r *runner) {
	s := state{failing: !r.queue.failing.IsZero(), inFlight: r.queue.flying, waits: r.queue.waiting, oldest: r.queue.oldest()}
	w.figures.mu.Lock()
	defer w.figures.mu.Unlock()
	if w.figures.states == nil {
		w.figures.states = map[string]state{}
	}
	if r.queue.on {
		w.figures.states[r.webhook.ID] = s
	} else {
		delete(w.figures.states, r.webhook.ID)
	}
}

func (w *Worker) forget(id string) {
	w.figures.mu.Lock()
	defer w.figures.mu.Unlock()
	delete(w.figures.states, id)
}

// count counts an attempt.
func (w *Worker) count(o *outcome) {
	w.figures.mu.Lock()
	defer w.figures.mu.Unlock()
	if o.ok() {
		w.figures.sum.Succeeded++
	} else {
		w.figures.sum.Failed++
	}
}

// tally counts what has become of events, once for each time that it is handed over.
func (w *Worker) tally(n *news) {
	if n.buried == 0 && n.missed == 0 {
		return
	}
	w.figures.mu.Lock()
	defer w.figures.mu.Unlock()
	w.figures.sum.Dead += uint64(n.buried) //nolint:gosec // it counts up from 0
	w.figures.sum.Missed += n.missed
}
