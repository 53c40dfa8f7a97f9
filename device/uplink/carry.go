package uplink

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/device/door"
	"github.com/sightline-rtc/sightline/protocol"
)

// carry runs the link over one door, from its welcome to its loss, or to the next door that the scout has opened. It
// returns that door, or why there is none.
func (l *Link) carry(ctx context.Context, c *carrier) (next *carrier, err error) {
	if err := l.begin(c); err != nil {
		_ = c.door.Close() // it was good; the link is not
		return nil, err
	}
	up, down := context.WithCancel(ctx)
	defer down()
	// The door outlives the link's use of it for a while: what is being written is not broken off, the hub hears a bye, or
	// that the link goes on elsewhere, and ends the door; and when it was the one to end it, it says why.
	open, end := context.WithCancel(context.WithoutCancel(ctx))
	c.end = end
	l.work.Go(func() {
		<-up.Done()
		_ = Pause(open, farewellTime) // either way the door's time is over
		end()
	})
	read := make(chan error, 1)
	l.work.Go(func() {
		defer end()
		defer down()
		defer c.door.Close() //nolint:errcheck // the hub may have ended it
		read <- l.readAll(ctx, open, c)
	})
	var scout sync.WaitGroup
	scout.Go(func() {
		if next = l.scout(ctx, up, c); next != nil {
			down()
		}
	})
	writing := l.writeAll(up, open, c)
	l.vitals.within(longest)
	down()
	if ctx.Err() != nil {
		writing = l.bye(open, c)
	}
	scout.Wait()
	if next != nil {
		return next, nil
	}
	err = <-read
	if c.left {
		return nil, errMoved
	}
	var said *door.Closed
	if writing != nil && !errors.Is(writing, context.Canceled) && !errors.As(err, &said) {
		err = writing
	}
	l.policy.lost(c.door.Transport(), time.Since(c.since), err)
	return nil, err
}

// bye tells the hub that the client goes on purpose, after what it was told to say before.
func (l *Link) bye(ctx context.Context, c *carrier) error {
	last, err := l.next()
	if err != nil {
		return err
	}
	message, err := (&protocol.Envelope{Type: protocol.TypeBye}).Encode()
	if err != nil {
		return err
	}
	_, err = c.door.Write(ctx, append(last, message)...)
	return err
}

// writeAll writes what waits and keeps the link's timers, until the link leaves the door: up ends then, and open not
// long after.
func (l *Link) writeAll(up, open context.Context, c *carrier) error {
	for {
		for {
			messages, err := l.next()
			if err != nil {
				return err
			}
			if len(messages) == 0 {
				break
			}
			l.vitals.within(longest)
			if err := l.write(open, c, messages); err != nil {
				return err
			}
		}
		l.mu.Lock()
		wait := time.Until(l.link.Due())
		l.mu.Unlock()
		l.vitals.within(wait)
		timer := time.NewTimer(wait)
		select {
		case <-up.Done():
			timer.Stop()
			return up.Err()
		case <-l.wake:
			timer.Stop()
		case <-timer.C:
			l.mu.Lock()
			err := l.link.Tick(time.Now())
			l.mu.Unlock()
			if err != nil {
				return err
			}
		}
	}
}

// next returns what can be written at once; nothing when nothing waits.
func (l *Link) next() (messages [][]byte, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for room := door.MaxWriteBytes; room >= protocol.MaxMessageBytes && len(messages) < maxBatch; {
		message, ok := l.link.Next(time.Now())
		if !ok {
			break
		}
		messages = append(messages, message)
		room -= len(message)
	}
	return messages, l.overflow
}

// maxBatch bounds the messages of one write: an acknowledgement is due after protocol.AckEvery.
const maxBatch = protocol.AckEvery

func (l *Link) write(ctx context.Context, c *carrier, messages [][]byte) error {
	received, err := c.door.Write(ctx, messages...)
	if err != nil || received == 0 {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.link.Heard(received, time.Now())
}

// readAll hands on what the hub sends while the door is the current one. run is the context of the whole link.
func (l *Link) readAll(run, open context.Context, c *carrier) error {
	for {
		message, err := c.door.Read(open)
		if err != nil {
			return err
		}
		if err := l.take(run, c, message); err != nil {
			return err
		}
		l.poke()
	}
}

// take takes a message over. None at all is a sign of life.
func (l *Link) take(ctx context.Context, c *carrier, message []byte) error {
	l.taking.Lock()
	defer l.taking.Unlock()
	if l.current != c {
		return nil
	}
	l.vitals.takes(time.Now())
	defer l.vitals.takes(time.Time{})
	if message == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.link.Heard(0, time.Now())
	}
	e, body, err := protocol.Decode(message)
	why := protocol.AsError(err)
	if why != nil && why.Code != protocol.CodeUnknownType {
		return err
	}
	handle, err := l.receive(&e)
	if err != nil {
		return err
	}
	if handle {
		if err := l.handle(ctx, e, body, why); err != nil {
			return err
		}
	}
	l.mu.Lock()
	l.link.Took(e.Seq, time.Now())
	l.mu.Unlock()
	return nil
}

func (l *Link) receive(e *protocol.Envelope) (handle bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.link.Receive(e, time.Now())
}

// handle takes one message; why says that its type is unknown. The error is the end of the door.
func (l *Link) handle(ctx context.Context, e protocol.Envelope, body protocol.Message, why *protocol.Error) error {
	if why != nil {
		if e.ID != 0 { // a request must not wait for ever
			answer := protocol.Must(protocol.TypeError, e.Session, why)
			answer.Re = e.ID
			_ = l.Send(answer) // which ends the door if it fails
		}
		return nil
	}
	switch m := body.(type) {
	case *protocol.Goaway:
		l.sentAway(m)
		return nil
	case *protocol.Error:
		if e.Re == 0 && e.Session == "" && m.Code != protocol.CodeUnknownType {
			return &door.Closed{Code: protocol.CloseFor(m.Code), Err: m}
		}
	}
	l.config.Handler.Handle(ctx, e, body)
	return nil
}
