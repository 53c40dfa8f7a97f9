//go:build linux

package abuse

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"github.com/sightline-rtc/sightline/link"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/test/natlab"
)

// client is a viewer's end of a link, without the manners of one.
type client struct {
	t    *testing.T
	conn *websocket.Conn
	// heard is told of messages of sessions; told before the link is read.
	heard   func(protocol.Envelope, protocol.Message)
	reading sync.WaitGroup

	mu   sync.Mutex // guards what follows, and writing
	link *link.Link
	id   uint64
	gone error
}

// dial opens a link from a host.
func (s *scene) dial(from *natlab.Host, heard func(protocol.Envelope, protocol.Message)) *client {
	s.t.Helper()
	dialer := websocket.Dialer{NetDialContext: from.Dial, Subprotocols: []string{protocol.Subprotocol}, HandshakeTimeout: patience}
	conn, response, err := dialer.DialContext(s.t.Context(), s.url, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = response.Body.Close()
	c := &client{t: s.t, conn: conn, heard: heard, link: link.New(link.Config{}, time.Now())}
	hello := protocol.Must(protocol.TypeHello, "", &protocol.Hello{
		Version: protocol.Version, Role: protocol.RoleViewer, Token: s.token(), Client: protocol.Client{Name: "test"},
	})
	message, err := hello.Encode()
	if err == nil {
		err = conn.WriteMessage(websocket.TextMessage, message)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	welcomed := make(chan struct{})
	c.reading.Go(func() { c.read(sync.OnceFunc(func() { close(welcomed) })) })
	s.t.Cleanup(c.close)
	select {
	case <-welcomed:
	case <-time.After(patience):
		s.t.Fatal("the hub does not say welcome")
	}
	return c
}

func (c *client) close() {
	_ = c.conn.Close()
	c.reading.Wait()
}

func (c *client) read(welcomed func()) {
	for {
		_, b, err := c.conn.ReadMessage()
		if err != nil {
			c.mu.Lock()
			c.gone = err
			c.mu.Unlock()
			return
		}
		e, body, err := protocol.Decode(b)
		if err != nil {
			continue
		}
		if e.Type == protocol.TypeWelcome {
			welcomed()
			continue
		}
		c.mu.Lock()
		fresh, _ := c.link.Receive(&e, time.Now())
		c.mu.Unlock()
		if fresh && e.Session != "" {
			c.heard(e, body)
		}
		c.mu.Lock()
		c.link.Took(e.Seq, time.Now())
		_ = c.link.Tick(time.Now())
		_ = c.flush()
		c.mu.Unlock()
	}
}

// flush needs mu.
func (c *client) flush() error {
	for b, ok := c.link.Next(time.Now()); ok; b, ok = c.link.Next(time.Now()) {
		if err := c.conn.WriteMessage(websocket.TextMessage, b); err != nil {
			return err
		}
	}
	return c.gone
}

// say sends a message as soon as the hub has taken enough of those before. It fails when the hub has closed the link.
func (c *client) say(ctx context.Context, t protocol.Type, session protocol.SessionID, body protocol.Message) error {
	e := protocol.Must(t, session, body)
	for ctx.Err() == nil {
		c.mu.Lock()
		if t == protocol.TypeOpen {
			c.id++
			e.ID = c.id
		}
		err := c.link.Send(e)
		full := err != nil
		if ended := c.flush(); ended != nil {
			full, err = false, ended
		}
		c.mu.Unlock()
		if !full {
			return err
		}
		pause(ctx, 5*time.Millisecond)
	}
	return ctx.Err()
}

// open asks for a session with an offer.
func (c *client) open(device, sdp string) protocol.SessionID {
	c.t.Helper()
	id := protocol.SessionID(uuid.Must(uuid.NewV7()).String())
	owner := make([]byte, 16)
	_, _ = rand.Read(owner)
	if err := c.say(c.t.Context(), protocol.TypeOpen, id, &protocol.Open{
		Device: protocol.DeviceID(device), Owner: hex.EncodeToString(owner), Media: protocol.Media{Video: true},
		Offer: &protocol.Offer{Revision: 1, SDP: sdp},
	}); err != nil {
		c.t.Fatalf("open a session: %v", err)
	}
	return id
}

// pause waits for what comes by itself.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
