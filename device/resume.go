package device

import (
	"errors"
	"fmt"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// resumption asks for the link to go on, unless it is lost.
func (u *uplink) resumption() *protocol.Resume {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.overflow != nil {
		u.resume = nil
	}
	if u.resume != nil {
		u.resume.Received = u.link.Received()
	}
	return u.resume
}

// begin goes on with the link on a fresh socket, or starts it anew. It fails when the link was lost since the hello, so
// that the next one must not ask for it.
func (u *uplink) begin(welcome *protocol.Welcome) error {
	now := time.Now()
	u.since, u.corrected, u.notBefore = now, false, time.Time{}
	if !welcome.Now.IsZero() {
		u.clock.set(welcome.Now)
	}
	if welcome.Resumed {
		if err := u.attach(welcome, now); err != nil {
			u.resume = nil
			return fmt.Errorf("resume link: %w", err)
		}
	} else {
		u.restart(welcome, now)
	}
	u.agent.config.Logger.Info("link up", "device", u.identity.Device, "link", welcome.Link,
		"resumed", welcome.Resumed, "reason", welcome.Reason)
	u.agent.ready.Do(func() { u.agent.config.Ready(u.identity.Device) })
	return nil
}

// attach puts the link on the new socket: what the hub has not taken over is written again.
func (u *uplink) attach(welcome *protocol.Welcome, now time.Time) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case u.resume == nil || u.resume.Link != welcome.Link:
		return errors.New("the hub resumed a link that it was not asked for")
	case u.overflow != nil:
		return u.overflow
	}
	u.link.SetPing(time.Duration(welcome.PingS) * time.Second)
	return u.link.Attach(welcome.Received, now)
}

// restart starts the link anew: what the old one could not deliver is told as state.
func (u *uplink) restart(welcome *protocol.Welcome, now time.Time) {
	u.resume = &protocol.Resume{Link: welcome.Link, Key: welcome.Key}
	u.mu.Lock()
	u.link.SetPing(time.Duration(welcome.PingS) * time.Second)
	lost := u.link.Reset(now)
	u.link.Grow(sessionShare * u.sessions)
	u.overflow = nil
	u.mu.Unlock()
	for _, e := range lost {
		if e.Type == protocol.TypeClose {
			u.send(e)
		}
	}
	u.viewings.syncAll()
}
