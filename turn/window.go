package turn

import (
	"net/netip"
	"sync"
	"time"
)

// windowTimeout bounds the wait for a window to close, which takes pion/turn some hundred nanoseconds.
const windowTimeout = 100 * time.Millisecond

// window mends a fault of pion/turn v5.1.0: it lists a new permission first and starts its timer afterwards, without a lock
// between. When the allocation ends in between, it stops a timer that is not there, and the process dies; a client
// can bring that about with a short LIFETIME and many permissions. So the end of a permission waits while it is being
// added.
//
// The window opens when pion/turn asks whether the permission may be, and closes with what the same goroutine does next
// that we see: ask for another, answer, or read. Each goroutine that serves clients has a window of its own.
type window struct {
	// mu guards the fields below.
	mu     sync.Mutex
	adding netip.Addr
	closed chan struct{}
}

// open says that a permission for the address is about to be added.
func (w *window) open(addr netip.Addr) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.adding = addr
	w.closed = make(chan struct{})
}

// close says that whatever was being added has been.
func (w *window) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed != nil {
		close(w.closed)
		w.closed = nil
	}
}

// wait returns when no permission for the address is being added. pion/turn holds locks meanwhile that it needs to add a
// permission which it does not have; one that ends and is added anew at once might wait for itself, but for the timeout.
func (w *window) wait(addr netip.Addr) {
	closed := w.current(addr)
	if closed == nil {
		return
	}
	timeout := time.NewTimer(windowTimeout)
	defer timeout.Stop()
	select {
	case <-closed:
	case <-timeout.C:
	}
}

func (w *window) current(addr netip.Addr) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.adding != addr {
		return nil
	}
	return w.closed
}

// isResponse tells a STUN response, which only the goroutine that serves the client sends, from the ChannelData and
// indications of its relays: the upper bit of the class is set (RFC 8489 section 5).
func isResponse(message []byte) bool { return len(message) > 0 && message[0] == 1 }
