package chaosproxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Config says what a proxy stands between.
type Config struct {
	// Target is where the server listens.
	Target string
	// Source is the address that the server sees; the zero value means any.
	Source netip.Addr
}

// Proxy passes connections on to a server. It is safe for concurrent use.
type Proxy struct {
	config Config
	work   sync.WaitGroup

	// mu guards what follows.
	mu       sync.Mutex
	address  string // the same each time it listens
	listener net.Listener
	passages map[*passage]bool
	// blocked says that no WebSocket is let through, stalled until when nothing is passed on, delay how late all is.
	blocked bool
	stalled time.Time
	delay   time.Duration
	closed  bool
}

// New makes a proxy, which does nothing before Listen.
func New(config Config) *Proxy { return &Proxy{config: config, passages: map[*passage]bool{}} }

// Listen opens the proxy on a free port of 127.0.0.1, or again on the port that it had. Close ends it.
func (p *Proxy) Listen() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return net.ErrClosed
	}
	at := p.address
	if at == "" {
		at = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", at) //nolint:noctx // it does not wait
	if err != nil {
		return fmt.Errorf("open proxy: %w", err)
	}
	p.listener, p.address = l, l.Addr().String()
	p.work.Go(func() { p.accept(l) })
	return nil
}

// Address is where the proxy listens.
func (p *Proxy) Address() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.address
}

// Close ends the proxy and all its connections, and waits for them.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	err := p.Hide()
	p.work.Wait()
	return err
}

// Hide closes the port and resets all connections, until Listen.
func (p *Proxy) Hide() error {
	p.mu.Lock()
	l := p.listener
	p.listener = nil
	p.mu.Unlock()
	p.Reset()
	if l == nil {
		return nil
	}
	return l.Close()
}

func (p *Proxy) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return // it was closed
		}
		client, _ := conn.(*net.TCPConn)
		p.work.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client *net.TCPConn) {
	defer client.Close() //nolint:errcheck // it may be closed already
	server, err := p.dial()
	if err != nil {
		return
	}
	defer server.Close() //nolint:errcheck // it may be closed already
	t := &passage{proxy: p, client: client, server: server, ended: make(chan struct{})}
	if !p.add(t) {
		return
	}
	t.run()
	t.end()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.passages, t)
}

const dialTimeout = 5 * time.Second

func (p *Proxy) dial() (*net.TCPConn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	dialer := net.Dialer{}
	if p.config.Source.IsValid() {
		dialer.LocalAddr = &net.TCPAddr{IP: p.config.Source.AsSlice()}
	}
	conn, err := dialer.DialContext(ctx, "tcp", p.config.Target)
	if err != nil {
		return nil, err
	}
	server, ok := conn.(*net.TCPConn)
	if !ok {
		return nil, errors.Join(errors.New("the target is not reached over TCP"), conn.Close())
	}
	return server, nil
}

// add reports whether the proxy still takes connections.
func (p *Proxy) add(t *passage) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener == nil {
		return false
	}
	p.passages[t] = true
	return true
}

// upgrade notes that a connection will be a WebSocket, and reports whether those are let through.
func (p *Proxy) upgrade(t *passage) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	t.web = true
	return !p.blocked
}

// list returns the connections, of WebSockets only if web is set.
func (p *Proxy) list(web bool) []*passage {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []*passage
	for t := range p.passages {
		if t.web || !web {
			list = append(list, t)
		}
	}
	return list
}

// pass waits until what was read may be passed on.
func (p *Proxy) pass(ended <-chan struct{}) {
	for {
		p.mu.Lock()
		wait := max(time.Until(p.stalled), 0)
		if wait == 0 {
			wait = p.delay
			p.mu.Unlock()
			sleep(ended, wait)
			return
		}
		p.mu.Unlock()
		sleep(ended, wait)
		select {
		case <-ended:
			return
		default:
		}
	}
}

func sleep(ended <-chan struct{}, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ended:
	}
}
