package signal

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sightline-rtc/sightline/protocol"
)

// writeBuffers is shared by all sockets: an idle one holds no write buffer.
var writeBuffers sync.Pool

// readBufferBytes is enough for most messages; a larger one is read in several steps.
const readBufferBytes = 1 << 10

// ServeHTTP is the WebSocket door, GET /v1/link. The link's life goes on when it returns.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.Ready() {
		w.Header().Set("Retry-After", "2")
		http.Error(w, "the server is not ready", http.StatusServiceUnavailable)
		return
	}
	upgrader := websocket.Upgrader{
		HandshakeTimeout: h.config.HelloTimeout,
		ReadBufferSize:   readBufferBytes,
		WriteBufferPool:  &writeBuffers,
		Subprotocols:     []string{protocol.Subprotocol},
		CheckOrigin:      h.allowedOrigin,
	}
	conn, err := upgrader.Upgrade(w, r, http.Header{protocol.ServerHeader: {h.nodeName()}})
	if err != nil {
		h.config.Logger.Debug("upgrade refused", "err", err)
		return // the upgrader has answered
	}
	address := h.config.ClientAddress(r)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopping {
		_ = conn.Close() //nolint:errcheck // it has just begun
		return
	}
	h.work.Go(func() { h.serve(conn, address) })
}

func (h *Hub) nodeName() string { return string(h.config.Node) }

// allowedOrigin lets in programs, which send no origin, the hub's own pages and the configured sites
// (RFC 6455 section 10.2).
func (h *Hub) allowedOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil {
		return false
	}
	if strings.EqualFold(u.Host, r.Host) {
		return true
	}
	for _, allowed := range h.config.Origins {
		if allowed == "*" || strings.EqualFold(allowed, origin) {
			return true
		}
	}
	return false
}

// serve reads a socket until it ends.
func (h *Hub) serve(conn *websocket.Conn, address netip.Addr) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := &webSocket{conn: conn, writeTimeout: h.config.WriteTimeout}
	defer s.abort()
	conn.SetReadLimit(2 * protocol.MaxMessageBytes) // so that a message just over the limit gets our error
	c, err := h.greet(ctx, s, address)
	if err != nil {
		why := protocol.AsError(err)
		h.config.Logger.Info("hello refused", "address", address.String(), "code", why.Code, "err", err)
		farewell(s, why)
		s.linger()
		return
	}
	bye := h.read(ctx, c, s)
	h.leave(ctx, c, bye)
	s.linger()
}

// greet waits for the hello.
func (h *Hub) greet(ctx context.Context, s *webSocket, address netip.Addr) (*client, error) {
	deadline := time.Now().Add(h.config.HelloTimeout)
	message, err := s.read(deadline)
	if err != nil {
		return nil, protocol.Errorf(protocol.CodeTimeout, "no hello came").Because(err)
	}
	_, body, err := protocol.Decode(message)
	if err != nil {
		return nil, err
	}
	hello, ok := body.(*protocol.Hello)
	if !ok {
		return nil, protocol.Errorf(protocol.CodeBadMessage, "the first message must be hello")
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	return h.admit(ctx, hello, s, address)
}

// read hands a client's messages to the hub. It reports whether the client said bye.
func (h *Hub) read(ctx context.Context, c *client, s *webSocket) (bye bool) {
	for {
		message, err := s.read(time.Time{})
		if errors.Is(err, websocket.ErrReadLimit) {
			c.close(protocol.Errorf(protocol.CodeTooLarge, "a message is over the limit of %d bytes", protocol.MaxMessageBytes))
			return false
		}
		if err != nil {
			c.logger.Debug("socket ended", "err", err)
			return false
		}
		if err := h.receive(ctx, c, message); err != nil {
			if errors.Is(err, errBye) {
				return true
			}
			c.close(protocol.AsError(err))
			return false
		}
	}
}

// webSocket is a socket over one WebSocket connection.
type webSocket struct {
	conn         *websocket.Conn
	writeTimeout time.Duration
	// mu lets one writer write at a time and guards what follows.
	mu     sync.Mutex
	closed bool
	until  time.Time // how long the peer may take to answer the close
}

var errNotText = protocol.Errorf(protocol.CodeBadMessage, "messages are text")

func (s *webSocket) read(deadline time.Time) ([]byte, error) {
	s.mu.Lock()
	if s.closed {
		deadline = s.until
	}
	err := s.conn.SetReadDeadline(deadline)
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	kind, message, err := s.conn.ReadMessage()
	if err == nil && kind != websocket.TextMessage {
		return nil, errNotText
	}
	return message, err
}

// Write implements socket.
func (s *webSocket) Write(message []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.conn.SetWriteDeadline(time.Now().Add(s.writeTimeout)); err != nil {
		return err
	}
	return s.conn.WriteMessage(websocket.TextMessage, message)
}

// maxCloseReasonBytes is what a close frame has room for (RFC 6455 section 5.5).
const maxCloseReasonBytes = 123

// Close implements socket. The connection itself is closed when its reader has ended, or soon.
func (s *webSocket) Close(code protocol.CloseCode, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	if len(reason) > maxCloseReasonBytes {
		reason = strings.ToValidUTF8(reason[:maxCloseReasonBytes], "")
	}
	s.until = time.Now().Add(lingerTime)
	frame := websocket.FormatCloseMessage(int(code), reason)
	err := s.conn.WriteControl(websocket.CloseMessage, frame, s.until)
	if err != nil || s.conn.SetReadDeadline(s.until) != nil {
		s.abort() // it is broken already
	}
}

// lingerTime is how long a peer may take to read a close and answer it.
const lingerTime = time.Second

// linger waits for the peer to answer a close: ending the connection with unread data in the socket would reset it and
// throw the reason away.
func (s *webSocket) linger() {
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	for closed {
		if _, err := s.read(time.Time{}); err != nil {
			return
		}
	}
}

func (s *webSocket) abort() { _ = s.conn.Close() } //nolint:errcheck // nothing is left to lose
