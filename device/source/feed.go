package source

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
)

// defaultLinger keeps the source open for viewers that come back: a page that is loaded again, a session that changes.
const defaultLinger = 30 * time.Second

// backoff is how long to wait after each failure in a row; the last holds for all that follow. Jitter of a fifth
// either way keeps the cameras of one recorder apart.
var backoff = []time.Duration{1 * time.Second, 1 * time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second}

// goodLife is how long pictures must have come for the next failure to count as the first.
const goodLife = 10 * time.Second

// FeedConfig configures a Feed.
type FeedConfig struct {
	Source Source
	// Warm keeps the source open without viewers.
	Warm bool
	// Linger is how long the source stays open after the last viewer; 0 means 30 s.
	Linger time.Duration
	// Changed is called, without a lock, after the status or the notes changed; it may be nil.
	Changed func()
	// Logger gets what is worth knowing; nil discards it.
	Logger *slog.Logger
}

// Feed keeps one source alive while somebody looks, and feeds its stream. It is safe for concurrent use.
type Feed struct {
	cfg    FeedConfig
	log    *slog.Logger
	stream *media.Stream
	// changed has room for one signal that viewers changed between none and some.
	changed chan struct{}

	// mu guards all below.
	mu      sync.Mutex
	viewers int
	status  Status
	notes   []protocol.Note
}

// NewFeed makes a feed; its source is opened when Run is on and somebody looks.
func NewFeed(cfg FeedConfig) *Feed {
	if cfg.Linger == 0 {
		cfg.Linger = defaultLinger
	}
	if cfg.Changed == nil {
		cfg.Changed = func() {}
	}
	log := logger(cfg.Logger)
	f := &Feed{
		cfg:     cfg,
		log:     log,
		stream:  media.NewStream(media.Config{Logger: log}),
		changed: make(chan struct{}, 1),
		status:  Status{State: StateIdle, Since: time.Now()},
	}
	f.stream.OnFormat(func() { f.cfg.Changed() }) // for as long as the stream lives
	return f
}

// Run opens and reopens the source, while it is wanted, until ctx is done; it then returns nil.
func (f *Feed) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if f.wanted() {
			f.serve(ctx)
			f.stream.Rest()
			f.setStatus(StateIdle, nil, time.Time{})
			continue
		}
		select {
		case <-ctx.Done():
		case <-f.changed:
		}
	}
	return nil
}

// Acquire says that a viewer looks; the function it returns says that it left, and may be called more than once.
func (f *Feed) Acquire() (release func()) {
	f.count(1)
	return sync.OnceFunc(func() { f.count(-1) })
}

func (f *Feed) count(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.viewers += n
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

func (f *Feed) wanted() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.cfg.Warm || f.viewers > 0
}

// Stream returns the pipeline that viewers subscribe to; it is the same for the feed's whole life.
func (f *Feed) Stream() *media.Stream { return f.stream }

// errUnwanted ends serve after the last viewer.
var errUnwanted = errors.New("nobody looks")

// serve keeps the source open until nobody has looked for a while.
func (f *Feed) serve(ctx context.Context) {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return f.lives(ctx) })
	g.Go(func() error { return f.untilUnwanted(ctx) })
	if err := g.Wait(); errors.Is(err, errUnwanted) {
		f.log.Debug("source closed: nobody looks")
	}
}

func (f *Feed) untilUnwanted(ctx context.Context) error {
	for {
		var lingered <-chan time.Time
		if !f.wanted() {
			lingered = time.After(f.cfg.Linger)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-f.changed:
		case <-lingered:
			if !f.wanted() {
				return errUnwanted
			}
		}
	}
}

// lives opens the source again and again, until ctx is done, and shows that it is away while it is.
func (f *Feed) lives(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return f.dial(ctx, func() {
			if !f.stream.Absent() {
				o := newOffline(f)
				g.Go(func() error { return o.run(ctx) })
			}
		})
	})
	return g.Wait()
}

// dial opens the source again and again, until ctx is done, and tells when it is down.
func (f *Feed) dial(ctx context.Context, down func()) error {
	for failures := 0; ; failures++ {
		f.setStatus(StateDialing, nil, time.Time{})
		up, err := f.live(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if up >= goodLife {
			failures = 0
		}
		wait := backoff[min(failures, len(backoff)-1)]
		wait += time.Duration((rand.Float64() - 0.5) * 0.4 * float64(wait))
		var later patient
		if errors.As(err, &later) {
			wait = max(wait, time.Until(later.RetryAfter()))
		}
		f.setStatus(StateDown, err, time.Now().Add(wait))
		down()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// errEnded stands for a source that returned without a reason.
var errEnded = errors.New("the source ended")

// live is one life of the source. It returns for how long pictures came, and why it ended.
func (f *Feed) live(ctx context.Context) (up time.Duration, err error) {
	w := newWatch(f.stream, f.log, f.note, func() { f.setStatus(StateUp, nil, time.Time{}) })
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := f.cfg.Source.Run(ctx, w); err != nil {
			return err
		}
		return errEnded
	})
	g.Go(func() error { return w.run(ctx) })
	err = g.Wait()
	f.stream.SetKeyframer(nil)
	return w.up(time.Now()), err
}

func logger(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}
