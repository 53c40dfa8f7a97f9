package peer

import "sync"

// maxWaiting is how many requests may wait for the answer of one errand.
const maxWaiting = 64

// errand is something that is done once at a time. Of what is asked while it is, only the newest is done next; who asked
// for the others gets its outcome. It is safe for concurrent use.
type errand struct {
	mu   sync.Mutex // guards all below
	busy bool
	do   func() error
	ids  []uint64
}

// put asks for something, and reports whether the caller has to run the errand.
func (e *errand) put(id uint64, do func() error) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.do = do
	if len(e.ids) < maxWaiting {
		e.ids = append(e.ids, id)
	}
	busy := e.busy
	e.busy = true
	return !busy
}

// run does what was asked until nothing is, and tells the outcomes.
func (e *errand) run(reply func(id uint64, err error)) {
	for {
		do, ids := e.take()
		if do == nil {
			return
		}
		err := do()
		for _, id := range ids {
			reply(id, err)
		}
	}
}

// take returns what to do next, and for whom; nothing ends the run.
func (e *errand) take() (do func() error, ids []uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	do, ids = e.do, e.ids
	e.do, e.ids = nil, nil
	e.busy = do != nil
	return do, ids
}
