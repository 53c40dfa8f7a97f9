package device

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
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
	dialer := websocket.Dialer{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: a.config.TLS.Clone(),
		Subprotocols: []string{protocol.Subprotocol}, ReadBufferSize: 4 << 10, WriteBufferSize: 4 << 10,
	}
	conn, response, err := dialer.DialContext(ctx, wsURL(a.hub), nil)
	if response != nil && response.Body != nil {
		defer response.Body.Close() //nolint:errcheck // nobody reads it
	}
	if err != nil {
		return nil, explain(response, err)
	}
	if response.Header.Get(protocol.ServerHeader) == "" {
		return nil, errors.Join(errors.New("the upgrade was answered by something other than a Sightline hub"), conn.Close())
	}
	return conn, nil
}

// explain says what a failed upgrade means.
func explain(response *http.Response, err error) error {
	var unknown x509.UnknownAuthorityError
	var header tls.RecordHeaderError
	switch {
	case errors.As(err, &unknown):
		return fmt.Errorf("the hub's certificate is of an unknown authority (intercepted, or --ca is missing): %w", err)
	case errors.As(err, &header):
		return fmt.Errorf("the hub does not speak TLS on this port: %w", err)
	case response == nil:
		return err
	case response.Header.Get(protocol.ServerHeader) == "":
		return fmt.Errorf("something other than a Sightline hub answered %s: a proxy, a captive portal or a wrong URL", response.Status)
	default:
		return fmt.Errorf("the hub answered %s", response.Status)
	}
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

// read returns the next message. Its errors tell what a close code means: a refusal that another attempt would not
// change is a *closeError.
func (s socket) read(deadline time.Time) ([]byte, error) {
	if err := s.conn.SetReadDeadline(deadline); err != nil {
		return nil, err
	}
	_, message, err := s.conn.ReadMessage()
	var closed *websocket.CloseError
	if errors.As(err, &closed) {
		return nil, &closeError{protocol.CloseCode(closed.Code), closed.Text}
	}
	return message, err
}

// closeError is a socket that the hub closed.
type closeError struct {
	code protocol.CloseCode
	text string
}

func (e *closeError) Error() string {
	if e.text == "" {
		return "the hub closed the link with code " + e.code.String()
	}
	return fmt.Sprintf("the hub closed the link: %s (%s)", e.text, e.code)
}
