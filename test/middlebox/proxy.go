package middlebox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Config is how a proxy meddles. Target must be set; every other zero value is a good default.
type Config struct {
	// Target is the hub's HOST:PORT.
	Target string
	// Dial reaches it; nil means the machine's own network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Mode is what it begins with; empty means Pass.
	Mode Mode
	// CutAfter is the life of a connection in mode Cut, from its first byte; 0 means 5 s, as impatient proxies have it.
	CutAfter time.Duration
	// ResetBytes is what a connection may carry in mode Reset; 0 means 64 KiB.
	ResetBytes int64
	// Delay is how late everything from the hub is in mode Delay; 0 means 3 s.
	Delay time.Duration
}

// Proxy is a middlebox. It is safe for concurrent use.
type Proxy struct {
	config      Config
	certificate tls.Certificate // of an authority that nobody knows
	forward     http.Handler

	mu      sync.Mutex // guards what follows
	mode    Mode
	conns   map[*conn]bool
	meddled int
	stopped bool

	requests sync.WaitGroup // added to under mu, while not stopped
}

// New returns a proxy that waits for Serve.
func New(config Config) (*Proxy, error) {
	if config.Dial == nil {
		config.Dial = new(net.Dialer).DialContext
	}
	if config.Mode == "" {
		config.Mode = Pass
	}
	if config.CutAfter == 0 {
		config.CutAfter = 5 * time.Second
	}
	if config.ResetBytes == 0 {
		config.ResetBytes = 64 << 10
	}
	if config.Delay == 0 {
		config.Delay = 3 * time.Second
	}
	certificate, err := selfSigned(config.Target)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	p := &Proxy{config: config, certificate: certificate, mode: config.Mode, conns: make(map[*conn]bool)}
	p.forward = p.forwarder()
	return p, nil
}

// Serve meddles with what the listener accepts until the context ends, and closes the listener.
func (p *Proxy) Serve(ctx context.Context, listener net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	pages := newQueue(listener.Addr())
	server := &http.Server{Handler: p, ReadHeaderTimeout: time.Minute}
	work.Go(func() { _ = server.Serve(pages) }) // it ends with its queue
	defer work.Wait()
	defer p.stop()
	defer pages.end()
	defer cancel() // first of all
	closing := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer closing()
	for {
		accepted, err := listener.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept: %w", err)
		}
		c, mode := p.admit(accepted)
		switch {
		case mode.readsHTTP():
			pages.put(c)
		default:
			work.Go(func() { p.carry(ctx, c, mode) })
		}
	}
}

// Set changes the mode. Connections that stand are reset, so that the new mode holds for everything at once.
func (p *Proxy) Set(mode Mode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode = mode
	p.resetAll()
}

// Meddled counts what the proxy did besides passing on: requests answered, changed or held back, connections cut,
// reset, delayed or decrypted. A test that relies on a mode looks whether it was met at all.
func (p *Proxy) Meddled() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.meddled
}

func (p *Proxy) meddle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.meddled++
}

// stop ends every connection and waits for the requests under way.
func (p *Proxy) stop() {
	p.mu.Lock()
	p.stopped = true
	p.resetAll()
	p.mu.Unlock()
	p.requests.Wait()
}

// resetAll runs under mu.
func (p *Proxy) resetAll() {
	for c := range p.conns {
		c.reset()
	}
}

// admit keeps account of a connection and tells the mode that it will have.
func (p *Proxy) admit(accepted net.Conn) (*conn, Mode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := &conn{Conn: accepted, proxy: p}
	p.conns[c] = true
	return c, p.mode
}

// conn is a client's connection.
type conn struct {
	net.Conn
	proxy *Proxy
}

func (c *conn) end() { _ = c.Close() }

// Close ends the connection and its account.
func (c *conn) Close() error {
	c.proxy.mu.Lock()
	delete(c.proxy.conns, c)
	c.proxy.mu.Unlock()
	return c.Conn.Close()
}

// reset ends a connection as if something on the way had died: its owner finds out by reading or writing. The peer gets
// RST instead of FIN (RFC 9293 section 3.10.7).
func (c *conn) reset() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Conn.Close()
}

// queue is a listener of connections that were accepted elsewhere.
type queue struct {
	addr  net.Addr
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newQueue(addr net.Addr) *queue {
	return &queue{addr: addr, conns: make(chan net.Conn), done: make(chan struct{})}
}

var errClosed = errors.New("the proxy has ended")

func (q *queue) put(c net.Conn) {
	select {
	case q.conns <- c:
	case <-q.done:
		_ = c.Close()
	}
}

// Accept implements net.Listener.
func (q *queue) Accept() (net.Conn, error) {
	select {
	case c := <-q.conns:
		return c, nil
	case <-q.done:
		return nil, errClosed
	}
}

func (q *queue) end() { q.once.Do(func() { close(q.done) }) }

// Close implements net.Listener.
func (q *queue) Close() error {
	q.end()
	return nil
}

// Addr implements net.Listener.
func (q *queue) Addr() net.Addr { return q.addr }
