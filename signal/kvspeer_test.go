package signal

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/internal/kvs"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const gate protocol.DeviceID = "gate" // a camera without an agent, of the stage's project

// kvsStage is a stage with the KVS door.
type kvsStage struct {
	*stage
	base   string // of the door
	bearer string // the gate's token
}

func onKVS(t *testing.T, configure func(*Config)) *kvsStage {
	t.Helper()
	s := &kvsStage{stage: onSockets(t, configure)}
	s.bearer = s.giveBearer(t, gate, project)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/kvs/{device}", func(w http.ResponseWriter, r *http.Request) { s.hub.ServeKVS(w, r) })
	mux.HandleFunc("/v1/kvs/{device}/ice-servers", func(w http.ResponseWriter, r *http.Request) { s.hub.ServeKVSServers(w, r) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.base = server.URL + "/v1/kvs/"
	return s
}

// giveBearer gives a device a bearer token, and makes it if need be.
func (s *stage) giveBearer(t testing.TB, id protocol.DeviceID, in protocol.ProjectID) string {
	t.Helper()
	key, token := auth.MintBearer(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	d, known := s.devices[id]
	if !known {
		d = record.Device{ID: id, Project: in, Name: string(id)}
	}
	d.PublicKey, d.Bearer = key, time.Now()
	s.devices[id] = d
	return token.Reveal()
}

// looksAt changes a token into one for another device.
func looksAt(id protocol.DeviceID) func(*auth.Viewer) {
	return func(v *auth.Viewer) { v.Device = id }
}

// kvsPeer is a program that speaks the KVS format: it writes the messages that a test makes, and reads what comes.
type kvsPeer struct {
	t     *testing.T
	conn  *websocket.Conn
	inbox chan kvsEvent // closed when the socket is
	end   error         // why, once inbox is closed
}

// kvsEvent is a message as KVS' SDKs read it: with exactly these keys.
type kvsEvent map[string]any

func (e kvsEvent) text(key string) string { s, _ := e[key].(string); return s }

// payload returns what is in the message.
func (e kvsEvent) payload(t *testing.T) map[string]any {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(e.text("messagePayload"))
	if err != nil {
		t.Fatalf("payload of %v: %v", e, err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatalf("payload %s: %v", b, err)
	}
	return m
}

func (e kvsEvent) status(t *testing.T) map[string]any {
	t.Helper()
	m, ok := e["statusResponse"].(map[string]any)
	if !ok {
		t.Fatalf("got %v, want a status", e)
	}
	return m
}

// knockKVS dials the door, and returns the status of a refusal.
func (s *kvsStage) knockKVS(t *testing.T, device protocol.DeviceID, query url.Values) (*kvsPeer, *http.Response) {
	t.Helper()
	conn, response, err := websocket.DefaultDialer.DialContext(t.Context(), strings.Replace(s.base, "http", "ws", 1)+string(device)+"?"+query.Encode(), nil)
	if err != nil && response == nil {
		t.Fatal(err)
	}
	if err != nil {
		return nil, response
	}
	_ = response.Body.Close()
	p := &kvsPeer{t: t, conn: conn, inbox: make(chan kvsEvent, maxInbox)}
	t.Cleanup(func() { _ = conn.Close() })
	s.pumps.Go(p.pump)
	return p, nil
}

func (p *kvsPeer) pump() {
	defer close(p.inbox)
	for {
		_, b, err := p.conn.ReadMessage()
		if err != nil {
			p.end = err
			return
		}
		e := kvsEvent{}
		if err := json.Unmarshal(b, &e); err != nil {
			p.end = err
			return
		}
		p.inbox <- e
	}
}

// watch connects as the SDK for browsers does, to a device of the stage's project.
func (s *kvsStage) watch(t *testing.T, device protocol.DeviceID) *kvsPeer {
	t.Helper()
	p, refusal := s.knockKVS(t, device, url.Values{
		"token": {s.token(t, looksAt(device))}, "X-Amz-ChannelARN": {"any"}, "X-Amz-ClientId": {"viewer-7"}, "X-Amz-Signature": {"none"},
	})
	if refusal != nil {
		t.Fatalf("the viewer is refused: %s", refusal.Status)
	}
	return p
}

// master connects as the SDK for C does.
func (s *kvsStage) master(t *testing.T) *kvsPeer {
	t.Helper()
	p, refusal := s.knockKVS(t, gate, url.Values{"token": {s.bearer}, "X-Amz-ChannelARN": {"any"}})
	if refusal != nil {
		t.Fatalf("the master is refused: %s", refusal.Status)
	}
	s.until(t, "the gate is online", func() bool { return s.hub.Presence(gate).Status == protocol.StatusOnline })
	return p
}

// say writes a message with the keys of the SDK for browsers.
func (p *kvsPeer) say(action, recipient, correlation, payload string) {
	p.t.Helper()
	m := map[string]string{"action": action, "messagePayload": base64.StdEncoding.EncodeToString([]byte(payload))}
	if recipient != "" {
		m["recipientClientId"] = recipient
	}
	if correlation != "" {
		m["correlationId"] = correlation
	}
	p.write(m)
}

// sayC writes a message with the keys of the SDK for C.
func (p *kvsPeer) sayC(action, recipient, payload string) {
	p.t.Helper()
	p.write(map[string]string{
		"action": action, "RecipientClientId": recipient, "MessagePayload": base64.StdEncoding.EncodeToString([]byte(payload)),
	})
}

func (p *kvsPeer) write(m any) {
	p.t.Helper()
	if err := p.conn.WriteJSON(m); err != nil {
		p.t.Fatal(err)
	}
}

// offer offers a session of the n-th peer connection.
func (p *kvsPeer) offer(n int) {
	p.t.Helper()
	p.say("SDP_OFFER", "", "offer", describedAs("offer", kvsSDP(n)))
}

// kvsSDP is a description of the n-th peer connection that wants to see and hear.
func kvsSDP(n int) string {
	return "v=0\r\no=- " + strings.Repeat("7", n) + " 2 IN IP4 127.0.0.1\r\nm=video 9 X 96\r\na=recvonly\r\nm=audio 9 X 111\r\na=recvonly\r\n"
}

func describedAs(kind, sdp string) string {
	b, _ := json.Marshal(map[string]string{"type": kind, "sdp": sdp}) //nolint:errchkjson // two texts
	return string(b)
}

const kvsCandidate = `{"candidate":"candidate:1 1 udp 2130706431 192.0.2.7 50000 typ host","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"abcd"}`

// await skips what else comes. It fails the test when the socket ends before.
func (p *kvsPeer) await(kind string) kvsEvent {
	p.t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		select {
		case e, ok := <-p.inbox:
			if !ok {
				p.t.Fatalf("waiting for %s: %v", kind, p.end)
			}
			if e.text("messageType") == kind {
				return e
			}
		case <-deadline:
			p.t.Fatalf("no %s comes", kind)
		}
	}
}

// next returns the next message, whatever it is.
func (p *kvsPeer) next() kvsEvent {
	p.t.Helper()
	select {
	case e, ok := <-p.inbox:
		if !ok {
			p.t.Fatalf("the socket has ended: %v", p.end)
		}
		return e
	case <-time.After(10 * time.Second):
		p.t.Fatal("nothing comes")
	}
	return nil
}

// closed waits for the end of the socket and returns the code that the hub has closed it with.
func (p *kvsPeer) closed() protocol.CloseCode {
	p.t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		select {
		case _, ok := <-p.inbox:
			if ok {
				continue
			}
			var closed *websocket.CloseError
			if !errors.As(p.end, &closed) {
				p.t.Fatalf("the socket ended with %v, want a close", p.end)
			}
			return protocol.CloseCode(closed.Code)
		case <-deadline:
			p.t.Fatal("the socket stays open")
		}
	}
}

// get asks for JSON with a bearer token.
func (s *kvsStage) get(t *testing.T, address, token string) (status int, answer map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, answer
}

// fuzz hands lines to the socket's speaker as its reader does, and hears all that the hub says meanwhile.
func (s *kvsSocket) fuzz(t *testing.T, text []byte) {
	t.Helper()
	hear := func() {
		for {
			select {
			case m := <-s.guest.inbox:
				events, again := s.speaker.hear(m)
				for _, e := range events {
					if _, err := e.Encode(); err != nil {
						t.Fatal(err)
					}
				}
				if again != nil {
					_, _ = s.guest.say(t.Context(), protocol.TypeSync, m.Session, again)
				}
			default:
				return
			}
		}
	}
	for i, line := range bytes.Split(text, []byte("\n")) {
		hear()
		if i == maxFuzzed {
			return
		}
		request, err := kvs.Decode(line)
		if err == nil {
			err = s.speaker.take(t.Context(), request)
		}
		if err != nil && !s.guest.isOver() && protocol.AsError(err).Code == protocol.CodeInternal {
			t.Fatalf("%s: %v", line, err)
		}
	}
	hear()
}
