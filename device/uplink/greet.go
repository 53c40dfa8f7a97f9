package uplink

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/sightline-rtc/sightline/device/door"
	"github.com/sightline-rtc/sightline/protocol"
)

// carrier is an open door under the link.
type carrier struct {
	door    door.Door
	hub     *url.URL
	welcome *protocol.Welcome
	// report is what the hello said of the other door.
	report *protocol.Fallback
	since  time.Time
	// end breaks off what is under way on the door. It is the carrier's once it carries the link.
	end context.CancelFunc
	// left says that the scout has given the door up. It is read after the scout has ended.
	left bool
}

// open opens a door of the hub that the link is on, and brings the welcome.
func (l *Link) open(ctx context.Context, transport protocol.Transport) (*carrier, error) {
	return l.openAt(ctx, l.dialer, transport)
}

func (l *Link) openAt(ctx context.Context, dialer *door.Dialer, transport protocol.Transport) (*carrier, error) {
	hello, err := l.config.Hello(l.clock.now())
	if err != nil {
		return nil, fmt.Errorf("make hello: %w", err)
	}
	hello.Resume, hello.Fallback = l.resumption(), l.policy.report(transport)
	opened, welcome, err := dialer.Open(ctx, transport, hello, l.polled)
	if err != nil {
		l.learnTime(err)
		return nil, err
	}
	now := time.Now()
	if !welcome.Now.IsZero() {
		l.clock.set(welcome.Now)
	}
	l.corrected = false
	l.policy.opened(transport, now)
	return &carrier{door: opened, hub: dialer.Hub(), welcome: welcome, report: hello.Fallback, since: now}, nil
}

// learnTime takes the hub's clock from its refusal of a token.
func (l *Link) learnTime(err error) {
	var said *door.Closed
	if !untimely(err) || !errors.As(err, &said) || said.Err.Now.IsZero() {
		return
	}
	l.config.Logger.Warn("clock differs from the hub's", "ahead", time.Until(said.Err.Now).Round(time.Second))
	l.clock.set(said.Err.Now)
}

// polled is what a poll acknowledges.
func (l *Link) polled() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.link.Told(time.Now())
	return l.link.Received()
}

// resumption asks for the link to go on, unless it is lost.
func (l *Link) resumption() *protocol.Resume {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.overflow != nil {
		l.resume = nil
	}
	if l.resume == nil {
		return nil
	}
	l.resume.Received = l.link.Received()
	asked := *l.resume
	return &asked
}

// adopt makes a carrier the one whose messages count.
func (l *Link) adopt(c *carrier) {
	l.taking.Lock()
	defer l.taking.Unlock()
	l.adoptTaking(c)
}

// adoptTaking is adopt for who holds taking. A long poll that has had its time must not ask any more: the hub knows its
// requests by the link alone, and would take them for those of the link's next long poll.
func (l *Link) adoptTaking(c *carrier) {
	if old := l.current; old != nil && old.end != nil && old.door.Transport() == protocol.TransportLongPoll {
		old.end()
	}
	l.current = c
}

// begin goes on with the link on a fresh door, or starts it anew. It fails when the link was lost since the hello, so
// that the next one must not ask for it.
func (l *Link) begin(c *carrier) error {
	now := time.Now()
	if l.since.IsZero() {
		l.since = now
	}
	up := Up{Welcome: c.welcome, Hub: c.hub, Transport: c.door.Transport(), Fallback: c.report}
	if c.welcome.Resumed {
		if err := l.attach(c.welcome, now); err != nil {
			l.resume = nil
			return fmt.Errorf("resume link: %w", err)
		}
	} else {
		up.Lost = l.restart(c.welcome, now)
	}
	l.mu.Lock()
	l.notBefore = time.Time{}
	l.mu.Unlock()
	l.vitals.set(Status{Up: true, Transport: c.door.Transport(), Since: c.since, Fallback: c.report})
	l.report(c)
	l.taking.Lock()
	l.config.Handler.Welcomed(up)
	l.taking.Unlock()
	return nil
}

// report tells the log which door the link is on, and once why it is not a WebSocket.
func (l *Link) report(c *carrier) {
	transport := c.door.Transport()
	l.config.Logger.Info("link up", "link", c.welcome.Link, "transport", transport,
		"resumed", c.welcome.Resumed, "reason", c.welcome.Reason)
	l.complain(c.report)
	if transport == protocol.TransportWebSocket {
		l.told = protocol.Fallback{}
	}
}

// complain says why no WebSocket carries the link, when that is news.
func (l *Link) complain(why *protocol.Fallback) {
	if why == nil || *why == l.told {
		return
	}
	l.told = *why
	l.config.Logger.Warn("no websocket gets through, the long poll carries the link", "reason", why.Reason, "detail", why.Detail)
}

// attach puts the link on the new door: what the hub has not taken over is written again, after an acknowledgement that
// tells the hub that the door is the client's choice.
func (l *Link) attach(welcome *protocol.Welcome, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.resume == nil || l.resume.Link != welcome.Link:
		return errors.New("the hub resumed a link that it was not asked for")
	case l.overflow != nil:
		return l.overflow
	}
	l.link.SetPing(time.Duration(welcome.PingS) * time.Second)
	// The door before may have brought acknowledgements since the hub wrote the welcome.
	if err := l.link.Attach(max(welcome.Received, l.link.Acknowledged()), now); err != nil {
		return err
	}
	return l.link.Send(protocol.Envelope{Type: protocol.TypeAck})
}

// restart starts the link anew and returns what the old one could not deliver.
func (l *Link) restart(welcome *protocol.Welcome, now time.Time) []protocol.Envelope {
	l.resume = &protocol.Resume{Link: welcome.Link, Key: welcome.Key}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.link.SetPing(time.Duration(welcome.PingS) * time.Second)
	lost := l.link.Reset(now)
	l.link.Grow(sessionShare * l.sessions)
	l.overflow = nil
	return lost
}
