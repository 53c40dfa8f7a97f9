//go:build linux

package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// leastBackoff and mostBackoff are those of docs/protocol.md.
	leastBackoff, mostBackoff = 500 * time.Millisecond, 30 * time.Second
	// mediaInterval is how often an end reports media.
	mediaInterval = 20 * time.Second
)

// returnee is a client that comes back: a device or a viewer, with its end of a session if it has one.
type returnee struct {
	// dial opens its next link.
	dial func(context.Context) (*endpoint, error)
	role protocol.Role
	// camera is the viewer's.
	camera protocol.DeviceID
	// welcomed is told when it is back.
	welcomed func()
	// answered is told when its session has an answer; nil for a device.
	answered func()

	// mu guards what follows.
	mu      sync.Mutex
	link    *endpoint
	session *half
	slot    time.Time // of the last goaway
}

// live keeps the client's link up until the context ends.
func (c *returnee) live(ctx context.Context) {
	hangUp := context.AfterFunc(ctx, func() { c.current().close() })
	defer hangUp()
	for ctx.Err() == nil {
		err := c.current().run(func(e protocol.Envelope, body protocol.Message) { c.handle(e, body) })
		for failures := 0; ctx.Err() == nil; failures++ {
			if pause(ctx, c.wait(err, failures)) != nil {
				return
			}
			var p *endpoint
			if p, err = c.dial(ctx); err == nil {
				c.back(ctx, p)
				break
			}
		}
	}
}

func (c *returnee) current() *endpoint {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link
}

// wait is how long to stay away: until the slot, or as long as the server asked for, or by full jitter.
func (c *returnee) wait(err error, failures int) time.Duration {
	c.mu.Lock()
	slot := time.Until(c.slot)
	c.mu.Unlock()
	var later *unavailable
	switch {
	case slot > 0:
		return slot
	case errors.As(err, &later) && later.retry > 0:
		return later.retry + rand.N(later.retry/10+1)
	}
	ceiling := min(leastBackoff<<min(failures+1, 16), mostBackoff)
	return leastBackoff + rand.N(ceiling-leastBackoff)
}

// back goes on with a new link: what the old one did not deliver is repaired.
func (c *returnee) back(ctx context.Context, p *endpoint) {
	c.welcomed()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.link = p
	if ctx.Err() != nil {
		p.close()
	}
	switch {
	case c.session != nil:
		c.sayLocked(c.session.sync(false))
	case c.role == protocol.RoleDevice:
		c.sayLocked(protocol.Must(protocol.TypeSync, "", &protocol.Sync{Last: true}))
	}
}

// sayLocked sends; a link that fails shows when it is read.
func (c *returnee) sayLocked(messages ...protocol.Envelope) { _ = c.link.send(messages...) }

// open asks for a session.
func (c *returnee) open() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session = newHalf(newSessionID(), c.role, secret())
	c.sayLocked(protocol.Must(protocol.TypeOpen, c.session.id, &protocol.Open{
		Device: c.camera, Owner: c.session.owner, Media: protocol.Media{Video: true},
		Offer: &protocol.Offer{Revision: 1, SDP: c.session.own.description},
	}), c.session.candidate())
}

func (c *returnee) handle(e protocol.Envelope, body protocol.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch m := body.(type) {
	case *protocol.Goaway:
		c.slot = time.Now().Add(time.Duration(m.AfterMS) * time.Millisecond)
		c.trickleLocked() // at the worst moment: the socket is about to be closed
	case *protocol.Invite:
		c.session = newHalf(e.Session, c.role, "")
		c.session.hear(m.Offer.SDP)
		reply := protocol.Must(protocol.TypeReply, e.Session, &protocol.Reply{})
		reply.Re = e.ID
		c.sayLocked(reply, protocol.Must(protocol.TypeDescribe, e.Session, c.session.describe()), c.session.candidate())
	case *protocol.Closed:
		c.session = nil // which the comparison finds
	case *protocol.Describe:
		c.hearLocked(e, m)
		if c.answered != nil {
			c.answered()
		}
	case *protocol.Candidate:
		c.hearLocked(e, nil, *m)
	case *protocol.Sync:
		c.hearLocked(e, m.Description, m.Candidates...)
		if c.session != nil && !m.Answer {
			c.sayLocked(c.session.sync(true))
		}
	}
}

func (c *returnee) hearLocked(e protocol.Envelope, description *protocol.Describe, candidates ...protocol.Candidate) {
	if c.session == nil || c.session.id != e.Session {
		return
	}
	text := ""
	if description != nil {
		text = description.SDP
	}
	c.session.hear(text, candidates...)
}

// trickleLocked finds one more candidate.
func (c *returnee) trickleLocked() {
	if c.session != nil {
		c.sayLocked(c.session.candidate())
	}
}

func (c *returnee) trickle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trickleLocked()
}

// media reports that the session's media flows.
func (c *returnee) media() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session != nil {
		c.sayLocked(protocol.Must(protocol.TypeStats, c.session.id, &protocol.Stats{Media: true}))
	}
}
