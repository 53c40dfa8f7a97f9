package door

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sightline-rtc/sightline/protocol"
)

var nowhere = &url.URL{Scheme: "http", Host: "127.0.0.1:1"}

// canned answers every request without a network.
type canned struct {
	status int
	body   string
}

func answersWith(status int, body string) http.RoundTripper { return canned{status, body} }

// RoundTrip implements http.RoundTripper.
func (c canned) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: c.status, Status: http.StatusText(c.status), Header: http.Header{protocol.ServerHeader: {"n"}},
		Body: io.NopCloser(strings.NewReader(c.body)),
	}, nil
}

// upgraded serves sockets with what the test does to them.
func upgraded(t *testing.T, serve func(*websocket.Conn)) *Dialer {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		upgrader := websocket.Upgrader{Subprotocols: []string{protocol.Subprotocol}}
		conn, err := upgrader.Upgrade(w, r, http.Header{protocol.ServerHeader: {"n"}})
		if err != nil {
			t.Errorf("upgrade: %v", err)
			return
		}
		defer conn.Close()
		if _, _, err := conn.ReadMessage(); err == nil {
			serve(conn)
		}
	}))
	t.Cleanup(server.Close)
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return NewDialer(Config{Hub: base, HelloTimeout: 100 * time.Millisecond})
}

func TestSocketsWithoutAWelcomeAreSilent(t *testing.T) {
	for name, serve := range map[string]func(*websocket.Conn){
		"nothing comes":      func(c *websocket.Conn) { _, _, _ = c.ReadMessage() },
		"it ends":            func(c *websocket.Conn) {},
		"something else":     func(c *websocket.Conn) { _ = c.WriteMessage(websocket.TextMessage, []byte(`{"type":"pong"}`)) },
		"nothing that is it": func(c *websocket.Conn) { _ = c.WriteMessage(websocket.TextMessage, []byte(`<html>`)) },
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := upgraded(t, serve).Open(t.Context(), protocol.TransportWebSocket, viewer(), nothing)
			var failure *Failure
			if !errors.As(err, &failure) || failure.Reason != protocol.FallbackSilent || failure.Detail == "" {
				t.Errorf("got %v, want silent", err)
			}
		})
	}
}

func TestHubsWordOnASocketIsToldFromALoss(t *testing.T) {
	d := upgraded(t, func(c *websocket.Conn) {
		_ = c.WriteMessage(websocket.TextMessage, []byte(`{"type":"error","data":{"code":"clock_skew","message":"late"}}`))
	})
	_, _, err := d.Open(t.Context(), protocol.TransportWebSocket, viewer(), nothing)
	var said *Closed
	if !errors.As(err, &said) || said.Err == nil || said.Err.Code != protocol.CodeClockSkew {
		t.Errorf("got %v, want the hub's error", err)
	}
	d = upgraded(t, func(c *websocket.Conn) {
		_ = c.WriteMessage(websocket.TextMessage, []byte(welcomeText))
		_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(4001, "bye"), time.Now().Add(time.Second))
	})
	opened, welcome, err := d.Open(t.Context(), protocol.TransportWebSocket, viewer(), nothing)
	if err != nil || welcome.Link != "l-1" {
		t.Fatalf("got %+v, %v", welcome, err)
	}
	defer opened.Close()
	if _, err := opened.Read(t.Context()); !errors.As(err, &said) || said.Code != protocol.CloseGoingAway || said.Words != "bye" {
		t.Errorf("got %v, want 4001", err)
	}
}

func TestTryingADoorLeavesNoLink(t *testing.T) {
	refuses := func(c *websocket.Conn) {
		_ = c.WriteMessage(websocket.TextMessage, []byte(`{"type":"error","data":{"code":"version","message":"none"}}`))
	}
	if err := upgraded(t, refuses).Try(t.Context(), protocol.TransportWebSocket); err != nil {
		t.Errorf("a hub that refuses the version: %v", err)
	}
	if err := upgraded(t, func(*websocket.Conn) {}).Try(t.Context(), protocol.TransportWebSocket); err == nil {
		t.Error("a socket that says nothing is taken for a door")
	}
}
