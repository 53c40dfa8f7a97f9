package source

import (
	"sync"
	"time"
)

// refusedWaits are how long to leave a camera alone after it refused a user name and password, for each refusal in a row:
// cameras lock an account after 3 to 7 wrong ones within some minutes, also for its owner.
var refusedWaits = []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute}

// patience is what all that log in to one service of a camera with one password share: a refused password is not tried again
// soon. The zero value has seen none refused. It is safe for concurrent use.
type patience struct {
	mu       sync.Mutex // guards all below
	refusals int
	until    time.Time
}

// refusedError says that a camera refuses a password. Its text stays the same while it does.
type refusedError struct {
	// Words are why.
	Words string
	// Until is when it may be tried again.
	Until time.Time
}

// Error implements error.
func (e *refusedError) Error() string { return e.Words }

// patient is an error that says when to try again at the earliest.
type patient interface{ RetryAfter() time.Time }

// RetryAfter implements patient.
func (e *refusedError) RetryAfter() time.Time { return e.Until }

const refusedWords = "the camera refuses this user name and password"

// allow fails while the password is to be left alone.
func (p *patience) allow() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Now().Before(p.until) {
		return &refusedError{Words: refusedWords, Until: p.until}
	}
	return nil
}

// refused notes a refusal and returns the error that says so.
func (p *patience) refused() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until = time.Now().Add(refusedWaits[min(p.refusals, len(refusedWaits)-1)])
	p.refusals++
	return &refusedError{Words: refusedWords, Until: p.until}
}

// accepted notes that the password is right.
func (p *patience) accepted() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusals, p.until = 0, time.Time{}
}

// patiences are those of all passwords of a camera's services. They are made before anybody logs in.
type patiences map[string]*patience

// of returns the one of a user and password at a host, or at another service of it.
func (all patiences) of(host, userinfo string) *patience {
	key := userinfo + "@" + host
	if all[key] == nil {
		all[key] = &patience{}
	}
	return all[key]
}
