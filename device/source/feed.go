package source

import (
	"context"
	"log/slog"
	"time"

	"github.com/sightline-rtc/sightline/device/media"
)

// FeedConfig configures a Feed.
type FeedConfig struct {
	Source Source
	// Warm keeps the source open without viewers.
	Warm bool
	// Linger is how long the source stays open after the last viewer; 0 means 30 s.
	Linger time.Duration
	Logger *slog.Logger
}

// Feed keeps one source alive while somebody looks, and feeds its stream. It is safe for concurrent use.
type Feed struct{}

// NewFeed makes a feed; its source is opened when Run is on and somebody looks.
func NewFeed(cfg FeedConfig) *Feed { return &Feed{} }

// Run opens and reopens the source, while it is wanted, until ctx is done; it then returns nil.
func (f *Feed) Run(ctx context.Context) error { panic("x") }

// Acquire says that a viewer looks; the function it returns says that it left, and may be called more than once.
func (f *Feed) Acquire() (release func()) { panic("x") }

// Stream returns the pipeline that viewers subscribe to; it is the same for the feed's whole life.
func (f *Feed) Stream() *media.Stream { panic("x") }

// Status tells how the source is.
func (f *Feed) Status() Status { panic("x") }

// State is where a source stands.
type State string

// The states of a source.
const (
	StateIdle    State = "idle"    // nobody looks
	StateDialing State = "dialing" // being opened, for the first time or again
	StateUp      State = "up"      // pictures come
	StateDown    State = "down"    // lost or not reachable; it is tried again at Status.Retry
)

// Status tells how a source is.
type Status struct {
	State State
	Since time.Time
	// Err is why it went down last, in words; nil while that never happened.
	Err error
	// Retry is when a source that is down is tried again.
	Retry time.Time
}
