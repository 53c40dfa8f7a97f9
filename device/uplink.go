package device

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/link"
	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// farewellTime is how long the hub may take to say why it ended a link, or to hear the device's bye.
	farewellTime = time.Second
	// sessionShare is by how many messages, of 1 KiB on average, an open session raises what may be unacknowledged.
	sessionShare = 64
)

// uplink is the agent's end of its link to the hub, over all the sockets that carry it.
type uplink struct {
	agent    *Agent
	key      ed25519.PrivateKey
	identity identity
	viewings *viewings
	// resume names the link of the last welcome; nil before the first, and when the link is lost.
	resume *protocol.Resume
	clock  hubClock
	// corrected says that the hub has set the clock since it last welcomed the device.
	corrected bool
	// since is when the hub welcomed this socket; zero means that it has not.
	since time.Time
	// notBefore is the slot in which the hub that sent the device away wants to see it again.
	notBefore time.Time
	// wake has room for one: something waits to be written.
	wake chan struct{}

	// mu guards what follows.
	mu   sync.Mutex
	link *link.Link
	// overflow says why the link is lost: the hub leaves too much unacknowledged.
	overflow error
	// sessions is how many sessions the link carries.
	sessions int
}

// serve keeps the link up until the context ends.
func (a *Agent) serve(ctx context.Context, key ed25519.PrivateKey, id identity) {
	u := &uplink{agent: a, key: key, identity: id, link: link.New(a.config.Link, time.Now()), wake: make(chan struct{}, 1)}
	u.viewings = newViewings(a, u)
	defer u.viewings.closeAll(protocol.ReasonDeviceLeft)
	for failures := 0; ; failures++ {
		err := u.carry(ctx)
		if ctx.Err() != nil {
			return
		}
		event := "hub not reached"
		if !u.since.IsZero() {
			event = "link lost"
			if time.Since(u.since) > steadyAfter {
				failures = 0
			}
		}
		wait := u.waitAfter(err, failures)
		a.config.Logger.Warn(event, "device", id.Device, "err", err, "retry", wait.Round(time.Millisecond))
		if pause(ctx, wait) != nil {
			return
		}
	}
}

// waitAfter is how long to stay away after a link has ended.
func (u *uplink) waitAfter(err error, failures int) time.Duration {
	var said *verdict
	if errors.As(err, &said) && said.skewed && !u.corrected {
		u.corrected = true
		return 0 // the next token is signed with the hub's time
	}
	wait := u.agent.waitAfter(err, failures)
	slot := time.Until(u.notBefore)
	if slot > 0 && (said == nil || said.code.Reconnect()) {
		return slot // the hub has spread its clients already
	}
	return wait
}

// carry runs the link over one socket, from dial to loss. It always returns an error that says why it ended.
func (u *uplink) carry(ctx context.Context) error {
	u.since = time.Time{}
	conn, err := u.agent.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // it may be closed already
	s := socket{conn}
	greeted := context.AfterFunc(ctx, func() { _ = conn.Close() })
	welcome, err := u.greet(s)
	if err != nil {
		greeted()
		return err
	}
	if !greeted() {
		return ctx.Err()
	}
	if err := u.begin(welcome); err != nil {
		return err
	}
	up, lost := context.WithCancel(ctx)
	defer lost()
	var reader errgroup.Group
	reader.Go(func() error {
		defer lost()
		return u.readAll(ctx, s)
	})
	writing := u.writeAll(up, s)
	if ctx.Err() != nil {
		writing = u.bye(s)
	}
	// The hub closes the socket when it has heard the bye; and when it was the one to end it, it says why.
	farewell := time.AfterFunc(farewellTime, func() { _ = conn.Close() })
	defer farewell.Stop()
	reading := reader.Wait()
	var said *verdict
	if errors.As(reading, &said) || writing == nil || errors.Is(writing, context.Canceled) {
		return reading
	}
	return writing
}

// greet says hello and waits for the welcome.
func (u *uplink) greet(s socket) (*protocol.Welcome, error) {
	token, err := auth.SignDevice(u.key, u.identity.Device, u.agent.hub.String(), u.clock.now())
	if err != nil {
		return nil, fmt.Errorf("sign token: %w", err)
	}
	hello := protocol.Must(protocol.TypeHello, "", &protocol.Hello{
		Version: protocol.Version, Role: protocol.RoleDevice, Token: token, MaxSessions: u.agent.config.MaxSessions,
		Client: protocol.Client{Name: "sightline-agent", Version: u.agent.config.Version, Model: u.agent.config.Model},
		Resume: u.resumption(),
	})
	message, err := hello.Encode()
	if err != nil {
		return nil, err
	}
	if err := s.write(message); err != nil {
		return nil, fmt.Errorf("say hello: %w", err)
	}
	answer, err := s.read(time.Now().Add(protocol.HelloTimeout))
	if err != nil {
		return nil, fmt.Errorf("wait for welcome: %w", err)
	}
	_, body, err := protocol.Decode(answer)
	if err != nil {
		return nil, fmt.Errorf("read welcome: %w", err)
	}
	switch m := body.(type) {
	case *protocol.Welcome:
		return m, nil
	case *protocol.Error:
		if m.Code == protocol.CodeClockSkew && !m.Now.IsZero() {
			u.agent.config.Logger.Warn("clock differs from the hub's", "ahead", time.Until(m.Now).Round(time.Second))
			u.clock.set(m.Now)
		}
		return nil, verdictOf(m)
	}
	return nil, errors.New("the hub's first message was no welcome")
}

// carries notes that the link carries more sessions, or fewer.
func (u *uplink) carries(more int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.sessions += more
	u.link.Grow(sessionShare * more)
}

// send queues a message for the hub. One that cannot be queued because too much is unacknowledged ends the socket;
// the state repair after the next welcome then tells what was lost.
func (u *uplink) send(e protocol.Envelope) {
	u.mu.Lock()
	err := u.link.Send(e)
	if errors.Is(err, &protocol.Error{Code: protocol.CodeTooSlow}) {
		u.overflow = err
	}
	u.mu.Unlock()
	if err != nil {
		u.agent.config.Logger.Debug("message not queued", "type", e.Type, "session", e.Session, "err", err)
	}
	u.poke()
}

func (u *uplink) poke() {
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// writeAll writes what waits and keeps the link's timers, until the context ends.
func (u *uplink) writeAll(ctx context.Context, s socket) error {
	for {
		for {
			u.mu.Lock()
			message, ok := u.link.Next(time.Now())
			err := u.overflow
			u.mu.Unlock()
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			if err := s.write(message); err != nil {
				return fmt.Errorf("write: %w", err)
			}
		}
		u.mu.Lock()
		wait := time.Until(u.link.Due())
		u.mu.Unlock()
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-u.wake:
			timer.Stop()
		case <-timer.C:
			u.mu.Lock()
			err := u.link.Tick(time.Now())
			u.mu.Unlock()
			if err != nil {
				return err
			}
		}
	}
}

// bye tells the hub that the device goes on purpose.
func (u *uplink) bye(s socket) error {
	message, err := (&protocol.Envelope{Type: protocol.TypeBye}).Encode()
	if err != nil {
		return err
	}
	return s.write(message)
}

// readAll hands on what the hub sends.
func (u *uplink) readAll(ctx context.Context, s socket) error {
	for {
		message, err := s.read(time.Time{})
		if err != nil {
			return err
		}
		e, body, err := protocol.Decode(message)
		why := protocol.AsError(err)
		if why != nil && why.Code != protocol.CodeUnknownType {
			return err
		}
		u.mu.Lock()
		handle, err := u.link.Receive(&e, time.Now())
		u.mu.Unlock()
		if err != nil {
			return err
		}
		if handle {
			if err := u.handle(ctx, e, body, why); err != nil {
				return err
			}
		}
		u.mu.Lock()
		u.link.Took(e.Seq, time.Now())
		u.mu.Unlock()
		u.poke()
	}
}

// handle takes one message; why says that its type is unknown. The error is the end of the socket.
func (u *uplink) handle(ctx context.Context, e protocol.Envelope, body protocol.Message, why *protocol.Error) error {
	if why != nil {
		if e.ID != 0 { // a request must not wait for ever
			answer := protocol.Must(protocol.TypeError, e.Session, why)
			answer.Re = e.ID
			u.send(answer)
		}
		return nil
	}
	switch m := body.(type) {
	case *protocol.Goaway:
		u.notBefore = time.Now().Add(milliseconds(m.AfterMS))
	case *protocol.Error:
		if e.Re == 0 && e.Session == "" && m.Code != protocol.CodeUnknownType {
			return verdictOf(m)
		}
		u.agent.config.Logger.Warn("hub refused a message", "session", e.Session, "err", m)
	default:
		u.viewings.handle(ctx, e, body)
	}
	return nil
}
