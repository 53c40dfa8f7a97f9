package uplink

import (
	"context"
	"errors"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// watch tells of each change of network that ends with the machine being on one.
func (l *Link) watch(ctx context.Context, last Network) {
	ticker := time.NewTicker(l.config.NetworkInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		network := l.config.Network()
		if network == last || network.Key == "" {
			continue
		}
		last = network
		select {
		case <-l.moves: // one that nobody has looked at yet
		default:
		}
		l.moves <- network
	}
}

// scout looks for a better door while the link is on one, and returns it open. Without one it returns nil, once the
// door is lost; up ends then, and run with the whole link.
func (l *Link) scout(run, up context.Context, c *carrier) *carrier {
	var leaving departure
	for {
		wait, probing := l.untilProbe()
		timer := time.NewTimer(wait)
		select {
		case <-up.Done():
			timer.Stop()
			return nil
		case leaving = <-l.away:
		case <-leaving.due:
			next, err := l.depart(up, c, &leaving)
			if err == nil {
				return next
			}
		case transport := <-l.asked:
			if transport == c.door.Transport() {
				break
			}
			if next, err := l.change(run, up, c, transport); err == nil {
				return next
			}
		case network := <-l.moves:
			next := l.move(run, up, c, network)
			if next != nil || c.left {
				return next
			}
		case <-timer.C:
			if !probing {
				continue
			}
			if next := l.probe(run, up, c); next != nil {
				return next
			}
		}
		timer.Stop()
	}
}

// probe tries the WebSocket, and says so if what it fails of is news.
func (l *Link) probe(run, up context.Context, c *carrier) *carrier {
	next, err := l.change(run, up, c, protocol.TransportWebSocket)
	if err != nil && up.Err() == nil {
		l.policy.probed(err, time.Now())
		l.complain(l.policy.report(protocol.TransportLongPoll))
	}
	return next
}

// untilProbe is how long the WebSocket is to be left alone.
func (l *Link) untilProbe() (wait time.Duration, probing bool) {
	if l.policy.probeAt.IsZero() {
		return time.Hour, false
	}
	return max(time.Until(l.policy.probeAt), 0), true
}

// change opens another door and makes it the current one, from which moment the old one is not listened to. The old
// door takes messages until then; but not while it is replaced by its like, because the hub ends it at the hello
// and goes on from what that says was received. Such an attempt outlives the old door, whose end it is.
func (l *Link) change(run, up context.Context, c *carrier, transport protocol.Transport) (*carrier, error) {
	if transport == c.door.Transport() {
		l.taking.Lock()
		defer l.taking.Unlock()
		next, err := l.open(run, transport)
		if err == nil {
			l.adoptTaking(next)
		}
		return next, err
	}
	next, err := l.open(up, transport)
	if err == nil {
		l.adopt(next)
	}
	return next, err
}

// errMoved ends a door that the link has left for the same one in another network.
var errMoved = errors.New("the network changed")

// move replaces a door whose network has gone by one of the new network, instead of waiting until its silence is
// noticed. It gives up when the hub refuses, and when the old door is lost after all.
func (l *Link) move(run, up context.Context, c *carrier, network Network) *carrier {
	l.config.Logger.Info("network changed")
	l.dialer.Forget()
	l.policy.moved(network.Key, time.Now())
	if c.door.Transport() == protocol.TransportLongPoll {
		// It has no connection that could be better than none. It works at once if anything does; a probe follows.
		l.policy.use, c.left = protocol.TransportLongPoll, true
		c.end()
		return nil
	}
	transport := l.policy.use
	for failures := 0; ; failures++ {
		next, err := l.change(run, up, c, transport)
		if err == nil {
			return next
		}
		if up.Err() != nil {
			return nil
		}
		l.policy.failed(transport, err)
		l.config.Logger.Warn("hub not reached from the new network", "transport", transport, "err", err)
		if blame(err) == nil || Pause(up, l.backoff().After(err, failures)) != nil {
			return nil
		}
		transport = l.policy.use
	}
}
