//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sightline-rtc/sightline/link"
	"github.com/sightline-rtc/sightline/protocol"
)

// sources are the addresses that links come from in turn: one has 28,000 ports for one server by default
// (ip_local_port_range), and the hub may bound the links of one address.
const sources = 8

// sourceOf is the address of the n-th link: 127.0.0.2 and up.
func sourceOf(n int) netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, byte(2 + n%sources)}) }

// endpoint is the client's end of one link. It answers pings until it is closed; the link never resumes.
type endpoint struct {
	conn    *websocket.Conn
	welcome *protocol.Welcome

	// mu guards what follows, and the writing.
	mu     sync.Mutex
	link   *link.Link
	timer  *time.Timer
	lastID uint64
	closed bool
}

// dialTimeout bounds one connect with its welcome.
const dialTimeout = 30 * time.Second

// buffers are small and shared, so that the client's side of many links does not fill the machine.
var buffers sync.Pool

// dial opens a link from an address, or any if it is the zero one, and waits for its welcome. hello makes its first message, at the last moment.
func dial(ctx context.Context, url string, source netip.Addr, hello func() ([]byte, error)) (p *endpoint, err error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	var tcp net.Dialer
	if source.IsValid() {
		tcp.LocalAddr = &net.TCPAddr{IP: source.AsSlice()}
	}
	dialer := websocket.Dialer{
		NetDialContext: tcp.DialContext, Subprotocols: []string{protocol.Subprotocol},
		ReadBufferSize: 512, WriteBufferSize: 4 << 10, WriteBufferPool: &buffers,
	}
	conn, response, err := dialer.DialContext(ctx, strings.Replace(url, "http", "ws", 1)+"/v1/link", nil)
	if err != nil {
		if response != nil {
			seconds, _ := strconv.ParseUint(response.Header.Get("Retry-After"), 10, 16) // 0 if there is none
			err = fmt.Errorf("%w: %w", err, &unavailable{response.Status, time.Duration(seconds) * time.Second})
		}
		return nil, err
	}
	_ = response.Body.Close()
	p = &endpoint{conn: conn, link: link.New(link.Config{}, time.Now())}
	if err := p.greet(hello); err != nil {
		return nil, fmt.Errorf("say hello: %w", errors.Join(err, conn.Close()))
	}
	return p, nil
}

// unavailable is the answer of a server that refuses an upgrade, and when it may not.
type unavailable struct {
	status string
	retry  time.Duration
}

func (u *unavailable) Error() string { return u.status }

func (p *endpoint) greet(hello func() ([]byte, error)) error {
	message, err := hello()
	if err != nil {
		return err
	}
	if err := p.conn.SetReadDeadline(time.Now().Add(dialTimeout)); err != nil {
		return err
	}
	if err := p.conn.WriteMessage(websocket.TextMessage, message); err != nil {
		return err
	}
	_, body, err := p.read()
	if err != nil {
		return err
	}
	switch m := body.(type) {
	case *protocol.Welcome:
		p.welcome = m
		return p.conn.SetReadDeadline(time.Time{})
	case *protocol.Error:
		return m
	}
	return fmt.Errorf("got %T before the welcome", body)
}

func (p *endpoint) read() (protocol.Envelope, protocol.Message, error) {
	_, b, err := p.conn.ReadMessage()
	if err != nil {
		return protocol.Envelope{}, nil, err
	}
	return protocol.Decode(b)
}

// run serves the link until it ends and says why. Messages go to handle, one after the other; nil means that none are
// expected.
func (p *endpoint) run(handle func(protocol.Envelope, protocol.Message)) error {
	p.mu.Lock()
	p.timer = time.AfterFunc(time.Until(p.link.Due()), p.tick)
	p.mu.Unlock()
	defer p.close()
	for {
		e, body, err := p.read()
		if err != nil {
			return err
		}
		p.mu.Lock()
		fresh, err := p.link.Receive(&e, time.Now())
		p.mu.Unlock()
		if err != nil {
			return err
		}
		if fresh && handle != nil {
			handle(e, body)
		}
		p.mu.Lock()
		p.link.Took(e.Seq, time.Now())
		err = p.flushLocked()
		p.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// tick pings or acknowledges. What fails shows when the link is read.
func (p *endpoint) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	if p.link.Tick(time.Now()) != nil || p.flushLocked() != nil {
		_ = p.conn.Close()
	}
}

// flushLocked writes what waits and sets the timer anew.
func (p *endpoint) flushLocked() error {
	now := time.Now()
	for b, ok := p.link.Next(now); ok; b, ok = p.link.Next(now) {
		if err := p.conn.WriteMessage(websocket.TextMessage, b); err != nil {
			return err
		}
	}
	if p.timer != nil && !p.closed {
		p.timer.Reset(p.link.Due().Sub(now))
	}
	return nil
}

// send writes messages; an open gets its number.
func (p *endpoint) send(messages ...protocol.Envelope) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range messages {
		if e.Type == protocol.TypeOpen {
			p.lastID++
			e.ID = p.lastID
		}
		if err := p.link.Send(e); err != nil {
			return err
		}
	}
	return p.flushLocked()
}

// close ends the socket, and run with it.
func (p *endpoint) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.timer != nil {
		p.timer.Stop()
	}
	_ = p.conn.Close()
}
