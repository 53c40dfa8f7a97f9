package signal

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// How full the queues may be, in percent of Config.QueueBytes, before something has to give (design: what may be lost
// goes first, then those who do not read, then newcomers).
const (
	dropVolatileAt = 80
	closeLargestAt = 90
	// relievedAt is how far queues are closed once they are: some way down, so that it is not done for every message.
	relievedAt       = 85
	refuseNewcomerAt = 95

	// crowdedWait is what newcomers are told to wait for room in the queues, and as much again at random: about as long
	// as a client that does not read keeps its socket.
	crowdedWait = 5 * time.Second
)

// budget counts what all queues of the hub hold. It is safe for concurrent use.
type budget struct {
	most int64
	// links is what the links keep, parked ones too, to the byte; backlogs what waits behind invites, as of the last sweep.
	links, backlogs atomic.Int64
	// relieve has room for one: queues have to be closed.
	relieve chan struct{}
	// dropped counts volatile messages, closed links.
	dropped, closed atomic.Uint64
}

func newBudget(most int64) *budget { return &budget{most: most, relieve: make(chan struct{}, 1)} }

func (b *budget) used() int64 { return b.links.Load() + b.backlogs.Load() }

// over reports whether that many percent are used.
func (b *budget) over(percent int64) bool { return b.used()*100 >= b.most*percent }

// add counts what a link keeps more, or less.
func (b *budget) add(bytes int) {
	b.links.Add(int64(bytes))
	if bytes > 0 && b.over(closeLargestAt) {
		select {
		case b.relieve <- struct{}{}:
		default:
		}
	}
}

// accountLocked counts what the link and its door keep. A closed link keeps nothing.
func (c *client) accountLocked() {
	bytes := 0
	if !c.closed {
		bytes = c.link.Queued() + c.kept
	}
	if more := bytes - c.queued; more != 0 {
		c.queued = bytes
		c.hub.budget.add(more)
	}
}

// relieveUntil closes the largest queues whenever they have to be, until the hub is over.
func (h *Hub) relieveUntil(over <-chan struct{}) {
	for {
		select {
		case <-over:
			return
		case <-h.budget.relieve:
			h.relieve()
		}
	}
}

// relieve drops what may be lost, then closes the links that keep most, until there is room. It closes none for what
// waits behind invites, which would still be there: newcomers and opens are refused until that is gone.
func (h *Hub) relieve() {
	h.dropVolatile()
	backlogs := h.budget.backlogs.Load()
	if !h.budget.over(closeLargestAt) || backlogs*100 >= h.budget.most*relievedAt {
		return
	}
	type load struct {
		client *client
		bytes  int
	}
	var loads []load
	for _, c := range h.everybody() {
		if bytes := c.load(); bytes > 0 {
			loads = append(loads, load{c, bytes})
		}
	}
	slices.SortFunc(loads, func(a, b load) int { return cmp.Compare(b.bytes, a.bytes) })
	closed := 0
	for _, l := range loads {
		if !h.budget.over(relievedAt) {
			break
		}
		l.client.close(protocol.Errorf(protocol.CodeTooSlow, "the server's queues are full, and this is one of the longest"))
		closed++
	}
	h.budget.closed.Add(uint64(closed)) //nolint:gosec // a count
	h.config.Logger.Warn("queues closed for want of memory", "links", closed, "budget", h.budget.most)
}

// relieveVolatile drops the volatile messages that wait, if there is too little room for them.
func (h *Hub) relieveVolatile() {
	if h.budget.over(dropVolatileAt) {
		h.dropVolatile()
	}
}

func (h *Hub) dropVolatile() {
	for _, c := range h.everybody() {
		c.mu.Lock()
		dropped := c.link.DropVolatile()
		c.accountLocked()
		c.mu.Unlock()
		h.budget.dropped.Add(uint64(dropped)) //nolint:gosec // a length
	}
}

func (h *Hub) everybody() []*client {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*client, 0, len(h.clients))
	for _, c := range h.clients {
		all = append(all, c)
	}
	return all
}

// load is what the link keeps.
func (c *client) load() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queued
}

// sweepBacklogs adds up what waits behind invites. Each is bounded; their sum changes little in a sweep's time.
func (h *Hub) sweepBacklogs() {
	sum := 0
	h.mu.Lock()
	for _, s := range h.sessions {
		sum += s.behind.bytes
	}
	for _, d := range h.devices {
		for _, w := range d.waiting {
			sum += w.behind.bytes + len(w.request.Data)
		}
	}
	h.mu.Unlock()
	h.budget.backlogs.Store(int64(sum))
}

// mayQueue refuses what would make new queues when there is no room for them.
func (h *Hub) mayQueue() error {
	if !h.budget.over(refuseNewcomerAt) {
		return nil
	}
	err := protocol.Errorf(protocol.CodeRateLimited, "the server's queues are full")
	err.RetryMS = spread(crowdedWait).Milliseconds()
	return err
}

// Queues says how full the hub's queues are, and what that has cost since it started.
type Queues struct {
	// Bytes are in the queues, of at most Budget.
	Bytes, Budget int64
	// Dropped are volatile messages, Closed links.
	Dropped, Closed uint64
}

// Queues returns how full the hub's queues are.
func (h *Hub) Queues() Queues {
	b := h.budget
	return Queues{Bytes: b.used(), Budget: b.most, Dropped: b.dropped.Load(), Closed: b.closed.Load()}
}
