package front

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// far is a connection of which only the address and the end are of interest.
type far struct {
	net.Conn
	addr   string
	closed bool
}

func (f *far) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.ParseIP(f.addr), Port: 1}
}

func (f *far) Close() error {
	f.closed = true
	return nil
}

func TestOnlyTheSlowMakeRoom(t *testing.T) {
	w := newWaiting(3, 2)
	start := time.Now()
	enter := func(addr string, after time.Duration) (*far, *place, bool) {
		f := &far{addr: addr}
		p, ok := w.enter(f, start.Add(after))
		return f, p, ok
	}
	first, _, _ := enter("192.0.2.1", 0)
	second, place, _ := enter("192.0.2.1", time.Millisecond)
	if _, _, ok := enter("192.0.2.1", 2*time.Millisecond); ok {
		t.Error("a third of one address was let in while the others are quick")
	}
	if _, _, ok := enter("192.0.2.1", slow); !ok || !first.closed {
		t.Error("the first of the address did not make room when it was slow")
	}
	third, _, ok := enter("2001:db8::1", slow)
	if !ok {
		t.Error("another address was not let in")
	}
	if _, _, ok := enter("192.0.2.3", slow); ok {
		t.Error("a fourth was let in while the others are quick")
	}
	if _, _, ok := enter("192.0.2.3", 2*slow); !ok || !second.closed || third.closed {
		t.Error("not the one that has waited longest made room")
	}
	w.leave(place) // It has gone already.
	if now, givenUp := w.count(); now != 3 || givenUp != 4 {
		t.Errorf("%d wait and %d were given up, want 3 and 4", now, givenUp)
	}
	// A /64 is one address.
	enter("2001:db8::2", 4*slow)
	enter("2001:db8::3", 4*slow)
	if !third.closed || len(w.of) > 3 {
		t.Error("the addresses of one /64 count each")
	}
}

// pipes is a listener of one connection.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.done)
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func TestClientThatSaysNothingIsSentAwayInTime(t *testing.T) {
	a := newAuthority(t)
	for name, config := range map[string]Config{
		"handshake": {HTTP: true, Certificate: a.certificate(t)},
		"word":      {HTTP: true, TURN: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
			config.Logger = silent
			p := New(l, config)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- p.Run(ctx) }()
			near, client := net.Pipe()
			begin := time.Now()
			l.conns <- near
			if _, err := client.Read(make([]byte, 1)); err == nil || time.Since(begin) != helloTimeout {
				t.Errorf("%s: got %v after %s, want the end after %s", name, err, time.Since(begin), helloTimeout)
			}
			cancel()
			if err := <-done; err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

func TestCertificateIsRenewedWhileItIsUsed(t *testing.T) {
	a := newAuthority(t)
	c := a.certificate(t)
	serial := func() int64 { return c.current.Load().Leaf.SerialNumber.Int64() }
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		wait := func() {
			time.Sleep(certificateInterval)
			synctest.Wait()
		}
		wait()
		if got := serial(); got != 1 {
			t.Errorf("got certificate %d before anything changed", got)
		}
		if err := os.WriteFile(c.certFile, []byte("half of a certificate"), 0o600); err != nil {
			t.Fatal(err)
		}
		wait()
		if got := serial(); got != 1 {
			t.Errorf("got certificate %d while the file has none", got)
		}
		a.issue(t, 2)
		wait()
		if got := serial(); got != 2 {
			t.Errorf("got certificate %d after the files were replaced, want 2", got)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// FuzzFirstWordIsLeftWhole sorts what begins with anything, and reads it again.
func FuzzFirstWordIsLeftWhole(f *testing.F) {
	f.Add([]byte(request))
	f.Add([]byte(binding))
	f.Add([]byte{0x40, 0, 0, 0})
	f.Fuzz(func(t *testing.T, words []byte) {
		if len(words) == 0 {
			return
		}
		near, client := net.Pipe()
		go func() {
			_, _ = client.Write(words)
			_ = client.Close()
		}()
		k, conn, err := listen(near)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(conn)
		if err != nil || !bytes.Equal(got, words) {
			t.Fatalf("got %q, %v, want %q", got, err, words)
		}
		if (k == kindTURN) != (words[0] <= lastSTUN) {
			t.Fatalf("%q was taken for %v", words, k)
		}
	})
}
