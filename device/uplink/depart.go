package uplink

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// departure is where a hub that stops sends its clients.
type departure struct {
	hosts []string
	// due is the client's slot, and after a failure the next try.
	due      <-chan time.Time
	failures int
}

// sentAway keeps the slot of a goaway: to go to another host while the door is open, or to come back once it is closed.
func (l *Link) sentAway(m *protocol.Goaway) {
	after := milliseconds(m.AfterMS)
	l.mu.Lock()
	l.notBefore = time.Now().Add(after)
	l.mu.Unlock()
	if len(m.Hosts) == 0 {
		return
	}
	select {
	case <-l.away:
	default:
	}
	select {
	case l.away <- departure{hosts: m.Hosts, due: time.After(after)}:
	default:
	}
}

// depart opens a door of one of the hosts, beside the old one, which carries the link until then, and on if all hosts
// fail.
func (l *Link) depart(up context.Context, c *carrier, d *departure) (*carrier, error) {
	err := errors.New("the hub named no host")
	for _, i := range rand.Perm(len(d.hosts)) {
		var next *carrier
		if next, err = l.goTo(up, d.hosts[i], c.door.Transport()); err == nil {
			return next, nil
		}
		l.config.Logger.Warn("host not reached", "host", d.hosts[i], "err", err)
	}
	d.due = time.After(l.backoff().After(err, d.failures))
	d.failures++
	return nil, err
}

func (l *Link) goTo(up context.Context, host string, transport protocol.Transport) (*carrier, error) {
	hub := *l.config.Hub
	hub.Host = host
	if same, err := url.Parse(hub.String()); err != nil || same.Host != host {
		return nil, fmt.Errorf("%q is no host", host)
	}
	dialer := l.home.At(&hub)
	next, err := l.openAt(up, dialer, transport)
	if err != nil {
		return nil, err
	}
	l.dialer = dialer
	l.adopt(next)
	return next, nil
}
