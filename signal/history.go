package signal

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// history keeps which sockets devices have, and tells the store of each when it opens and why it ended. A store that
// fails costs an entry, never the link.
type history struct {
	// mu guards what follows. It is the last that is taken.
	mu sync.Mutex
	// current are the newest sockets that are open. What they point at does not change.
	current map[protocol.DeviceID]*record.Connection
	// last are those that ended with the hub, for saveLast.
	last []record.Connection
}

// Connection returns the socket that a device has now; ok is false if it has none.
func (h *Hub) Connection(id protocol.DeviceID) (c record.Connection, ok bool) {
	h.history.mu.Lock()
	defer h.history.mu.Unlock()
	if current := h.history.current[id]; current != nil {
		return *current, true
	}
	return record.Connection{}, false
}

// arrived is told of each socket that a client's link gets. It returns what departed wants to have; nil for a viewer.
func (h *Hub) arrived(ctx context.Context, c *client, k *carrier) *record.Connection {
	if k.fallback != nil {
		c.logger.Info("client has fallen back", "transport", k.transport, "fallback", k.fallback.Reason, "detail", k.fallback.Detail)
	}
	if c.role != protocol.RoleDevice {
		return nil
	}
	connection := &record.Connection{
		ID: newSecret(), Device: c.device, Link: c.id, Generation: c.generation,
		Address: k.address, Transport: k.transport, Fallback: k.fallback, Program: c.program, Opened: time.Now().UTC().Truncate(time.Millisecond),
	}
	h.history.begin(connection)
	h.saveConnection(ctx, *connection)
	return connection
}

// departed is told of the end of a socket that had arrived, and what ended it: errBye, the *protocol.Error with which
// the hub closed it, or whatever reading or writing it failed with.
func (h *Hub) departed(ctx context.Context, connection *record.Connection, end error) {
	if connection == nil {
		return
	}
	newest := h.history.end(connection)
	ended := *connection
	ended.Closed = time.Now().UTC().Truncate(time.Millisecond)
	ended.Bye = errors.Is(end, errBye)
	h.mu.Lock()
	ending := h.ending
	ended.Cause, ended.Detail = causeOf(end, h.stopping)
	if d := h.devices[connection.Device]; newest && d != nil {
		d.telling.cause = ended.Cause
	}
	h.mu.Unlock()
	if ending {
		h.history.put(ended)
		return
	}
	h.saveConnection(ctx, ended)
}

func (h *Hub) saveConnection(ctx context.Context, c record.Connection) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	if err := h.config.Directory.SaveConnection(ctx, c); err != nil {
		h.config.Logger.Error("connection not saved", "device", c.Device, "link", c.Link, "err", err)
	}
}

// begin makes a connection its device's current one, unless a newer link has been faster.
func (y *history) begin(c *record.Connection) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.current == nil {
		y.current = map[protocol.DeviceID]*record.Connection{}
	}
	if newest := y.current[c.Device]; newest == nil || newest.Generation <= c.Generation {
		y.current[c.Device] = c
	}
}

// end reports whether the connection was the device's newest.
func (y *history) end(c *record.Connection) bool {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.current[c.Device] != c {
		return false
	}
	delete(y.current, c.Device)
	return true
}

// put keeps a connection that has ended with the hub until all have.
func (y *history) put(ended record.Connection) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.last = append(y.last, ended)
}

// atOnce is how many connections one write to the store ends: some 50 ms of work.
const atOnce = 1000

// saveLast tells the store of the connections that ended with the hub.
func (h *Hub) saveLast(ctx context.Context) error {
	h.history.mu.Lock()
	last := h.history.last
	h.history.last = nil
	h.history.mu.Unlock()
	for some := range slices.Chunk(last, atOnce) {
		if err := h.endConnections(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

func (h *Hub) endConnections(ctx context.Context, ended []record.Connection) error {
	ctx, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	if err := h.config.Directory.EndConnections(ctx, ended); err != nil {
		return fmt.Errorf("keep the end of connections: %w", err)
	}
	return nil
}

// ending returns what ended a socket of the client: why the hub closed it, if it did, rather than what its reader saw.
func (c *client) ending(k *carrier, seen error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k.why != nil {
		return k.why
	}
	return seen
}

// causeOf says why a socket ended, in a word for programs and in some for people.
func causeOf(end error, stopping bool) (record.Cause, string) {
	var why *protocol.Error
	switch {
	case stopping && !errors.As(end, &why):
		return record.CauseGoingAway, "the server was stopping"
	case errors.Is(end, errBye):
		return record.CauseBye, "the device said bye"
	case !errors.As(end, &why):
		return record.CauseLost, lossOf(end)
	}
	switch why.Code {
	case protocol.CodeGoingAway:
		if stopping {
			return record.CauseGoingAway, why.Message
		}
		return record.CauseReplaced, why.Message
	case protocol.CodeTooSlow:
		if cause := why.Unwrap(); cause != nil && !timedOut(cause) {
			return record.CauseLost, lossOf(cause) // a write was the first to see it
		}
		return record.CauseTooSlow, why.Message
	case protocol.CodeTimeout:
		return record.CauseSilent, why.Message
	case protocol.CodeSuperseded:
		return record.CauseSuperseded, why.Message
	case protocol.CodeRevoked:
		return record.CauseRevoked, why.Message
	case protocol.CodeInternal:
		return record.CauseInternal, why.Message
	}
	return record.CauseProtocol, string(why.Code) + ": " + why.Message
}

// lossOf tells how a socket was lost, as far as this end can know.
func lossOf(err error) string {
	var closed *websocket.CloseError
	switch {
	case errors.As(err, &closed) && closed.Code == websocket.CloseAbnormalClosure:
		return "the connection ended without a close"
	case errors.As(err, &closed) && closed.Text != "":
		return fmt.Sprintf("the device closed the socket with code %d, %q", closed.Code, closed.Text)
	case errors.As(err, &closed):
		return fmt.Sprintf("the device closed the socket with code %d", closed.Code)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the connection was reset"
	case timedOut(err):
		return "the network did not deliver what was sent"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "the network has no way to the device"
	}
	return "the connection broke"
}

// timedOut reports whether a read or write took too long. gorilla hides os.ErrDeadlineExceeded.
func timedOut(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
