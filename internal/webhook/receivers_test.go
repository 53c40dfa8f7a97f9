package webhook

import (
	"bufio"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// receiver is an endpoint of a partner's that takes events as it should.
type receiver struct {
	*httptest.Server
	// mu guards got.
	mu  sync.Mutex
	got []payload
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	var p payload
	if err != nil || json.Unmarshal(body, &p) != nil || p.ID != request.Header.Get("webhook-id") {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, p)
}

func (r *receiver) seqs() (seqs []uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.got {
		seqs = append(seqs, p.Seq)
	}
	return seqs
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewTLSServer(r)
	t.Cleanup(r.Close)
	return r
}

// raw is an endpoint that does with each connection what it likes, and then closes it.
func raw(t *testing.T, do func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
				do(conn)
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); group.Wait() })
	return l.Addr().String()
}

// answering reads a request and answers with whatever text.
func answering(text string) func(net.Conn) {
	return func(conn net.Conn) {
		if request, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			_, _ = io.Copy(io.Discard, request.Body)
			_, _ = io.WriteString(conn, text)
		}
	}
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !done(); {
		if time.Now().After(deadline) {
			t.Fatalf("%s: it did not come to that", what)
		}
		wait := time.NewTimer(5 * time.Millisecond)
		<-wait.C
	}
}

// hostile returns endpoints that do what they must not, and what is said of the attempt.
func hostile(t *testing.T, reached *atomic.Bool) map[string][2]string {
	t.Helper()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	t.Cleanup(elsewhere.Close)
	http11 := func(do func(net.Conn)) string { return "http://" + raw(t, do) + "/" }
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := nobody.Close(); err != nil {
		t.Fatal(err)
	}
	return map[string][2]string{
		"redirects": {http11(answering("HTTP/1.1 307 Go\r\nLocation: " + elsewhere.URL + "\r\nContent-Length: 0\r\n\r\n")), "answered 307: redirects are not followed"},
		"garbage":   {http11(answering("I am a teapot\r\n\r\n")), "the connection broke, or what came is no HTTP"},
		"closes":    {http11(func(net.Conn) {}), "the connection broke, or what came is no HTTP"},
		"cuts":      {http11(answering("HTTP/1.1 2")), "the connection broke, or what came is no HTTP"},
		"hangs":     {http11(func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }), "the endpoint did not answer in time"},
		"headers":   {http11(answering("HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("x", 2*maxHeaderBytes) + "\r\n\r\n")), "the connection broke, or what came is no HTTP"},
		"fails":     {http11(answering("HTTP/1.1 500 Oh\r\nContent-Length: 9\r\n\r\n\x1b[31mred\xff")), "answered 500"},
		"no TLS":    {"https://" + raw(t, func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n"); _, _ = io.Copy(io.Discard, c) }) + "/", "the endpoint does not speak TLS as it should"},
		"nobody":    {"http://" + nobody.Addr().String() + "/", "the endpoint could not be connected to"},
		"whose":     {strings.Replace(newReceiver(t).URL, "127.0.0.1", "localhost", 1), "TLS: "},
	}
}

func TestWhateverReceiversDoTheOthersAreUnharmedAndNothingIsLost(t *testing.T) {
	m := newMemory()
	var reached atomic.Bool
	bad := hostile(t, &reached)
	for name, b := range bad {
		m.add(name, b[0])
	}
	good := newReceiver(t)
	m.add("good", good.URL)
	slowly := &receiver{}
	slowly.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wait := time.NewTimer(20 * time.Millisecond)
		<-wait.C
		slowly.ServeHTTP(w, r)
	}))
	t.Cleanup(slowly.Close)
	m.add("slow", slowly.URL)
	// Two that answer 2xx before they misbehave: that is a success.
	for name, text := range map[string]string{
		"2xx, then cut":     "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbeg",
		"2xx, then endless": "HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("endless ", 1<<15),
	} {
		m.add(name, "http://"+raw(t, answering(text))+"/")
	}
	roots := x509.NewCertPool()
	roots.AddCert(good.Certificate())
	worker, err := New(Config{Store: m, Guard: Guard{Loopback: true}, Roots: roots})
	if err != nil {
		t.Fatal(err)
	}
	worker.sender.timeout = 3 * time.Second
	stop := work(t, worker)
	const events = 200
	for i := range events {
		m.happen(record.EventDeviceOnline, protocol.DeviceID(fmt.Sprint("cam", i%7)))
	}
	for _, r := range []*receiver{good, slowly} {
		until(t, r.URL, func() bool { return len(firsts(r.seqs())) >= events })
		seqs := firsts(r.seqs())
		checkLanes(t, m, seqs)
		slices.Sort(seqs)
		if !slices.Equal(seqs, upTo(events)) {
			t.Errorf("got %v", seqs)
		}
	}
	for name, b := range bad {
		until(t, name+": "+b[1], func() bool {
			return look(m, func() bool {
				return slices.ContainsFunc(m.log[name], func(d record.Delivery) bool {
					return strings.HasPrefix(d.Err, b[1]) && !strings.Contains(d.Err, "127.0.0.1") && !strings.ContainsRune(d.Response, 0x1b)
				})
			})
		})
	}
	for _, name := range []string{"2xx, then cut", "2xx, then endless"} {
		until(t, name, func() bool { return m.webhook(name).Cursor == events && len(m.webhook(name).Open) == 0 })
		if got := look(m, func() record.Delivery { return m.log[name][0] }); got.Err != "" || len(got.Response) > excerptBytes {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	stop()
	if reached.Load() {
		t.Error("a redirect was followed")
	}
	// Nothing is lost: what was not delivered is open, waits, or is behind the place in the history.
	for name := range bad {
		w := m.webhook(name)
		if held := len(w.Open) + len(m.waiting[name]); uint64(held) != w.Cursor || len(m.dead[name]) != 0 || w.Failing.IsZero() {
			t.Errorf("%s: %d held of %d, %d dead", name, held, w.Cursor, len(m.dead[name]))
		}
	}
}

func TestAWorkerThatCannotKeepAnythingSendsNoMoreThanItsBound(t *testing.T) {
	m, good := newMemory(), newReceiver(t)
	m.add("good", good.URL)
	roots := x509.NewCertPool()
	roots.AddCert(good.Certificate())
	worker, err := New(Config{Store: m, Guard: Guard{Loopback: true}, Roots: roots})
	if err != nil {
		t.Fatal(err)
	}
	work(t, worker)
	m.happen(record.EventDeviceOnline, "cam")
	until(t, "first", func() bool { return m.webhook("good").Cursor == 1 && len(m.webhook("good").Open) == 0 })
	for i := range 2 * maxOpen {
		m.happen(record.EventDeviceOnline, protocol.DeviceID(fmt.Sprint("cam", i)))
	}
	m.setBroken(true)
	until(t, "bound", func() bool { return len(good.seqs()) >= maxUnsaved })
	wait := time.NewTimer(300 * time.Millisecond)
	<-wait.C
	saved := look(m, func() int { return len(m.log["good"]) })
	if got := len(good.seqs()); got > saved+maxUnsaved+maxInFlight {
		t.Errorf("got %d events while %d were kept", got, saved)
	}
	m.setBroken(false)
	until(t, "rest", func() bool { return len(firsts(good.seqs())) == 2*maxOpen+1 })
}
