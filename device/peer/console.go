package peer

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/sightline-rtc/sightline/protocol"
)

// What a viewer may not do with its control channel.
var (
	errFlood  = errors.New("more messages than allowed")
	errBinary = errors.New("a binary message")
	errLarge  = errors.New("a message that is too large")
)

// console serves the control channel of a session: what the viewer asks for is done, and it is told how the camera is.
type console struct {
	peer    *Peer
	channel channel
	out     *outbox
	pace    *rate.Limiter
	moves   errand
	talks   errand
	// work is every goroutine of the console's.
	work sync.WaitGroup
}

func newConsole(p *Peer, c channel) *console {
	return &console{
		peer: p, channel: c, out: newOutbox(),
		pace: rate.NewLimiter(protocol.ControlsPerSecond, 2*protocol.ControlsPerSecond),
	}
}

// serve serves the channel until it, or the peer, ends. The error is what the viewer did to have it closed.
func (c *console) serve() error {
	ctx, cancel := c.peer.whileOpen(context.Background())
	defer cancel()
	unread := make(chan error, 1)
	c.work.Go(func() {
		defer cancel()
		unread <- c.out.write(ctx, c.channel, c.status, c.peer.stillPace)
	})
	stop := context.AfterFunc(ctx, func() {
		past := time.Unix(1, 0)
		_, _ = c.channel.SetReadDeadline(past), c.channel.SetWriteDeadline(past)
	})
	forget, unsubscribe := c.peer.OnPicture(c.out.changed), c.peer.controls.Subscribe(c.out.changed)
	c.out.changed()
	err := c.read(ctx)
	unsubscribe()
	forget()
	stop()
	cancel()
	c.work.Wait()
	if closing := c.channel.Close(); closing != nil {
		c.peer.log.Debug("control channel not closed cleanly", "err", closing)
	}
	return errors.Join(err, <-unread)
}

// read takes what the viewer sends, until the channel ends.
func (c *console) read(ctx context.Context) error {
	buffer := make([]byte, protocol.MaxControlBytes)
	for {
		n, text, err := c.channel.ReadDataChannel(buffer)
		switch {
		case errors.Is(err, io.ErrShortBuffer):
			return errLarge
		case err != nil:
			return nil //nolint:nilerr // it has ended
		case !text:
			return errBinary
		case !c.pace.Allow():
			return errFlood
		}
		c.take(ctx, buffer[:n])
	}
}

// take does what one message asks for. A request that cannot be read is answered if its ID can.
func (c *console) take(ctx context.Context, message []byte) {
	request, body, err := protocol.DecodeControl(message)
	if err != nil {
		c.reply(request.ID, err)
		return
	}
	c.handle(ctx, request, body)
}

// reply answers a request: by ok without an error. One without an ID wants no answer.
func (c *console) reply(id uint64, err error) {
	if id == 0 {
		return
	}
	if err == nil {
		c.send(protocol.ControlOK, id, nil)
		return
	}
	c.peer.log.Debug("control request refused", "err", err)
	c.send(protocol.ControlError, id, protocol.AsError(err))
}

func (c *console) send(t protocol.ControlType, re uint64, body protocol.Message) {
	if message := encode(t, re, body); message != nil {
		c.out.put(message)
	}
}

// encode makes a message of the device's own, which cannot fail; what does is left out.
func encode(t protocol.ControlType, re uint64, body protocol.Message) []byte {
	m, err := protocol.NewControl(t, body)
	if err != nil {
		return nil
	}
	m.Re = re
	b, err := m.Encode()
	if err != nil {
		return nil
	}
	return b
}

// status tells how the camera is.
func (c *console) status() []byte {
	camera := c.peer.camera()
	return encode(protocol.ControlStatus, 0, &camera)
}
