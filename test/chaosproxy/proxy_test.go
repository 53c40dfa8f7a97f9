package chaosproxy

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// echo is a server that sends back what it gets and keeps what each connection said first.
type echo struct {
	net.Listener
	firsts chan string
	ends   chan error // of what each connection says
}

func newEcho(t *testing.T) *echo {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &echo{l, make(chan string, 16), make(chan error, 16)}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go e.serve(conn)
		}
	}()
	return e
}

func (e *echo) serve(conn net.Conn) {
	defer conn.Close()
	b := make([]byte, 1<<10)
	for first := true; ; first = false {
		n, err := conn.Read(b)
		if err != nil {
			e.ends <- err
			return
		}
		if first {
			e.firsts <- string(b[:n])
		}
		_, _ = conn.Write(b[:n])
	}
}

// through is a proxy to an echo, and a connection through it that has said hello.
func through(t *testing.T, said string) (*Proxy, *echo, net.Conn) {
	t.Helper()
	e := newEcho(t)
	p := New(Config{Target: e.Addr().String()})
	if err := p.Listen(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
	conn := dial(t, p)
	say(t, conn, said)
	return p, e, conn
}

func dial(t *testing.T, p *Proxy) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", p.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	return conn
}

// say says something and waits until it comes back.
func say(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := conn.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != text {
		t.Fatalf("got %q, %v, want %q", got, err, text)
	}
}

// readEnd reads until the connection ends and returns how.
func readEnd(conn net.Conn) error {
	_, err := io.Copy(io.Discard, conn)
	return err
}

func TestAResetAndACloseReachBothEnds(t *testing.T) {
	p, e, conn := through(t, "hello")
	if n := p.Reset(); n != 1 {
		t.Errorf("%d connections were reset", n)
	}
	if err := readEnd(conn); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client got %v", err)
	}
	if err := <-e.ends; !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the server got %v", err)
	}
	conn = dial(t, p)
	say(t, conn, "again")
	p.Finish()
	if err := readEnd(conn); err != nil {
		t.Errorf("the client got %v", err)
	}
	if err := <-e.ends; !errors.Is(err, io.EOF) {
		t.Errorf("the server got %v", err)
	}
}

func TestHalfAConnectionIsClosed(t *testing.T) {
	p, e, _ := through(t, "hello")
	p.FinishHalf(true)
	if err := <-e.ends; !errors.Is(err, io.EOF) {
		t.Errorf("the server got %v", err)
	}
	conn := dial(t, p)
	say(t, conn, "again")
	p.FinishHalf(false)
	if err := readEnd(conn); err != nil {
		t.Errorf("the client got %v", err)
	}
}

func TestWhatIsStalledOrDelayedComesAllTheSame(t *testing.T) {
	p, _, conn := through(t, "hello")
	p.Stall(20 * time.Millisecond)
	say(t, conn, "held")
	p.Delay(5 * time.Millisecond)
	say(t, conn, "late")
}

func TestTheFirstWordsOfAWebSocketAreRepeated(t *testing.T) {
	p, e, conn := through(t, "GET /v1/link")
	plain := dial(t, p)
	say(t, plain, "POST /v1/link/send")
	if n := p.Replay(10 * time.Millisecond); n != 1 {
		t.Errorf("%d connections were repeated, want the WebSocket", n)
	}
	for _, want := range []string{"GET /v1/link", "POST /v1/link/send", "GET /v1/link"} {
		if got := <-e.firsts; got != want {
			t.Errorf("the server heard %q, want %q", got, want)
		}
	}
	say(t, conn, "still there")
}

func TestNoWebSocketGetsThroughWhileTheyAreBlocked(t *testing.T) {
	p, _, conn := through(t, "GET /v1/link")
	plain := dial(t, p)
	say(t, plain, "POST /v1/link/send")
	p.Block()
	if err := readEnd(conn); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the WebSocket got %v", err)
	}
	say(t, plain, "still there")
	conn = dial(t, p)
	if _, err := conn.Write([]byte("GET /v1/link")); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); err != nil || !bytes.HasPrefix(got, []byte("HTTP/1.1 403 ")) {
		t.Errorf("got %q, %v, want a refusal", got, err)
	}
	p.Unblock()
	say(t, dial(t, p), "GET /v1/link")
}

func TestAHiddenProxyComesBackAtItsAddress(t *testing.T) {
	p, _, conn := through(t, "hello")
	at := p.Address()
	if err := p.Hide(); err != nil {
		t.Fatal(err)
	}
	if err := readEnd(conn); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client got %v", err)
	}
	if _, err := net.Dial("tcp", at); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("got %v, want a refusal", err)
	}
	if err := p.Listen(); err != nil || p.Address() != at {
		t.Fatalf("got %s, %v, want %s", p.Address(), err, at)
	}
	say(t, dial(t, p), "hello again")
}
