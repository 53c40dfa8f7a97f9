package signal

import (
	"context"
	"errors"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sightline-rtc/sightline/internal/kvs"
	"github.com/sightline-rtc/sightline/protocol"
)

// kvsSocket carries a guest that speaks the KVS format: what it reads it has the guest say, what the guest hears it writes.
type kvsSocket struct {
	hub     *Hub
	guest   *guest
	speaker kvsSpeaker
	socket  *webSocket
}

// kvsSpeaker translates for one role. take and hear may be called at the same time.
type kvsSpeaker interface {
	// take has the guest say what a message means. It fails with what the client is told about it.
	take(ctx context.Context, r kvs.Request) error
	// hear returns what the client is told of a message of the hub, and what the hub is told again, of the same session, nil
	// if nothing.
	hear(m *said) (events []kvs.Event, again *protocol.Sync)
}

// serve reads and writes until one of the two ends, or the guest.
func (s *kvsSocket) serve(ctx context.Context) {
	g := s.guest
	connection := s.hub.arrived(ctx, g.client, g.carrier)
	written := make(chan struct{})
	s.hub.work.Go(func() {
		defer close(written)
		s.write(ctx)
	})
	end := g.client.ending(g.carrier, s.read(ctx))
	g.depart(socketEnded)
	<-written
	s.socket.linger()
	s.socket.abort()
	s.hub.departed(context.WithoutCancel(ctx), connection, end)
}

// socketEnded is why a guest ends whose client's socket did.
var socketEnded = protocol.Errorf(protocol.CodeTimeout, "the client's socket has ended")

// patience is how long nothing may be heard: clients answer pings by themselves (RFC 6455 section 5.5.2).
func (s *kvsSocket) patience() time.Duration {
	return s.hub.config.Link.Ping + s.hub.config.Link.Grace
}

// read takes in what the client sends, and returns what ended that.
func (s *kvsSocket) read(ctx context.Context) error {
	alive := func() error { return s.socket.setReadDeadline(time.Now().Add(s.patience())) }
	answer := s.socket.conn.PingHandler()
	s.socket.conn.SetPingHandler(func(text string) error { return errors.Join(alive(), answer(text)) })
	s.socket.conn.SetPongHandler(func(string) error { return alive() })
	for {
		message, err := s.socket.readBefore(time.Now().Add(s.patience()))
		switch {
		case errors.Is(err, errNotText):
			s.guest.depart(errNotText)
			return err
		case err != nil:
			s.guest.client.logger.Debug("socket ended", "err", err)
			return err
		}
		request, err := kvs.Decode(message)
		if err == nil {
			err = s.speaker.take(ctx, request)
		}
		if err == nil {
			continue
		}
		if s.guest.isOver() {
			return err // the writer tells why
		}
		s.guest.client.chargeFault()
		if err := s.tell(kvs.StatusOf(s.guest.client.known(protocol.Envelope{Type: protocol.Type(request.Action)}, err), request.Correlation)); err != nil {
			return err
		}
	}
}

// write tells the client what the hub says, and at the end why.
func (s *kvsSocket) write(ctx context.Context) {
	for {
		m, err := s.next(ctx)
		if err != nil {
			why := protocol.AsError(err)
			s.socket.Close(protocol.CloseFor(why.Code), why.Message)
			return
		}
		if m == nil {
			continue
		}
		events, again := s.speaker.hear(m)
		if again != nil {
			if _, err := s.guest.say(ctx, protocol.TypeSync, m.Session, again); err != nil {
				s.guest.client.logger.Warn("session not repaired", "session", m.Session, "err", err)
			}
		}
		for _, event := range events {
			if err := s.tell(event); err != nil {
				s.guest.depart(protocol.Errorf(protocol.CodeTooSlow, "the socket does not take what is sent").Because(err))
				s.socket.abort()
				return
			}
		}
	}
}

// next returns the hub's next message; none when there was none for so long that the client has been pinged.
func (s *kvsSocket) next(ctx context.Context) (*said, error) {
	waiting, cancel := context.WithTimeout(ctx, s.hub.config.Link.Ping)
	defer cancel()
	m, err := s.guest.next(waiting)
	if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
		return m, err
	}
	_ = s.socket.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(s.hub.config.WriteTimeout)) // the reader sees what is wrong
	return nil, nil
}

// tell writes an event.
func (s *kvsSocket) tell(event kvs.Event) error {
	message, err := event.Encode()
	if err != nil {
		return err
	}
	return s.socket.Write(message)
}
