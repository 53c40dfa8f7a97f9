package signal

import (
	"container/list"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/internal/throttle"
	"github.com/sightline-rtc/sightline/link"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// client is the hub's end of one link.
type client struct {
	id      protocol.LinkID
	key     string
	role    protocol.Role
	address netip.Addr
	program protocol.Client
	since   time.Time
	logger  *slog.Logger
	mute    bool // its door has no words for a path, for how much has come, or for a longer lease

	sessions map[protocol.SessionID]*session // at whose end it is; Hub.mu guards it

	// Of a viewer. Hub.mu guards them: a token is renewed on a live link.
	viewer auth.Viewer
	owner  protocol.ProjectID // whose the device is; it does not change
	grant  protocol.GrantID   // not tied to a session yet
	renew  time.Time          // of the grant's credentials
	// rationed says that the payer's relay budget is used up, terms how a session could go when the grant was last renewed:
	// where that is directly alone, the grant is not for use.
	rationed bool
	terms    record.Terms
	network  *protocol.Network // that it is in, as it says; nil before it has. What it points at does not change
	// requests bounds what it may ask for.
	requests *rate.Limiter

	// Of a device.
	device      protocol.DeviceID
	generation  uint64
	maxSessions int
	issued      int64 // Unix time of the newest token that it showed; Hub.mu guards it

	// parked is the link's place among those without a socket, nil while it has one, parkedAt since when. Hub.mu guards
	// them.
	parked   *list.Element
	parkedAt time.Time

	hub *Hub
	// handling holds one value while a message is handled: the next socket's reader waits for the last one's.
	handling chan struct{}
	// mu guards what follows. It is taken while Hub.mu is held, never the other way round.
	mu      sync.Mutex
	link    *link.Link
	carrier *carrier // the newest, also when it is lost
	timer   *time.Timer
	busy    bool                  // a viewer in a session
	closed  bool                  // the link has ended, for the reason that a hello which resumes it is told
	reason  protocol.ResumeReason // once it is closed
	lastID  uint64                // of requests to this client
	// kept is what the door keeps of messages that it may have to send again, queued what is counted in the hub's budget.
	kept, queued int
	// chatter and faults bound what nothing else does.
	chatter, faults throttle.Bucket
}

// send queues a message of the hub's own. It never blocks: a client that leaves too much unread loses its link.
func (c *client) send(e protocol.Envelope) {
	if err := c.carry(e); err != nil {
		c.logger.Error("message not sent", "type", e.Type, "session", e.Session, "err", err)
	}
}

// carry is send for what another client wrote. It fails with CodeTooLarge for a message that has no room in an
// envelope of this link: that is its writer's fault, and this client's link goes on.
func (c *client) carry(e protocol.Envelope) error { return c.queue(e, c.link.Send) }

// relay is carry for a message that is its session's, of which it fails with CodeQuota when that has too much
// unacknowledged on this link, which goes on.
func (c *client) relay(e protocol.Envelope) error { return c.queue(e, c.link.SendShared) }

func (c *client) queue(e protocol.Envelope, send func(protocol.Envelope) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.carrier.lost && e.Class() == protocol.ClassControl {
		return nil
	}
	if e.Class() == protocol.ClassVolatile && c.hub.budget.over(dropVolatileAt) {
		c.hub.budget.dropped.Add(1)
		return nil
	}
	err := send(e)
	switch {
	case err == nil:
		c.wakeLocked()
	case errors.Is(err, &protocol.Error{Code: protocol.CodeTooLarge}), errors.Is(err, &protocol.Error{Code: protocol.CodeQuota}):
		return err
	default:
		c.closeLocked(protocol.AsError(err))
	}
	return nil
}

// nextID numbers a request to this client.
func (c *client) nextID() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lastID++
	return c.lastID
}

// wakeLocked is told when something may have been queued or acknowledged. It starts the writer unless it runs: an idle link
// costs no goroutine.
func (c *client) wakeLocked() {
	c.accountLocked()
	k := c.carrier
	if k.lost || k.writing || !c.link.Pending() {
		return
	}
	if p, pulls := k.socket.(puller); pulls {
		p.Wake()
		return
	}
	k.writing = true
	c.hub.work.Go(func() { c.write(k) })
}

func (c *client) write(k *carrier) {
	for {
		s, message := c.nextFor(k)
		if s == nil {
			return
		}
		if err := s.Write(message); err != nil {
			c.mu.Lock()
			c.loseLocked(k, protocol.Errorf(protocol.CodeTooSlow, "the socket does not take what is sent").Because(err))
			c.mu.Unlock()
		}
	}
}

// nextFor returns what a carrier's writer has to write next, and no socket when it has to end.
func (c *client) nextFor(k *carrier) (socket, []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !k.lost {
		if message, ok := c.link.Next(time.Now()); ok {
			c.accountLocked()
			c.scheduleLocked()
			return k.socket, message
		}
	}
	k.writing = false
	return nil, nil
}

// scheduleLocked sets the timer for the next ping, acknowledgement or end of patience, unless the link has no socket.
func (c *client) scheduleLocked() {
	if c.carrier.lost {
		return
	}
	wait := time.Until(c.link.Due())
	if c.timer == nil {
		c.timer = time.AfterFunc(wait, c.tick)
		return
	}
	c.timer.Reset(wait)
}

func (c *client) tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.carrier
	if k.lost {
		return
	}
	err := c.link.Tick(time.Now())
	switch {
	case errors.Is(err, &protocol.Error{Code: protocol.CodeTimeout}):
		c.loseLocked(k, protocol.AsError(err))
		return
	case err != nil:
		c.closeLocked(protocol.AsError(err))
		return
	}
	c.wakeLocked()
	c.scheduleLocked()
}

// setBusy says whether a viewer is in a session, and is missed sooner.
func (c *client) setBusy(busy bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = busy
	c.paceLocked()
	c.scheduleLocked()
}

// paceLocked sets how often the link is expected to show life. A poll is its own sign of it, and a guest has no network that
// could take it away.
func (c *client) paceLocked() {
	interval := c.hub.pingOn(c.carrier.transport)
	if c.busy && !slow(c.carrier.transport) {
		interval = c.hub.config.PingBusy
	}
	c.link.SetPing(interval)
}

// pingOn is the ping interval of an idle link on a door.
func (h *Hub) pingOn(door protocol.Transport) time.Duration {
	if slow(door) {
		return h.config.PollPing
	}
	return h.config.Link.Ping
}

// slow reports whether pings are seldom on a door.
func slow(door protocol.Transport) bool { return door == protocol.TransportLongPoll || door.Standard() }

// share gives a session its share of a device's link.
func (c *client) share(id protocol.SessionID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.link.Share(id)
}

func (c *client) unshare(id protocol.SessionID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.link.Unshare(id)
}

// close ends the link: it tells the client why and closes its socket. The door's reader then ends and takes the client
// off the hub; where there is none, that is done by itself.
func (c *client) close(why *protocol.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closeLocked(why)
}

func (c *client) closeLocked(why *protocol.Error) {
	if c.closed {
		return
	}
	c.closed, c.reason = true, reasonAfter(why.Code)
	c.link.Reset(time.Now()) // nobody will get what it keeps
	c.accountLocked()
	k := c.carrier
	if k.left {
		c.logger.Info("link closed by the hub", "code", why.Code, "err", why)
		c.hub.work.Go(func() { c.hub.end(context.Background(), c, false) })
		return
	}
	c.loseLocked(k, why)
}

// fail closes a link for what is wrong with a message of its client, which is nothing when that ended it or the socket.
func (c *client) fail(err error) {
	if !errors.Is(err, errBye) && !errors.Is(err, errClosed) {
		c.close(protocol.AsError(err))
	}
}

// reasonAfter is what a hello is told that would resume a link which the hub has closed.
func reasonAfter(code protocol.Code) protocol.ResumeReason {
	switch code {
	case protocol.CodeTooSlow:
		return protocol.ResumeOverflow
	case protocol.CodeSuperseded:
		return protocol.ResumeSuperseded
	}
	return protocol.ResumeNew
}
