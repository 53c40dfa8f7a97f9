package record

import (
	"cmp"
	"math"
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
	// RelayHD says whether a camera's best rendition may go over the relay.
	RelayHD Answer
}

// Answer is Yes or No, or left open, as its zero value is.
type Answer string

// The answers.
const (
	Yes Answer = "yes"
	No  Answer = "no"
)

// AnswerOf returns the answer that a truth value is; nil leaves it open.
func AnswerOf(b *bool) Answer {
	switch {
	case b == nil:
		return ""
	case *b:
		return Yes
	}
	return No
}

// Bool is the reverse of AnswerOf.
func (a Answer) Bool() *bool {
	if a == "" {
		return nil
	}
	b := a == Yes
	return &b
}

// Delay is a duration that may be left open, as its zero value is: one of 0 is given all the same.
type Delay struct {
	time.Duration
	Given bool
}

// DelayOf returns a delay that is given.
func DelayOf(d time.Duration) Delay { return Delay{d, true} }

// Bounds of terms.
const (
	// MaxRelayDelay is as long as a viewer tries ICE before it gives up.
	MaxRelayDelay = 30 * time.Second
	// MaxRelayTime is the longest life of a viewer's token.
	MaxRelayTime = 24 * time.Hour
	// MaxKbps is 100 Gbit/s, more than a machine has.
	MaxKbps = 100_000_000
)

// Check fails with CodeInvalid for terms that cannot be. Times that are no whole number of their unit on the wire are none.
func (t Terms) Check() error {
	switch t.Path {
	case "", protocol.PathDirectOnly, protocol.PathPreferDirect, protocol.PathRelayOnly:
	default:
		return protocol.Errorf(protocol.CodeInvalid, "the path is direct_only, prefer_direct or relay_only")
	}
	switch {
	case t.RelayDelay.Duration < 0 || t.RelayDelay.Duration > MaxRelayDelay || t.RelayDelay.Duration%time.Millisecond != 0:
		return protocol.Errorf(protocol.CodeInvalid, "the relay delay is 0 to %d s, in whole milliseconds", MaxRelayDelay/time.Second)
	case t.MaxRelay < 0 || t.MaxRelay > MaxRelayTime || t.MaxRelay%time.Second != 0:
		return protocol.Errorf(protocol.CodeInvalid, "the time on the relay is 0 to %d hours, in whole seconds", MaxRelayTime/time.Hour)
	case t.MaxKbps < 0 || t.MaxKbps > MaxKbps:
		return protocol.Errorf(protocol.CodeInvalid, "the rate on the relay is 0 to %d kbit/s", MaxKbps)
	case t.RelayHD != "" && t.RelayHD != Yes && t.RelayHD != No:
		return protocol.Errorf(protocol.CodeInvalid, "the best rendition over the relay: yes or no")
	}
	return nil
}

// PlainTerms are terms as JSON has them.
type PlainTerms struct {
	Path         protocol.PathPolicy `json:"path,omitempty"`
	RelayDelayMS *int64              `json:"relay_delay_ms,omitempty"`
	MaxRelayS    int64               `json:"max_relay_s,omitempty"`
	MaxKbps      int                 `json:"max_kbps,omitempty"`
	RelayHD      *bool               `json:"relay_hd,omitempty"`
}

// Plain returns the terms as JSON has them.
func (t Terms) Plain() PlainTerms {
	p := PlainTerms{Path: t.Path, MaxRelayS: int64(t.MaxRelay / time.Second), MaxKbps: t.MaxKbps, RelayHD: t.RelayHD.Bool()}
	if t.RelayDelay.Given {
		ms := t.RelayDelay.Milliseconds()
		p.RelayDelayMS = &ms
	}
	return p
}

// Terms returns what the JSON says. Numbers that no duration can hold become ones that Check refuses.
func (p PlainTerms) Terms() Terms {
	t := Terms{Path: p.Path, MaxRelay: durationOf(p.MaxRelayS, time.Second), MaxKbps: p.MaxKbps, RelayHD: AnswerOf(p.RelayHD)}
	if p.RelayDelayMS != nil {
		t.RelayDelay = DelayOf(durationOf(*p.RelayDelayMS, time.Millisecond))
	}
	return t
}

func durationOf(n int64, unit time.Duration) time.Duration {
	if n < 0 || n > int64(math.MaxInt64/unit) {
		return -unit
	}
	return time.Duration(n) * unit
}

// Or fills what is left open.
func (t Terms) Or(defaults Terms) Terms {
	t.Path = cmp.Or(t.Path, defaults.Path)
	t.MaxRelay = cmp.Or(t.MaxRelay, defaults.MaxRelay)
	t.MaxKbps = cmp.Or(t.MaxKbps, defaults.MaxKbps)
	t.RelayHD = cmp.Or(t.RelayHD, defaults.RelayHD)
	if !t.RelayDelay.Given {
		t.RelayDelay = defaults.RelayDelay
	}
	return t
}

// For returns the terms of one session, of which its viewer's token says more; nothing is left open in them. A project that
// allows one path only binds its tokens. Bounds hold both: the narrower counts. The best rendition goes over the relay only
// where the project says yes and the token does not say no.
func (t Terms) For(token Terms) Terms {
	if t.Path == protocol.PathDirectOnly || t.Path == protocol.PathRelayOnly {
		token.Path = t.Path
	}
	narrow := Terms{MaxRelay: Least(t.MaxRelay, token.MaxRelay), MaxKbps: Least(t.MaxKbps, token.MaxKbps)}
	if t.RelayHD != Yes {
		narrow.RelayHD = No
	}
	rest := Terms{Path: protocol.PathPreferDirect, RelayDelay: DelayOf(protocol.RelayDelay)}
	token = narrow.Or(token).Or(t).Or(rest)
	if token.Path == protocol.PathRelayOnly {
		token.RelayDelay = DelayOf(0) // there is nothing to try first
	}
	return token
}

// Bind returns a token's terms within these, of its device: a device that allows one path only binds its tokens, of bounds the
// narrower counts, and the rest is the token's where it says something.
func (t Terms) Bind(token Terms) Terms {
	if t.Path == protocol.PathDirectOnly || t.Path == protocol.PathRelayOnly {
		token.Path = t.Path
	}
	narrow := Terms{MaxRelay: Least(t.MaxRelay, token.MaxRelay), MaxKbps: Least(t.MaxKbps, token.MaxKbps)}
	if t.RelayHD == No {
		narrow.RelayHD = No
	}
	return narrow.Or(token).Or(t)
}

// Least returns the smaller bound; 0 is none.
func Least[T int | time.Duration](a, b T) T {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}
