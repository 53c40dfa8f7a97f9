package record

import (
	"cmp"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// Terms are how sessions may go. The zero value leaves everything open.
type Terms struct {
	// Path is empty where it is left open.
	Path protocol.PathPolicy
	// RelayDelay is how long a viewer tries without a relay first.
	RelayDelay Delay
	// MaxRelay bounds a session's time on the relay path; 0 means that nothing does.
	MaxRelay time.Duration
	// MaxKbps bounds what goes through the relay for one end of one session in one direction, in kilobits of payload a
	// second; 0 means that nothing does.
	MaxKbps int
}

// Delay is a duration that may be left open, as its zero value is: one of 0 is given all the same.
type Delay struct {
	time.Duration
	Given bool
}

// DelayOf returns a delay that is given.
func DelayOf(d time.Duration) Delay { return Delay{d, true} }

// Or fills what is left open.
func (t Terms) Or(defaults Terms) Terms {
	t.Path = cmp.Or(t.Path, defaults.Path)
	t.MaxRelay = cmp.Or(t.MaxRelay, defaults.MaxRelay)
	t.MaxKbps = cmp.Or(t.MaxKbps, defaults.MaxKbps)
	if !t.RelayDelay.Given {
		t.RelayDelay = defaults.RelayDelay
	}
	return t
}

// For returns the terms of one session, of which its viewer's token says more; nothing is left open in them. A project that
// allows one path only binds its tokens. Bounds hold both: the narrower counts.
func (t Terms) For(token Terms) Terms {
	if t.Path == protocol.PathDirectOnly || t.Path == protocol.PathRelayOnly {
		token.Path = t.Path
	}
	narrow := Terms{MaxRelay: least(t.MaxRelay, token.MaxRelay), MaxKbps: least(t.MaxKbps, token.MaxKbps)}
	rest := Terms{Path: protocol.PathPreferDirect, RelayDelay: DelayOf(protocol.RelayDelay)}
	token = narrow.Or(token).Or(t).Or(rest)
	if token.Path == protocol.PathRelayOnly {
		token.RelayDelay = DelayOf(0) // there is nothing to try first
	}
	return token
}

// least returns the smaller bound; 0 is none.
func least[T int | time.Duration](a, b T) T {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}
