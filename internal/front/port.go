package front

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"
)

const (
	// helloTimeout is how long a client may take from its connection to its first word: TLS handshake and first byte.
	helloTimeout = 10 * time.Second
	// longestPause bounds the pause after an accept that failed, as for want of file descriptors.
	longestPause = time.Second
)

// Config says what a port speaks. One of HTTP and TURN is true.
type Config struct {
	// HTTP and TURN are who may come. When both are true, the client's first word decides.
	HTTP, TURN bool
	// Certificate is nil for a port without TLS.
	Certificate *Certificate
	// Logger is nil for slog.Default.
	Logger *slog.Logger
}

// Port is a TCP port whose clients are sorted. It is safe for concurrent use.
type Port struct {
	listener net.Listener
	config   Config
	tls      *tls.Config
	log      *slog.Logger
	waiting  *waiting
	doors    map[kind]*door
	close    func() error
}

// New takes over a listener, which Run then accepts from; it does no I/O.
func New(listener net.Listener, config Config) *Port {
	p := &Port{
		listener: listener, config: config, log: config.Logger, waiting: newWaiting(maxWaiting, maxWaitingOfAddress),
		doors: make(map[kind]*door), close: sync.OnceValue(listener.Close),
	}
	if p.log == nil {
		p.log = slog.Default()
	}
	var protocols []string
	if config.TURN { // before HTTP: coturn's clients offer both, browsers never do
		p.doors[kindTURN] = newDoor(listener.Addr(), p.close)
		protocols = append(protocols, protocolTURN)
	}
	if config.HTTP {
		p.doors[kindHTTP] = newDoor(listener.Addr(), p.close)
		protocols = append(protocols, protocolHTTP)
	}
	if config.Certificate != nil {
		p.tls = &tls.Config{
			GetCertificate: config.Certificate.get, MinVersion: tls.VersionTLS12, NextProtos: protocols,
		}
	}
	return p
}

// HTTP and TURN return the listeners for who serves these clients, nil for those that the port does not take. To close one
// closes the port for newcomers of both kinds, and leaves alone who has been handed over.
func (p *Port) HTTP() net.Listener { return p.doorOf(kindHTTP) }

// TURN is as HTTP says.
func (p *Port) TURN() net.Listener { return p.doorOf(kindTURN) }

func (p *Port) doorOf(k kind) net.Listener {
	if d := p.doors[k]; d != nil {
		return d
	}
	return nil
}

// Close ends the port and both listeners. It may be called more than once, and without a Run.
func (p *Port) Close() error {
	for _, d := range p.doors {
		d.shut()
	}
	return p.close()
}

// Waiting returns how many clients are between their connection and their first word, and how many had to go or were
// not let in so far because those were too many.
func (p *Port) Waiting() (now int, givenUp uint64) { return p.waiting.count() }

// Run accepts clients until the context ends or one of the listeners is closed, and returns when nobody is left between
// accept and hand-over. The listeners stay open until the context ends.
func (p *Port) Run(ctx context.Context) error {
	var work sync.WaitGroup
	work.Go(func() { p.accept(ctx, &work) })
	<-ctx.Done()
	err := p.Close()
	p.waiting.closeAll()
	work.Wait()
	return err
}

// accept returns once the port is closed. Other errors pass, such as being out of file descriptors for a moment.
func (p *Port) accept(ctx context.Context, work *sync.WaitGroup) {
	pause := time.Duration(0)
	for {
		conn, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			pause = min(max(2*pause, 5*time.Millisecond), longestPause)
			p.log.Warn("accept paused", "err", err, "took", pause)
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
			continue
		}
		pause = 0
		place, ok := p.waiting.enter(conn, time.Now())
		if !ok {
			_ = conn.Close() // Nothing was written that could be lost.
			continue
		}
		work.Go(func() {
			defer p.waiting.leave(place)
			p.receive(ctx, conn)
		})
	}
}

// receive hands a client on, or closes the connection of one that says nothing, or nothing that is served here.
func (p *Port) receive(ctx context.Context, conn net.Conn) {
	err := conn.SetDeadline(time.Now().Add(helloTimeout))
	k, greeted := kind(0), conn
	if err == nil {
		k, greeted, err = p.greet(ctx, conn)
	}
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err == nil {
		err = p.doors[k].hand(greeted)
	}
	if err != nil {
		p.log.Debug("client not received", "err", err)
		_ = conn.Close() // It has not come far enough to be told more.
	}
}

// greet speaks TLS with the client and finds out what it came for.
func (p *Port) greet(ctx context.Context, conn net.Conn) (kind, net.Conn, error) {
	if p.tls != nil {
		secure := tls.Server(conn, p.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			return 0, nil, err
		}
		if k, known := kindOfProtocol(secure.ConnectionState().NegotiatedProtocol); known {
			return k, secure, nil
		}
		conn = secure
	}
	if !p.config.TURN {
		return kindHTTP, conn, nil
	}
	if !p.config.HTTP {
		return kindTURN, conn, nil
	}
	return listen(conn)
}
