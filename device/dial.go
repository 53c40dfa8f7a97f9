package device

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sightline-rtc/sightline/protocol"
)

// wsURL is where the hub's WebSocket door is.
func wsURL(hub *url.URL) string {
	u := hub.JoinPath("v1", "link")
	u.Scheme = map[string]string{"http": "ws", "https": "wss"}[hub.Scheme]
	return u.String()
}

// dial opens a socket to the hub. The error says in words who refused.
func (a *Agent) dial(ctx context.Context) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, a.config.DialTimeout)
	defer cancel()
	done := func() bool { return true }
	dialer := websocket.Dialer{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: a.config.TLS.Clone(),
		Subprotocols: []string{protocol.Subprotocol}, ReadBufferSize: 4 << 10, WriteBufferSize: 4 << 10,
		NetDialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			if err == nil { // the library heeds the deadline of a context, not its end
				done = context.AfterFunc(ctx, func() { _ = conn.Close() })
			}
			return conn, err
		},
	}
	conn, response, err := dialer.DialContext(ctx, wsURL(a.hub), nil)
	if response != nil && response.Body != nil {
		defer response.Body.Close()
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, explain(response, err)
	}
	if !done() {
		return nil, explain(nil, ctx.Err()) // the end of the context has closed it
	}
	if response.Header.Get(protocol.ServerHeader) == "" {
		return nil, errors.Join(errors.New("the upgrade was answered by something other than a Sightline hub"), conn.Close())
	}
	conn.SetReadLimit(protocol.MaxMessageBytes)
	return conn, nil
}

// socket is one WebSocket of the agent's link.
type socket struct {
	conn *websocket.Conn
}

func (s socket) write(message []byte) error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(protocol.WriteTimeout)); err != nil {
		return err
	}
	return s.conn.WriteMessage(websocket.TextMessage, message)
}

// read returns the next message. A close of the hub is a *verdict.
func (s socket) read(deadline time.Time) ([]byte, error) {
	if err := s.conn.SetReadDeadline(deadline); err != nil {
		return nil, err
	}
	_, message, err := s.conn.ReadMessage()
	var closed *websocket.CloseError
	if errors.As(err, &closed) {
		return nil, &verdict{code: protocol.CloseCode(closed.Code), words: closed.Text}
	}
	return message, err
}
