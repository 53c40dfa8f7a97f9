package peer

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// maxAnswers is how many messages may wait for a viewer to read: three times what it may ask for in a second.
	maxAnswers = 64
	// statusSpacing is the least time between two messages that tell how the camera is.
	statusSpacing = 250 * time.Millisecond
	// stillRate bounds snapshots in bytes per second: 4 Mbit/s, the rate that the pacer has for any viewer.
	stillRate = 4_000_000 / 8
	// writeTime is how long the viewer may take to let one message leave.
	writeTime = 10 * time.Second
)

// errUnread ends a channel that the viewer does not read.
var errUnread = errors.New("the viewer does not read what it asked for")

// outbox is what waits for the viewer of a control channel. Answers go first, then the newest status, then the next piece
// of a snapshot, of which there is one at a time. It is safe for concurrent use.
type outbox struct {
	// wake has room for one signal that something waits.
	wake chan struct{}
	// pace bounds snapshots. One goroutine uses it.
	pace *rate.Limiter

	mu      sync.Mutex // guards all below
	answers [][]byte
	full    bool
	// status says that one is due at told + statusSpacing.
	status bool
	told   time.Time
	// taking says that a snapshot is on its way, still is what has not been sent of it.
	taking bool
	still  []byte
}

func newOutbox() *outbox {
	return &outbox{wake: make(chan struct{}, 1), pace: rate.NewLimiter(stillRate, protocol.SnapshotChunk)}
}

func (o *outbox) poke() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// put queues an answer. What does not fit ends the channel.
func (o *outbox) put(message []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.answers) >= maxAnswers {
		o.full = true
	} else {
		o.answers = append(o.answers, message)
	}
	o.poke()
}

// changed says that the status may be another.
func (o *outbox) changed() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.status = true
	o.poke()
}

// reserve takes the place of the one snapshot; false means that it is taken.
func (o *outbox) reserve() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.taking {
		return false
	}
	o.taking = true
	return true
}

// release gives the place back.
func (o *outbox) release() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.taking = false
}

// fill queues a snapshot behind the answer that announces it.
func (o *outbox) fill(answer, still []byte) {
	o.put(answer)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.still = still
	o.poke()
}

// next is the message to write now. With none, wait is how long until there is one, 0 until wake; tell says that it is the
// status.
func (o *outbox) next(now time.Time) (message []byte, text, tell bool, wait time.Duration, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.full {
		return nil, false, false, 0, errUnread
	}
	if len(o.answers) > 0 {
		message = o.answers[0]
		o.answers = o.answers[1:]
		return message, true, false, 0, nil
	}
	if o.status {
		if wait = o.told.Add(statusSpacing).Sub(now); wait <= 0 {
			o.status, o.told = false, now
			return nil, true, true, 0, nil
		}
	}
	if len(o.still) == 0 {
		return nil, false, false, wait, nil
	}
	message, due := o.piece(now)
	if message == nil && (wait <= 0 || due < wait) {
		wait = due
	}
	return message, false, false, wait, nil
}

// piece is the next of a snapshot, or nil and how long until it may leave. It needs mu.
func (o *outbox) piece(now time.Time) (piece []byte, due time.Duration) {
	n := min(len(o.still), protocol.SnapshotChunk)
	reservation := o.pace.ReserveN(now, n)
	if due = reservation.DelayFrom(now); due > 0 {
		reservation.CancelAt(now)
		return nil, due
	}
	piece, o.still = o.still[:n], o.still[n:]
	if len(o.still) == 0 {
		o.still, o.taking = nil, false
	}
	return piece, 0
}

// write writes what waits until ctx ends. status makes the message that tells how the camera is, and pace says how many
// bytes of snapshots may leave in a second.
func (o *outbox) write(ctx context.Context, to channel, status func() []byte, pace func() rate.Limit) error {
	for ctx.Err() == nil {
		o.pace.SetLimit(pace()) // the path may be another
		message, text, tell, wait, err := o.next(time.Now())
		switch {
		case err != nil:
			return err
		case tell:
			message = status()
		case message == nil:
			o.await(ctx, wait)
		}
		if message == nil {
			continue
		}
		if err := to.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
			return nil //nolint:nilerr // the channel has ended, as the reader finds as well
		}
		_, err = to.WriteDataChannel(message, text)
		switch {
		case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
			return errUnread
		case err != nil:
			return nil //nolint:nilerr // as above
		}
	}
	return nil
}

// await waits for something to write.
func (o *outbox) await(ctx context.Context, wait time.Duration) {
	var due <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
	case <-o.wake:
	case <-due:
	}
}
