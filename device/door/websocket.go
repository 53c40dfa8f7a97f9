package door

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sightline-rtc/sightline/protocol"
)

// wsURL is where the hub's WebSocket door is.
func wsURL(hub *url.URL) string {
	u := hub.JoinPath(protocol.LinkPath)
	u.Scheme = map[string]string{"http": "ws", "https": "wss"}[hub.Scheme]
	return u.String()
}

// webSocket is the door of one WebSocket.
type webSocket struct{ conn *websocket.Conn }

func (d *Dialer) openWebSocket(ctx context.Context, hello []byte) (Door, *protocol.Welcome, error) {
	conn, err := d.dial(ctx)
	if err != nil {
		return nil, nil, err
	}
	w := &webSocket{conn}
	welcome, err := w.greet(ctx, hello, time.Now().Add(d.config.HelloTimeout))
	if err != nil {
		_ = conn.Close()
		return nil, nil, err
	}
	return w, welcome, nil
}

// dial opens a socket to the hub.
func (d *Dialer) dial(ctx context.Context) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.config.DialTimeout)
	defer cancel()
	done := func() bool { return true }
	dialer := websocket.Dialer{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: d.config.TLS.Clone(),
		Subprotocols: []string{protocol.Subprotocol}, ReadBufferSize: 4 << 10, WriteBufferSize: 4 << 10,
		NetDialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			if err == nil { // the library heeds the deadline of a context, not its end
				done = context.AfterFunc(ctx, func() { _ = conn.Close() })
			}
			return conn, err
		},
	}
	conn, response, err := dialer.DialContext(ctx, wsURL(d.config.Hub), nil)
	if response != nil && response.Body != nil {
		defer response.Body.Close()
	}
	if ctx.Err() != nil {
		err, response = ctx.Err(), nil
	}
	if err != nil {
		return nil, Explain(response, err)
	}
	if !done() {
		return nil, Explain(nil, ctx.Err()) // the end of the context has closed it
	}
	if response.Header.Get(protocol.ServerHeader) == "" {
		_ = conn.Close()
		return nil, Explain(response, nil)
	}
	conn.SetReadLimit(protocol.MaxMessageBytes)
	return conn, nil
}

func (w *webSocket) greet(ctx context.Context, hello []byte, deadline time.Time) (*protocol.Welcome, error) {
	if _, err := w.Write(ctx, hello); err != nil {
		return nil, fmt.Errorf("say hello: %w", err)
	}
	if err := w.conn.SetReadDeadline(deadline); err != nil {
		return nil, Explain(nil, err)
	}
	message, err := w.Read(ctx)
	if err != nil {
		var said *Closed
		if errors.As(err, &said) || ctx.Err() != nil {
			return nil, err
		}
		var late net.Error
		if errors.As(err, &late) && late.Timeout() {
			return nil, silent("the WebSocket opened and brought no welcome", err)
		}
		return nil, silent("the WebSocket opened and was lost before the welcome", err)
	}
	if err := w.conn.SetReadDeadline(time.Time{}); err != nil {
		return nil, Explain(nil, err)
	}
	return readWelcome(message)
}

// Transport implements Door.
func (w *webSocket) Transport() protocol.Transport { return protocol.TransportWebSocket }

// Read implements Door.
func (w *webSocket) Read(ctx context.Context) ([]byte, error) {
	done := context.AfterFunc(ctx, func() { _ = w.conn.Close() })
	defer done()
	_, message, err := w.conn.ReadMessage()
	if err == nil {
		return message, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var closed *websocket.CloseError
	if errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure {
		return nil, &Closed{Code: protocol.CloseCode(closed.Code), Words: closed.Text}
	}
	return nil, Explain(nil, err)
}

// Write implements Door.
func (w *webSocket) Write(ctx context.Context, messages ...[]byte) (uint64, error) {
	done := context.AfterFunc(ctx, func() { _ = w.conn.Close() })
	defer done()
	for _, message := range messages {
		err := w.conn.SetWriteDeadline(time.Now().Add(protocol.WriteTimeout))
		if err == nil {
			err = w.conn.WriteMessage(websocket.TextMessage, message)
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if err != nil {
			return 0, Explain(nil, err)
		}
	}
	return 0, nil
}

// Close implements Door.
func (w *webSocket) Close() error { return w.conn.Close() }
