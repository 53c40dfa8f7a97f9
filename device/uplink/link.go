package uplink

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/device/door"
	"github.com/sightline-rtc/sightline/link"
	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// farewellTime is how long the hub may take to say why it ended a door, to hear a bye, or to end a door that the link
	// has left.
	farewellTime = time.Second
	// sessionShare is by how many messages, of 1 KiB on average, an open session raises what may be unacknowledged.
	sessionShare = 64
)

// Link is one client's link to the hub.
type Link struct {
	config Config
	clock  hubClock
	// wake has room for one: something waits to be written. asked has room for one door that a caller wants, moves for
	// one change of network, away for one departure.
	wake  chan struct{}
	asked chan protocol.Transport
	moves chan Network
	away  chan departure
	// work is what is left of the doors that the link has gone from.
	work   sync.WaitGroup
	vitals vitals

	// What follows is of the goroutine that opens doors: that of Run, and for as long as a door is open its scout.
	policy *policy
	// home opens doors of the hub that the link was told, dialer those of the one that it is on.
	home, dialer *door.Dialer
	// resume names the link of the last welcome; nil before the first, and when the link is lost.
	resume *protocol.Resume
	// corrected says that the hub has set the clock since it last welcomed the client.
	corrected bool
	// since is when the present run of doors began with a welcome; zero means that it has not.
	since time.Time
	// told is the fallback that the log has.
	told protocol.Fallback

	// taking is held while a message is taken over, and guards who may: current. A door that is no longer current is
	// read to its end for nothing.
	taking  sync.Mutex
	current *carrier

	// mu guards what follows. It may be taken while taking is held.
	mu   sync.Mutex
	link *link.Link
	// overflow says why the link is lost: the hub leaves too much unacknowledged.
	overflow error
	// notBefore is the slot in which the hub that sent the client away wants to see it again.
	notBefore time.Time
	// sessions is how many sessions the link carries.
	sessions int
}

// New makes a link; it fails when the configuration cannot be right. It does no I/O.
func New(config Config) (*Link, error) {
	config = config.withDefaults()
	if err := config.check(); err != nil {
		return nil, err
	}
	home := config.dialer()
	return &Link{
		config: config, home: home, dialer: home, policy: newPolicy(&config), link: link.New(config.Link, time.Now()),
		wake: make(chan struct{}, 1), asked: make(chan protocol.Transport, 1), moves: make(chan Network, 1),
		away: make(chan departure, 1),
	}, nil
}

// Run keeps the link up until the context ends, which it takes for the wish to leave: the hub is told so. Nothing of the
// link is left when it returns.
func (l *Link) Run(ctx context.Context) {
	defer l.dialer.Forget()
	defer l.work.Wait()
	defer l.vitals.ended()
	network := l.config.Network()
	l.policy.moved(network.Key, time.Now())
	if l.config.NetworkInterval > 0 {
		var watch sync.WaitGroup
		defer watch.Wait()
		watch.Go(func() { l.watch(ctx, network) })
	}
	for failures := 0; ; failures++ {
		tried, err := l.attempt(ctx)
		if ctx.Err() != nil {
			return
		}
		event := "hub not reached"
		if !l.since.IsZero() {
			event = "link lost"
			if time.Since(l.since) > l.config.SteadyAfter {
				failures = 0
			}
		}
		wait := l.waitAfter(tried, err, failures)
		l.vitals.set(Status{Since: time.Now(), Err: err, Retry: time.Now().Add(wait)})
		l.config.Logger.Warn(event, "transport", tried, "err", err, "retry", wait.Round(time.Millisecond))
		if l.pause(ctx, wait) != nil {
			return
		}
	}
}

// attempt opens a door and keeps the link on it, and on those that follow it without a gap, until none is left. It
// returns the door that was the last, and why it ended.
func (l *Link) attempt(ctx context.Context) (protocol.Transport, error) {
	l.since = time.Time{}
	l.vitals.within(longest)
	transport := l.policy.use
	c, err := l.open(ctx, transport)
	if err != nil {
		l.dialer = l.home
		l.policy.failed(transport, err)
		return transport, err
	}
	l.adopt(c)
	for {
		next, err := l.carry(ctx, c)
		if next == nil {
			return c.door.Transport(), err
		}
		c = next
	}
}

// waitAfter is how long to stay away after a door has failed, or the last one was lost.
func (l *Link) waitAfter(tried protocol.Transport, err error, failures int) time.Duration {
	switch {
	case errors.Is(err, errMoved):
		return 0
	case untimely(err) && !l.corrected:
		l.corrected = true
		return 0 // the next token is signed with the hub's time
	case blame(err) != nil && l.since.IsZero() && tried == protocol.TransportWebSocket && l.policy.use != tried:
		return 0 // the other door may be open
	}
	wait := l.backoff().After(err, failures)
	l.mu.Lock()
	defer l.mu.Unlock()
	var said *door.Closed
	slot := time.Until(l.notBefore)
	if slot > 0 && (!errors.As(err, &said) || said.Code.Reconnect()) {
		return slot // the hub has spread its clients already
	}
	return wait
}

func (l *Link) backoff() Backoff {
	return Backoff{Min: l.config.MinBackoff, Max: l.config.MaxBackoff, Refused: l.config.RefusedBackoff}
}

// pause waits, at most until the network is another.
func (l *Link) pause(ctx context.Context, d time.Duration) error {
	l.vitals.within(d)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case network := <-l.moves:
		l.dialer.Forget()
		l.policy.moved(network.Key, time.Now())
	case <-timer.C:
	}
	return nil
}

// Send queues a message for the hub: on the open door, or on the next one. It fails with protocol.CodeTooLarge for one
// that is over the limit, and with protocol.CodeTooSlow when too much is unacknowledged; that ends the door, and
// the link is not resumed: Welcomed then gets what was lost. It is safe for concurrent use.
func (l *Link) Send(e protocol.Envelope) error {
	l.mu.Lock()
	err := l.link.Send(e)
	if errors.Is(err, &protocol.Error{Code: protocol.CodeTooSlow}) {
		l.overflow = err
	}
	l.mu.Unlock()
	if err != nil {
		l.config.Logger.Debug("message not queued", "type", e.Type, "session", e.Session, "err", err)
	}
	l.poke()
	return err
}

// Use asks for a door at once: make before break. If it does not open nothing changes; else the policy goes on from
// there.
func (l *Link) Use(transport protocol.Transport) {
	select {
	case <-l.asked:
	default:
	}
	select {
	case l.asked <- transport:
	default:
	}
}

// Carries notes that the link carries more sessions, or fewer: each raises what may be unacknowledged.
func (l *Link) Carries(more int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sessions += more
	l.link.Grow(sessionShare * more)
}

// Local turns a time of the hub's into this machine's. The zero time stays what it is.
func (l *Link) Local(t time.Time) time.Time { return l.clock.local(t) }

func (l *Link) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}
