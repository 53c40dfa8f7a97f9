package signal

import (
	"cmp"
	"slices"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// drainTick is how often a hub that stops looks who is still there.
const drainTick = 10 * time.Millisecond

var stoppingError = protocol.Errorf(protocol.CodeGoingAway, "the server is stopping")

// Abort makes a Run that is stopping return at once: sockets are cut without a word. It may be called at any time and
// does not wait.
func (h *Hub) Abort() { h.hurried.Do(func() { close(h.hurry) }) }

// drain sends every client away and closes the links. Where there are other hosts, clients leave for them in their slots
// and the hub serves those that are still here; else they have nothing to wait for, and come back in their slots.
func (h *Hub) drain() {
	start := time.Now()
	clients := h.sendAway()
	if len(h.config.Hosts) > 0 {
		h.wait(clients, h.config.DrainDeadline, (*client).left)
	} else {
		h.wait(clients, h.config.GoawayGrace, (*client).flushed)
	}
	h.closeAll(clients)
	h.config.Logger.Info("hub drained", "links", len(clients), "took", time.Since(start).Round(time.Millisecond))
}

// sendAway takes no new links from now on, and tells each client when to come back. It returns those that were told.
func (h *Hub) sendAway() []*client {
	h.mu.Lock()
	h.stopping = true
	for s := range h.strangers {
		h.work.Go(func() { farewell(s, stoppingError) })
	}
	clients := h.inOrderLocked()
	h.mu.Unlock()
	first, deadline := h.config.GoawayGrace, h.config.GoawayGrace
	if len(h.config.Hosts) > 0 {
		first, deadline = 0, h.config.DrainDeadline
	}
	s := slots{count: len(clients), spread: spreadOf(len(clients), h.config.AcceptRate, h.config.DrainDeadline)}
	h.config.Logger.Info("hub drains", "links", s.count, "rate", h.config.AcceptRate, "spread", s.spread)
	for i, c := range clients {
		c.send(protocol.Must(protocol.TypeGoaway, "", &protocol.Goaway{
			AfterMS: (first + s.after(i)).Milliseconds(), DeadlineMS: deadline.Milliseconds(), Hosts: h.config.Hosts,
		}))
	}
	return clients
}

// inOrderLocked lists the clients that have a socket in the order in which they are wanted back: those in sessions,
// then devices, then viewers that wait for one.
func (h *Hub) inOrderLocked() []*client {
	clients := make([]*client, 0, len(h.clients))
	for _, c := range h.clients {
		if c.parked == nil {
			clients = append(clients, c)
		}
	}
	rank := func(c *client) int {
		switch {
		case len(c.sessions) > 0:
			return 0
		case c.role == protocol.RoleDevice:
			return 1
		}
		return 2
	}
	slices.SortFunc(clients, func(a, b *client) int { return cmp.Compare(rank(a), rank(b)) })
	return clients
}

// slots are the times of a number of clients, evenly over the spread.
type slots struct {
	count  int
	spread time.Duration
}

// spreadOf is how long that many links take to come at a rate a second, most at the longest.
func spreadOf(links int, rate float64, most time.Duration) time.Duration {
	seconds := float64(links) / rate
	if seconds >= most.Seconds() {
		return most
	}
	return time.Duration(seconds * float64(time.Second))
}

// after is when the i-th client, from 0, is to come, from the beginning of the spread.
func (s slots) after(i int) time.Duration {
	return time.Duration(float64(s.spread) * float64(i) / float64(s.count))
}

// wait returns when it is over for all clients, the time is, or somebody is in a hurry.
func (h *Hub) wait(clients []*client, most time.Duration, over func(*client) bool) {
	deadline := time.NewTimer(most)
	defer deadline.Stop()
	ticker := time.NewTicker(drainTick)
	defer ticker.Stop()
	for left := slices.Clone(clients); ; {
		left = slices.DeleteFunc(left, over)
		if len(left) == 0 {
			return
		}
		select {
		case <-ticker.C:
		case <-deadline.C:
			return
		case <-h.hurry:
			return
		}
	}
}

// flushed reports whether the client has been written all that waits for it.
func (c *client) flushed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.carrier.lost || !c.carrier.writing && !c.link.Pending()
}

// left reports whether the client's socket has ended.
func (c *client) left() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.carrier.left
}

// closeAll closes the links that still have a socket.
func (h *Hub) closeAll(clients []*client) {
	h.mu.Lock()
	h.ending = true
	h.mu.Unlock()
	for _, c := range clients {
		if !c.left() {
			c.close(stoppingError)
		}
	}
}

// cut ends all sockets, whatever is on its way.
func (h *Hub) cut() {
	var sockets []socket
	h.mu.Lock()
	for s := range h.strangers {
		sockets = append(sockets, s)
	}
	for _, c := range h.clients {
		c.mu.Lock()
		if s := c.carrier.socket; s != nil {
			sockets = append(sockets, s)
		}
		c.mu.Unlock()
	}
	h.mu.Unlock()
	for _, s := range sockets {
		s.abort()
	}
}

// ends reports whether the hub is closing all links.
func (h *Hub) ends() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ending
}
