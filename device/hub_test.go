package device

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/device/peer"
	"github.com/sightline-rtc/sightline/device/reach"
	"github.com/sightline-rtc/sightline/link"
	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// patience bounds what a test waits for; nothing is asserted about how long things take.
	patience = 20 * time.Second
	// never is a wait that no test lives to see: what follows within patience did not wait.
	never = time.Hour

	testCode   = "7K3M-Q9ZD-0TVB-5HXE"
	testDevice = protocol.DeviceID("cam-1")
)

// enrolment is what a device sends to join.
type enrolment struct {
	Code      string `json:"code"`
	PublicKey []byte `json:"public_key"`
	Name      string `json:"name"`
	Model     string `json:"model"`
}

// hub plays the server: its network side, as tests script it.
type hub struct {
	t      *testing.T
	server *httptest.Server
	// enrols gets every enrolment; answer is asked what becomes of it.
	enrols  chan enrolment
	answer  func(http.ResponseWriter, enrolment)
	sockets chan *websocket.Conn
	// stills gets what devices answer to captures.
	stills chan still
}

func newHub(t *testing.T) *hub {
	t.Helper()
	h := &hub{
		t: t, enrols: make(chan enrolment, 64), sockets: make(chan *websocket.Conn, 64), stills: make(chan still, 64),
		answer: func(w http.ResponseWriter, _ enrolment) {
			_ = json.NewEncoder(w).Encode(identity{testDevice, protocol.DefaultProject})
		},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /v1/enroll", func(w http.ResponseWriter, r *http.Request) {
		var e enrolment
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
			t.Errorf("read an enrolment: %v", err)
		}
		h.enrols <- e
		h.answer(w, e)
	})
	mux.HandleFunc("POST /v1/link/send", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusGone)
		_ = json.NewEncoder(w).Encode(protocol.Farewell{Close: protocol.CloseVersion, Error: refusedVersion})
	})
	mux.HandleFunc("PUT /v1/link/snapshot", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read a snapshot: %v", err)
		}
		h.stills <- still{r.URL.Query().Get("request"), r.Header.Get("Authorization"), r.Header.Get("Content-Type"), body}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /v1/link", func(w http.ResponseWriter, r *http.Request) {
		upgrader := websocket.Upgrader{Subprotocols: []string{protocol.Subprotocol}}
		conn, err := upgrader.Upgrade(w, r, http.Header{protocol.ServerHeader: {"n-test"}})
		if err != nil {
			t.Errorf("upgrade: %v", err)
			return
		}
		h.sockets <- conn
	})
	h.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(protocol.ServerHeader, "n-test")
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		h.server.Close()
		for {
			select {
			case conn := <-h.sockets:
				conn.Close()
			default:
				return
			}
		}
	})
	return h
}

// within waits for a value.
func within[T any](t *testing.T, what string, values <-chan T) T {
	t.Helper()
	select {
	case value := <-values:
		return value
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

var refusedVersion = protocol.Errorf(protocol.CodeVersion, "this hub speaks version 1")

// refusesAll refuses every hello through a WebSocket, as a hub does that of a check. Through the long poll it
// always does.
func (h *hub) refusesAll() {
	ctx := h.t.Context()
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case conn := <-h.sockets:
				_, _, _ = conn.ReadMessage()
				why := protocol.Must(protocol.TypeError, "", refusedVersion)
				message, _ := why.Encode()
				_ = conn.WriteMessage(websocket.TextMessage, message)
				conn.Close()
			}
		}
	}()
}

// wire is the hub's end of one socket.
type wire struct {
	t     *testing.T
	conn  *websocket.Conn
	link  *link.Link
	hello *protocol.Hello
	id    uint64
}

// hears waits for the device's next socket and its hello.
func (h *hub) hears() *wire {
	h.t.Helper()
	w := &wire{t: h.t, conn: within(h.t, "a socket", h.sockets), link: link.New(link.Config{}, time.Now())}
	h.t.Cleanup(func() { w.conn.Close() })
	_, body := w.read()
	hello, ok := body.(*protocol.Hello)
	if !ok {
		h.t.Fatalf("the first message is %T, want hello", body)
	}
	w.hello = hello
	return w
}

// welcomes is hears with a welcome.
func (h *hub) welcomes() *wire {
	h.t.Helper()
	w := h.hears()
	w.send(protocol.TypeWelcome, "", &protocol.Welcome{Link: "l-1", Key: "k-1", Node: "n-test", PingS: 20, Now: time.Now()})
	return w
}

// resumes is hears with a welcome that lets the last socket's link go on.
func (h *hub) resumes(last *wire) *wire {
	h.t.Helper()
	w := h.hears()
	resume := w.hello.Resume
	if resume == nil {
		h.t.Fatal("the hello resumes nothing")
	}
	received := last.link.Received()
	w.link = last.link
	w.id = last.id
	if err := w.link.Attach(resume.Received, time.Now()); err != nil {
		h.t.Fatalf("the device says that it has %d messages: %v", resume.Received, err)
	}
	w.send(protocol.TypeWelcome, "", &protocol.Welcome{
		Link: resume.Link, Key: resume.Key, Node: "n-test", Resumed: true, Received: received, PingS: 20, Now: time.Now(),
	})
	return w
}

// lives is welcomes, past the sync of a device without sessions.
func (h *hub) lives() *wire {
	h.t.Helper()
	w := h.welcomes()
	w.until(protocol.TypeSync)
	return w
}

func (w *wire) read() (protocol.Envelope, protocol.Message) {
	w.t.Helper()
	if err := w.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		w.t.Fatal(err)
	}
	_, message, err := w.conn.ReadMessage()
	if err != nil {
		w.t.Fatalf("the device ended the socket: %v", err)
	}
	e, body, err := protocol.Decode(message)
	if err != nil {
		w.t.Fatalf("the device sent %s: %v", message, err)
	}
	if _, err := w.link.Receive(&e, time.Now()); err != nil {
		w.t.Fatalf("the device broke the link with %s: %v", message, err)
	}
	w.link.Took(e.Seq, time.Now())
	return e, body
}

// chatter is what sessions bring by themselves, at any time.
var chatter = []protocol.Type{protocol.TypeAck, protocol.TypeCandidate, protocol.TypeStats, protocol.TypePath, protocol.TypeNetwork}

// until reads until a message of the type comes. Only chatter may come before it.
func (w *wire) until(want protocol.Type) (protocol.Envelope, protocol.Message) {
	w.t.Helper()
	for {
		e, body := w.read()
		if e.Type == want {
			return e, body
		}
		if !slices.Contains(chatter, e.Type) {
			w.t.Fatalf("the device sent %s %s, want %s", e.Type, e.Data, want)
		}
	}
}

func (w *wire) send(t protocol.Type, session protocol.SessionID, body protocol.Message) {
	w.t.Helper()
	w.put(protocol.Must(t, session, body))
}

// ask sends a request and returns its number.
func (w *wire) ask(t protocol.Type, session protocol.SessionID, body protocol.Message) uint64 {
	w.t.Helper()
	w.id++
	e := protocol.Must(t, session, body)
	e.ID = w.id
	w.put(e)
	return w.id
}

func (w *wire) put(e protocol.Envelope) {
	w.t.Helper()
	if err := w.link.Send(e); err != nil {
		w.t.Fatal(err)
	}
	for {
		message, ok := w.link.Next(time.Now())
		if !ok {
			return
		}
		if err := w.conn.WriteMessage(websocket.TextMessage, message); err != nil {
			w.t.Fatal(err)
		}
	}
}

// refuses ends the socket as a hub does: with an error, then with its close code.
func (w *wire) refuses(why *protocol.Error) {
	w.t.Helper()
	w.send(protocol.TypeError, "", why)
	w.closes(protocol.CloseFor(why.Code), why.Message)
}

func (w *wire) closes(code protocol.CloseCode, words string) {
	w.t.Helper()
	frame := websocket.FormatCloseMessage(int(code), words)
	if err := w.conn.WriteControl(websocket.CloseMessage, frame, time.Now().Add(patience)); err != nil {
		w.t.Fatal(err)
	}
}

// ends waits until the device has closed the socket.
func (w *wire) ends() {
	w.t.Helper()
	if err := w.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		w.t.Fatal(err)
	}
	for {
		_, _, err := w.conn.ReadMessage()
		if late := net.Error(nil); errors.As(err, &late) && late.Timeout() {
			w.t.Fatal("the device does not end the socket")
		}
		if err != nil {
			return
		}
	}
}

// running is an agent under Run.
type running struct {
	t     *testing.T
	ready chan protocol.DeviceID
	stop  context.CancelFunc
	done  chan error
	once  sync.Once
	err   error
}

// settings are those of an agent of the hub that never waits, unless the test says for what.
func settings(t *testing.T, h *hub) Config {
	t.Helper()
	c := Config{
		Hub: h.server.URL, Cameras: []CameraConfig{{Enrol: auth.NewSecret(testCode)}}, State: t.TempDir(), Version: "test",
		Door:       protocol.TransportWebSocket, // which these tests break on purpose
		MinBackoff: time.Millisecond, MaxBackoff: 2 * time.Millisecond, RefusedBackoff: time.Millisecond,
		Media: peer.Config{ReportInterval: 100 * time.Millisecond}, Reach: reach.Config{Listen: "127.0.0.1:0", Servers: []string{newSTUN(t)}},
		NoPortMapping: true, // whatever router this is
	}
	if os.Getenv("DEVICE_TEST_LOG") != "" {
		c.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return c
}

// run starts an agent. It ends with the test, and nothing of it may be left then.
func run(t *testing.T, c Config) *running {
	t.Helper()
	r := &running{t: t, ready: make(chan protocol.DeviceID, 8), done: make(chan error, 1)}
	c.Ready = func(id protocol.DeviceID) { r.ready <- id }
	agent, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	r.runs(agent)
	return r
}

// runs is run for an agent that the test has made.
func runs(t *testing.T, agent *Agent) *running {
	t.Helper()
	r := &running{t: t, ready: make(chan protocol.DeviceID, 8), done: make(chan error, 1)}
	r.runs(agent)
	return r
}

func (r *running) runs(agent *Agent) {
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	go func() { r.done <- agent.Run(ctx) }()
	r.t.Cleanup(func() {
		_ = r.ends() // which the test has looked at if it matters
		settled(r.t)
	})
}

// ends stops the agent and returns how it ended.
func (r *running) ends() error {
	r.t.Helper()
	r.stop()
	return r.ended()
}

// ended waits until the agent has ended.
func (r *running) ended() error {
	r.t.Helper()
	r.once.Do(func() { r.err = within(r.t, "the end of the agent", r.done) })
	return r.err
}

// kept is an agent's log.
type kept struct {
	mu   sync.Mutex
	text []byte
}

func (k *kept) Write(b []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.text = append(k.text, b...)
	return len(b), nil
}

func (k *kept) String() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return string(k.text)
}

func (k *kept) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(io.Writer(k), &slog.HandlerOptions{Level: slog.LevelDebug}))
}
