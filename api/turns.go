package api

import (
	"context"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// turn names what one after another may do.
type turn struct {
	project protocol.ProjectID
	name    string
}

// turns lets one at a time do what has the same name. The zero value is ready. It is safe for concurrent use.
type turns struct {
	// mu guards taken.
	mu sync.Mutex
	// taken has what is under way; its channels are closed at the end. It has no more entries than there are requests.
	taken map[turn]chan struct{}
}

// take waits until nobody else has the turn, and returns what gives it back. It fails with CodeConflict when that takes
// longer than turnPatience.
func (t *turns) take(ctx context.Context, wanted turn) (done func(), err error) {
	patience := time.NewTimer(turnPatience)
	defer patience.Stop()
	for {
		other := t.tryTake(wanted)
		if other == nil {
			return func() { t.giveBack(wanted) }, nil
		}
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-patience.C:
			busy := protocol.Errorf(protocol.CodeConflict, "this request is being executed; ask for its answer again in a moment")
			busy.RetryMS = time.Second.Milliseconds()
			return nil, busy
		}
	}
}

// tryTake returns nil when the turn is the caller's now, else what is closed when it may be free.
func (t *turns) tryTake(wanted turn) <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if other, taken := t.taken[wanted]; taken {
		return other
	}
	if t.taken == nil {
		t.taken = map[turn]chan struct{}{}
	}
	t.taken[wanted] = make(chan struct{})
	return nil
}

func (t *turns) giveBack(wanted turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.taken[wanted])
	delete(t.taken, wanted)
}
