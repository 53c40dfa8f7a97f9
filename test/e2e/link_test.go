//go:build linux

package e2e

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sightline-rtc/sightline/protocol"
)

// wire is a bare WebSocket to the hub from the viewer's host: what a stranger's program could send.
type wire struct {
	t    *testing.T
	conn *websocket.Conn
}

func (s *stage) wire() *wire {
	s.t.Helper()
	dialer := websocket.Dialer{
		NetDialContext: s.Viewer.Dial, Subprotocols: []string{protocol.Subprotocol}, HandshakeTimeout: soon,
	}
	conn, response, err := dialer.DialContext(s.t.Context(), strings.Replace(s.hub.URL, "http", "ws", 1)+"/v1/link", http.Header{})
	if err != nil {
		s.t.Fatalf("dial the hub: %v", err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	if response.Header.Get(protocol.ServerHeader) == "" {
		s.t.Errorf("the answer to the upgrade lacks the header %s", protocol.ServerHeader)
	}
	must(s.t, conn.SetReadDeadline(time.Now().Add(soon)))
	return &wire{t: s.t, conn: conn}
}

func (w *wire) say(text string) {
	w.t.Helper()
	must(w.t, w.conn.WriteMessage(websocket.TextMessage, []byte(text)))
}

func (w *wire) send(t protocol.Type, session protocol.SessionID, seq uint64, body protocol.Message) {
	w.t.Helper()
	e := protocol.Must(t, session, body)
	if seq > 0 {
		e.Seq, e.ID = seq, seq
	}
	w.say(string(need(e.Encode())(w.t)))
}

// hello introduces a viewer.
func (w *wire) hello(token string) {
	w.t.Helper()
	w.send(protocol.TypeHello, "", 0, &protocol.Hello{Version: protocol.Version, Role: protocol.RoleViewer, Token: token, Client: protocol.Client{Name: "test"}})
}

// until reads until a message of one of the types comes, and returns it.
func (w *wire) until(types ...protocol.Type) (protocol.Envelope, protocol.Message) {
	w.t.Helper()
	for {
		_, b, err := w.conn.ReadMessage()
		if err != nil {
			w.t.Fatalf("the hub ended the link with %v, want one of %v", err, types)
		}
		e, body, err := protocol.Decode(b)
		if err != nil {
			w.t.Fatalf("the hub sent %s: %v", b, err)
		}
		for _, t := range types {
			if e.Type == t {
				return e, body
			}
		}
	}
}

// refused returns the code of the hub's next error.
func (w *wire) refused() protocol.Code {
	w.t.Helper()
	_, body := w.until(protocol.TypeError)
	refusal, ok := body.(*protocol.Error)
	if !ok || refusal.Message == "" {
		w.t.Errorf("the refusal is %+v, want a code and a message for people", body)
	}
	return refusal.Code
}

// closed returns the code with which the hub closes the socket.
func (w *wire) closed() protocol.CloseCode {
	w.t.Helper()
	for {
		_, b, err := w.conn.ReadMessage()
		if end, ok := errors.AsType[*websocket.CloseError](err); ok {
			return protocol.CloseCode(end.Code)
		}
		if err != nil {
			w.t.Fatalf("after its refusal the hub ended the socket with %v, want a close code", err)
		}
		w.t.Logf("the hub says %s", b)
	}
}
