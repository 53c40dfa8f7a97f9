package signal

import (
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/link"
	"github.com/sightline-rtc/sightline/protocol"
)

// socket carries a link's messages for a while. A door implements it. Both methods are safe for concurrent use;
// Write blocks up to the write deadline, Close may be called more than once and does not wait for the peer.
type socket interface {
	Write(message []byte) error
	Close(code protocol.CloseCode, reason string)
}

// client is the hub's end of one link.
type client struct {
	id      protocol.LinkID
	key     string
	role    protocol.Role
	address netip.Addr
	program protocol.Client
	since   time.Time
	logger  *slog.Logger

	sessions map[protocol.SessionID]*session // at whose end it is; Hub.mu guards it

	// Of a viewer. Hub.mu guards them: a token is renewed on a live link.
	viewer auth.Viewer
	grant  protocol.GrantID // not tied to a session yet
	renew  time.Time        // of the grant's credentials
	// requests bounds what it may ask for.
	requests *rate.Limiter

	// Of a device.
	device      protocol.DeviceID
	generation  uint64
	maxSessions int

	hub *Hub
	// mu guards what follows. It is taken while Hub.mu is held, never the other way round.
	mu      sync.Mutex
	link    *link.Link
	socket  socket
	timer   *time.Timer
	writing bool // a goroutine is in write
	closed  bool
	why     *protocol.Error // the hub closed, nil if it did not
	parted  chan struct{}   // closed when the peer has been told why the hub closed; nil until it does
	lastID  uint64          // of requests to this client
}

// send queues a message of the hub's own. It never blocks: a client that reads too slowly loses its socket.
func (c *client) send(e protocol.Envelope) {
	if err := c.carry(e); err != nil {
		c.logger.Error("message not sent", "type", e.Type, "session", e.Session, "err", err)
	}
}

// carry is send for what another client wrote. It fails with CodeTooLarge for a message that has no room in an
// envelope of this link: that is its writer's fault, and this client's link goes on.
func (c *client) carry(e protocol.Envelope) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	err := c.link.Send(e)
	switch {
	case err == nil:
		c.wakeLocked()
	case errors.Is(err, &protocol.Error{Code: protocol.CodeTooLarge}):
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

// wakeLocked starts the writer unless it runs: an idle link costs no goroutine.
func (c *client) wakeLocked() {
	if c.writing || !c.link.Pending() {
		return
	}
	c.writing = true
	c.hub.work.Go(c.write)
}

func (c *client) write() {
	for {
		c.mu.Lock()
		message, ok := c.link.Next(time.Now())
		if !ok || c.closed {
			c.writing = false
			c.mu.Unlock()
			return
		}
		c.scheduleLocked()
		c.mu.Unlock()
		if err := c.socket.Write(message); err != nil {
			c.close(protocol.Errorf(protocol.CodeTooSlow, "the socket does not take what is sent").Because(err))
		}
	}
}

// scheduleLocked sets the timer for the next ping, acknowledgement or end of patience.
func (c *client) scheduleLocked() {
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
	if c.closed {
		return
	}
	if err := c.link.Tick(time.Now()); err != nil {
		c.closeLocked(protocol.AsError(err))
		return
	}
	c.wakeLocked()
	c.scheduleLocked()
}

// setPing changes how often the link is expected to show life.
func (c *client) setPing(interval time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.link.SetPing(interval)
		c.scheduleLocked()
	}
}

// grow lets a device's link have more unacknowledged messages for each of its sessions.
func (c *client) grow(messages int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.link.Grow(messages)
}

// close tells the client why and closes its socket. The door's reader then ends and takes the client off the hub.
func (c *client) close(why *protocol.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closeLocked(why)
}

func (c *client) closeLocked(why *protocol.Error) {
	if c.closed {
		return
	}
	c.closed, c.why = true, why
	if c.timer != nil {
		c.timer.Stop()
	}
	c.logger.Info("link closed by the hub", "code", why.Code, "err", why)
	s, parted := c.socket, make(chan struct{})
	c.parted = parted
	c.hub.work.Go(func() {
		defer close(parted)
		farewell(s, why)
	})
}

// part waits until the peer has been told why the hub closed the link, if it did.
func (c *client) part() {
	c.mu.Lock()
	parted := c.parted
	c.mu.Unlock()
	if parted != nil {
		<-parted
	}
}

// farewell sends the error that explains a close, then closes.
func farewell(s socket, why *protocol.Error) {
	if why.Code != protocol.CodeTooSlow {
		e := protocol.Must(protocol.TypeError, "", why)
		if message, err := e.Encode(); err == nil {
			_ = s.Write(message) // the socket is closed anyway
		}
	}
	s.Close(protocol.CloseFor(why.Code), why.Message)
}
