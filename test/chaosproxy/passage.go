package chaosproxy

import (
	"bytes"
	"net"
	"sync"
	"time"
)

// firstBytes is how much of what a client says first is kept: the upgrade and a hello with its token.
const firstBytes = 8 << 10

// refusal is what something in between says to an upgrade.
const refusal = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

// passage is one connection from a client to the server.
type passage struct {
	proxy          *Proxy
	client, server *net.TCPConn
	web            bool // it is a WebSocket; the proxy's mu guards it
	once           sync.Once
	ended          chan struct{}

	mu   sync.Mutex // guards what follows
	said []byte     // what the client said first
}

// run passes on both directions until both have ended.
func (t *passage) run() {
	var down sync.WaitGroup
	down.Go(func() {
		t.copy(t.client, t.server, func(b []byte) bool {
			_, err := t.client.Write(b)
			return err == nil
		})
	})
	t.copy(t.server, t.client, t.send)
	down.Wait()
}

// send passes on what the client says, unless that is a WebSocket and those are blocked.
func (t *passage) send(b []byte) bool {
	t.mu.Lock()
	first := len(t.said) == 0
	if room := firstBytes - len(t.said); room > 0 {
		t.said = append(t.said, b[:min(room, len(b))]...)
	}
	t.mu.Unlock()
	if first && bytes.HasPrefix(b, []byte("GET ")) && !t.proxy.upgrade(t) {
		_, _ = t.client.Write([]byte(refusal)) // a client that has gone does not mind
		_ = t.client.Close()
		return false
	}
	_, err := t.server.Write(b)
	return err == nil
}

// copy passes on what comes until there is no more, and then the end.
func (t *passage) copy(to, from *net.TCPConn, write func([]byte) bool) {
	b := make([]byte, 16<<10)
	for {
		n, err := from.Read(b)
		if n > 0 {
			t.proxy.pass(t.ended)
			if !write(b[:n]) {
				break
			}
		}
		if err != nil {
			break
		}
	}
	select {
	case <-t.ended: // it is being reset
	default:
		_ = to.CloseWrite() // or it is closed
	}
}

// reset ends both connections with a reset.
func (t *passage) reset() {
	t.end()
	for _, c := range []*net.TCPConn{t.client, t.server} {
		_ = c.SetLinger(0)
		_ = c.Close()
	}
}

func (t *passage) end() { t.once.Do(func() { close(t.ended) }) }

// replay says to the server on another connection what the client said first, as a network does that repeats.
func (t *passage) replay(patience time.Duration) {
	t.mu.Lock()
	said := bytes.Clone(t.said)
	t.mu.Unlock()
	again, err := t.proxy.dial()
	if err != nil {
		return
	}
	defer again.Close() //nolint:errcheck // nothing is left to lose
	if _, err := again.Write(said); err != nil {
		return
	}
	_ = again.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, 4<<10)
	for err == nil {
		_, err = again.Read(b)
	}
}
