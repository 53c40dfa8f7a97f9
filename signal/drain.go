package signal

import (
	"cmp"
	"slices"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// drainTick is how often a hub that stops looks who is still there.
	drainTick = 10 * time.Millisecond
	// closesPerSecond is how many links a hub can close: with their clients on the same two CPUs it was as many
	// (docs/benchmarks.md). Before that nobody has to try and come back.
	closesPerSecond = 5000
)

var stoppingError = protocol.Errorf(protocol.CodeGoingAway, "the server is stopping")

// Abort makes a Run that is stopping return at once: sockets are cut without a word. It may be called at any time and
// does not wait.
func (h *Hub) Abort() { h.hurried.Do(func() { close(h.hurry) }) }

// drain sends every client away and closes the links. Where there are other hosts, clients leave for them in their slots
// and the hub serves those that are still here; else they have nothing to wait for, and come back in their slots. It
// returns how many there were.
func (h *Hub) drain() int {
	clients := h.sendAway()
	if len(h.config.Hosts) > 0 {
		h.wait(clients, h.config.DrainDeadline, (*client).left)
	} else {
		h.wait(clients, h.config.GoawayGrace, (*client).flushed)
	}
	h.closeAll(clients)
	return len(clients)
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
	s, deadline := h.slotsFor(len(clients))
	h.config.Logger.Info("hub drains", "links", s.count, "rate", h.config.AcceptRate, "spread", s.spread)
	for i, c := range clients {
		c.send(protocol.Must(protocol.TypeGoaway, "", &protocol.Goaway{
			AfterMS: s.after(i).Milliseconds(), DeadlineMS: deadline.Milliseconds(), Hosts: h.config.Hosts,
		}))
	}
	return clients
}

// slotsFor is when that many clients are to come, and when their sockets are closed at the latest. Who comes back here
// has nothing to find before the hub has closed its sockets.
func (h *Hub) slotsFor(clients int) (s slots, deadline time.Duration) {
	s, deadline, most := slots{count: clients}, h.config.DrainDeadline, h.config.DrainDeadline
	if len(h.config.Hosts) == 0 {
		closing := spreadOf(clients, closesPerSecond, most/2)
		deadline, most = h.config.GoawayGrace, most-closing
		s.first = deadline + closing
	}
	s.spread = spreadOf(clients, h.config.AcceptRate, most)
	return s, deadline
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

// slots are the times of a number of clients from the goaway on, evenly over the spread.
type slots struct {
	count         int
	first, spread time.Duration
}

// spreadOf is how long that many links take to come at a rate a second, most at the longest.
func spreadOf(links int, rate float64, most time.Duration) time.Duration {
	seconds := float64(links) / rate
	if seconds >= most.Seconds() {
		return most
	}
	return time.Duration(seconds * float64(time.Second))
}

// after is the slot of the i-th client, from 0.
func (s slots) after(i int) time.Duration {
	return s.first + time.Duration(float64(s.spread)*float64(i)/float64(s.count))
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
