package uplink

import (
	"fmt"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// Status is how a link is.
type Status struct {
	// Up says that a door is open, Transport which one.
	Up        bool
	Transport protocol.Transport
	// Since is when that door was opened, or the last one was lost; zero before the first attempt has ended.
	Since time.Time
	// Fallback is why no WebSocket carries the link; nil while one does, or none is open.
	Fallback *protocol.Fallback
	// Err is why no door is open and Retry when the next is tried; nil and zero while one is.
	Err   error
	Retry time.Time
}

// vitals are what can be seen of a link from outside.
type vitals struct {
	// mu guards what follows.
	mu     sync.Mutex
	status Status
	// due is when the link's goroutine is heard of again at the latest; zero while it does not run. taking is when the handler
	// got the message that it has not returned from, zero while it has none.
	due, taking time.Time
}

const (
	// longest is what dialling, a hello or a write may take, with its time-outs one after the other: a request of the long
	// poll has 30 s, all others 10 s.
	longest = time.Minute
	// grace is what a busy machine may take longer.
	grace = 30 * time.Second
)

func (v *vitals) set(s Status) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.status = s
}

// within promises that the link's goroutine is heard of again after at most d.
func (v *vitals) within(d time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.due = time.Now().Add(d + grace)
}

func (v *vitals) ended() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.due = time.Time{}
}

func (v *vitals) takes(since time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.taking = since
}

// Status tells how the link is. It is safe for concurrent use.
func (l *Link) Status() Status {
	l.vitals.mu.Lock()
	defer l.vitals.mu.Unlock()
	return l.vitals.status
}

// Stuck says what of the link does not go on although it should; nil while all does, whether the hub is reached or not. It
// is safe for concurrent use.
func (l *Link) Stuck() error {
	l.vitals.mu.Lock()
	defer l.vitals.mu.Unlock()
	now := time.Now()
	if due := l.vitals.due; !due.IsZero() && now.After(due) {
		return fmt.Errorf("the link to the hub was to go on %s ago", now.Sub(due).Round(time.Second))
	}
	if since := l.vitals.taking; !since.IsZero() && now.Sub(since) > grace {
		return fmt.Errorf("a message of the hub is being handled since %s", now.Sub(since).Round(time.Second))
	}
	return nil
}
