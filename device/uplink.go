package device

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/link"
	"github.com/sightline-rtc/sightline/protocol"
)

// steadyAfter is how long a link must have lived for the next attempt to start with the shortest wait.
const steadyAfter = 30 * time.Second

// uplink is the agent's end of its link to the hub, over all the sockets that carry it.
type uplink struct {
	agent    *Agent
	key      ed25519.PrivateKey
	identity identity
	viewings *viewings
	resume   *protocol.Resume
	// skew is what must be added to this machine's clock to have the hub's.
	skew time.Duration
	// after is how long the hub asked to stay away.
	after time.Duration

	// mu guards what follows.
	mu   sync.Mutex
	link *link.Link
	// wake has room for one: something waits to be written.
	wake chan struct{}
}

// serve keeps the link up until the context ends.
func (a *Agent) serve(ctx context.Context, key ed25519.PrivateKey, id identity) {
	u := &uplink{agent: a, key: key, identity: id, link: link.New(a.config.Link, time.Now()), wake: make(chan struct{}, 1)}
	u.viewings = newViewings(a, u)
	defer u.viewings.closeAll(protocol.ReasonDeviceLeft)
	for attempt := 0; ctx.Err() == nil; attempt++ {
		started := time.Now()
		err := u.carry(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(started) > steadyAfter {
			attempt = 0
		}
		wait := u.waitAfter(err, attempt)
		a.config.Logger.Warn("link lost", "device", id.Device, "err", err, "retry", wait.Round(time.Millisecond))
		if a.pause(ctx, wait) != nil {
			return
		}
	}
}

// waitAfter is how long to stay away after a link has ended.
func (u *uplink) waitAfter(err error, attempt int) time.Duration {
	var closed *closeError
	var refused *protocol.Error
	if errors.As(err, &refused) {
		if refused.Code == protocol.CodeClockSkew && attempt == 0 {
			return 0 // the next token is signed with the hub's time
		}
		if retry := time.Duration(refused.RetryMS) * time.Millisecond; retry > 0 {
			return retry
		}
	}
	wait := u.agent.backoff(attempt)
	if errors.As(err, &closed) && !closed.code.Reconnect() || refused != nil && !protocol.CloseFor(refused.Code).Reconnect() {
		wait = u.agent.config.RefusedBackoff + rand.N(u.agent.config.RefusedBackoff/10+1) //nolint:gosec // jitter
	}
	wait = max(wait, u.after)
	u.after = 0
	return wait
}

// carry runs the link over one socket, from dial to loss. It always returns an error that says why it ended.
func (u *uplink) carry(ctx context.Context) error {
	conn, err := u.agent.dial(ctx)
	if err != nil {
		return err
	}
	s := socket{conn}
	welcome, err := u.greet(s)
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	u.begin(welcome)
	group, up := errgroup.WithContext(ctx)
	group.Go(func() error { return u.readAll(ctx, s) })
	group.Go(func() error {
		err := u.writeAll(up, s)
		if ctx.Err() != nil {
			err = u.bye(s)
		}
		return errors.Join(err, conn.Close()) // which ends readAll
	})
	return group.Wait()
}

// greet says hello and waits for the welcome.
func (u *uplink) greet(s socket) (*protocol.Welcome, error) {
	now := time.Now()
	token, err := auth.SignDevice(u.key, u.identity.Device, u.agent.hub.String(), now.Add(u.skew))
	if err != nil {
		return nil, fmt.Errorf("sign token: %w", err)
	}
	hello := protocol.Must(protocol.TypeHello, "", &protocol.Hello{
		Version: protocol.Version, Role: protocol.RoleDevice, Token: token, MaxSessions: u.agent.config.MaxSessions,
		Client: protocol.Client{Name: "sightline-agent", Version: u.agent.config.Version, Model: u.agent.config.Model},
		Resume: u.resume,
	})
	message, err := hello.Encode()
	if err != nil {
		return nil, err
	}
	if err := s.write(message); err != nil {
		return nil, fmt.Errorf("say hello: %w", err)
	}
	answer, err := s.read(now.Add(protocol.HelloTimeout))
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
			u.skew = m.Now.Sub(time.Now())
			u.agent.config.Logger.Warn("clock differs from the hub's", "skew", u.skew.Round(time.Second))
		}
		return nil, m
	}
	return nil, errors.New("the hub's first message was no welcome")
}

// begin starts the link anew on a fresh socket: what the old one could not deliver is told as state.
func (u *uplink) begin(welcome *protocol.Welcome) {
	now := time.Now()
	u.skew = welcome.Now.Sub(now)
	u.resume = &protocol.Resume{Link: welcome.Link, Key: welcome.Key}
	u.mu.Lock()
	u.link.SetPing(time.Duration(welcome.PingS) * time.Second)
	lost := u.link.Reset(now)
	u.mu.Unlock()
	for _, e := range lost {
		if e.Type == protocol.TypeClose {
			u.send(e)
		}
	}
	u.viewings.syncAll()
	u.agent.config.Logger.Info("link up", "device", u.identity.Device, "link", welcome.Link)
	u.agent.ready.Do(func() { u.agent.config.Ready(u.identity.Device) })
}

// send queues a message for the hub. What cannot be queued is lost: the state repair after the next welcome tells it.
func (u *uplink) send(e protocol.Envelope) {
	u.mu.Lock()
	err := u.link.Send(e)
	u.mu.Unlock()
	if err != nil {
		u.agent.config.Logger.Debug("message not queued", "type", e.Type, "session", e.Session, "err", err)
		return
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
			u.mu.Unlock()
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
		if handle && why == nil {
			if err := u.handle(ctx, e, body); err != nil {
				return err
			}
		}
		u.mu.Lock()
		u.link.Took(e.Seq, time.Now())
		u.mu.Unlock()
		u.poke()
	}
}

// handle takes one message. The error is the end of the socket.
func (u *uplink) handle(ctx context.Context, e protocol.Envelope, body protocol.Message) error {
	switch m := body.(type) {
	case *protocol.Goaway:
		u.after = time.Duration(m.AfterMS) * time.Millisecond
	case *protocol.Error:
		if e.Re == 0 && e.Session == "" {
			return m
		}
		u.agent.config.Logger.Warn("hub refused a message", "session", e.Session, "err", m)
	default:
		u.viewings.handle(ctx, e, body)
	}
	return nil
}
