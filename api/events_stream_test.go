package api

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sightline-rtc/sightline/record"
)

// pipes is a listener whose connections are pipes without any buffer, in the time of a synctest bubble.
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
func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// openStream serves the API with the bounds that internal/app has, and opens a stream of events.
func openStream(t *testing.T, a *API, key string) (client net.Conn, reader *bufio.Reader) {
	t.Helper()
	listener := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: a.Handler(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 2 * time.Minute}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	client, other := net.Pipe()
	t.Cleanup(func() { _ = client.Close() })
	listener.conns <- other
	if _, err := io.WriteString(client, "GET /v1/events/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+key+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	reader = bufio.NewReader(client)
	readUntil(t, reader, "retry: ")
	return client, reader
}

func readUntil(t *testing.T, r *bufio.Reader, prefix string) {
	t.Helper()
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("wait for %q: %v", prefix, err)
		}
		if strings.HasPrefix(line, prefix) {
			return
		}
	}
}

func TestStreamOutlivesTheTimeoutsOfTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, key, _ := newWorld(t)
		_, reader := openStream(t, a, key)
		for range 4 * 60 { // an hour of heartbeats
			readUntil(t, reader, ":")
		}
		w.happen(numberedEvent(1, record.EventDeviceOnline))
		readUntil(t, reader, "id: 1")
	})
}

func TestSlowReaderOfAStreamIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, key, _ := newWorld(t)
		client, _ := openStream(t, a, key)
		w.happen(numberedEvent(1, record.EventDeviceOnline))
		time.Sleep(streamPatience + time.Second)
		synctest.Wait()
		if w.following() != 0 || a.waiting.all != 0 {
			t.Fatal("the stream waits for a reader that does not read")
		}
		rest, err := io.ReadAll(client)
		if err != nil || strings.Contains(string(rest), "\n\n0\r\n") {
			t.Errorf("got %q, %v after the end, want a connection that breaks off", rest, err)
		}
	})
}

func TestStreamEndsWithTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, key, _ := newWorld(t)
		_, reader := openStream(t, a, key)
		a.End()
		if _, err := io.ReadAll(reader); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %v, want an end", err)
		}
		if w.following() != 0 || a.waiting.all != 0 {
			t.Error("the stream goes on")
		}
	})
}
