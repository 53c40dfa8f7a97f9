package signal

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// writeBuffers is shared by all sockets: an idle one holds no write buffer.
var writeBuffers sync.Pool

// ServeHTTP is the WebSocket door, GET /v1/link. The link's life goes on when it returns.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.admitRequest(w, r) {
		return
	}
	upgrader := websocket.Upgrader{
		HandshakeTimeout: h.config.HelloTimeout,
		WriteBufferPool:  &writeBuffers,
		Subprotocols:     []string{protocol.Subprotocol},
		CheckOrigin:      h.allowedOrigin,
	}
	taken := &hijack{ResponseWriter: w}
	conn, err := upgrader.Upgrade(taken, r, http.Header{protocol.ServerHeader: {h.nodeName()}})
	if err != nil {
		h.config.Logger.Debug("upgrade refused", "err", err)
		return // the upgrader has answered
	}
	address := h.config.ClientAddress(r)
	s := &webSocket{conn: conn, inlet: newInlet(conn.NetConn(), taken.reader), writeTimeout: h.config.WriteTimeout}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopping {
		s.abort() // it has just begun
		return
	}
	h.strangers[s] = true
	h.work.Go(func() { h.serve(s, address) }) //nolint:contextcheck // a socket outlives the request that brought it
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

// serve greets a socket and keeps it until it ends.
func (h *Hub) serve(s *webSocket, address netip.Addr) {
	ctx := context.Background()
	k := &carrier{socket: s, address: address, transport: protocol.TransportWebSocket}
	c, err := h.greet(ctx, s, k)
	var first []byte
	if err == nil && k.prospect != nil {
		first, err = h.hear(ctx, s, k.prospect)
	}
	h.mu.Lock()
	delete(h.strangers, s)
	h.mu.Unlock()
	if err != nil {
		defer s.abort()
		farewell(s, h.refused(address, err))
		s.linger()
		return
	}
	connection := h.arrived(ctx, c, k)
	if first != nil {
		err = h.handle(ctx, c, k, first)
	}
	h.work.Go(func() { h.attend(ctx, c, k, s, connection, err) }) // with a new, small stack: that of a hello has grown
}

// refused returns what the client of a refused hello is told, and logs the rest.
func (h *Hub) refused(address netip.Addr, err error) *protocol.Error {
	why := protocol.AsError(err)
	h.config.Logger.Info("hello refused", "address", address.String(), "code", why.Code, "err", err)
	return why
}

// attend reads a client's socket until it ends. It is where an idle link waits, with the smallest stack that there is.
func (h *Hub) attend(ctx context.Context, c *client, k *carrier, s *webSocket, connection *record.Connection, end error) {
	defer s.abort()
	if end == nil {
		end = s.setReadDeadline(time.Time{})
	}
	for end == nil {
		s.inlet.wait()
		h.aside(func() { end = h.read(ctx, c, k, s) })
	}
	h.leave(ctx, c, k, errors.Is(end, errBye))
	h.departed(ctx, connection, c.ending(k, end))
	c.part(k)
	s.linger()
}

// aside runs f on a goroutine of its own and waits for it. A stack that has grown is never again as small as the caller's.
func (h *Hub) aside(f func()) {
	done := make(chan struct{})
	h.work.Go(func() {
		defer close(done)
		f()
	})
	<-done
}

// greet waits for the hello.
func (h *Hub) greet(ctx context.Context, s *webSocket, k *carrier) (*client, error) {
	deadline := time.Now().Add(h.config.HelloTimeout)
	message, err := s.readBefore(deadline)
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout(): // gorilla hides os.ErrDeadlineExceeded
		return nil, protocol.Errorf(protocol.CodeTimeout, "no hello came").Because(err)
	case errors.Is(err, errNotText):
		return nil, err
	case err != nil:
		return nil, protocol.Errorf(protocol.CodeGoingAway, "the client left before its hello").Because(err)
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
	return h.admit(ctx, hello, k)
}

// read hands the messages that have come to the hub and returns what ended that: errBye when the client said so.
func (h *Hub) read(ctx context.Context, c *client, k *carrier, s *webSocket) error {
	for {
		message, err := s.read()
		if errors.Is(err, errNotText) {
			c.close(errNotText)
			return err
		}
		if err != nil {
			c.logger.Debug("socket ended", "err", err)
			return err
		}
		if err := h.handle(ctx, c, k, message); err != nil {
			return err
		}
		if !s.inlet.buffered() {
			return nil
		}
	}
}

// handle takes in one message, and ends the link of one that it must not go on after.
func (h *Hub) handle(ctx context.Context, c *client, k *carrier, message []byte) error {
	err := h.receive(ctx, c, k, message)
	if err != nil {
		c.fail(err)
	}
	return err
}

// hear waits for a prospect's first message, which the link then goes on with.
func (h *Hub) hear(ctx context.Context, s *webSocket, p *prospect) ([]byte, error) {
	if err := s.Write(p.welcome); err != nil {
		return nil, protocol.Errorf(protocol.CodeTooSlow, "the welcome was not taken").Because(err)
	}
	message, err := s.readBefore(time.Now().Add(h.config.HelloTimeout))
	if err != nil {
		return nil, protocol.Errorf(protocol.CodeTimeout, "nothing came after the welcome").Because(err)
	}
	e, _, err := protocol.Decode(message)
	if err != nil && !errors.Is(err, &protocol.Error{Code: protocol.CodeUnknownType}) {
		return nil, err
	}
	return message, h.promote(ctx, p, e.Ack)
}

// webSocket is a socket over one WebSocket connection.
type webSocket struct {
	conn         *websocket.Conn
	inlet        *inlet
	writeTimeout time.Duration
	// writing lets one writer write at a time. It is held for as long as the peer does not read.
	writing sync.Mutex
	// mu guards what follows. Nothing blocks under it.
	mu     sync.Mutex
	closed bool
	until  time.Time // how long the peer may take to answer the close
}

var errNotText = protocol.Errorf(protocol.CodeBadMessage, "messages are text")

// readBefore returns the next message if it comes in time.
func (s *webSocket) readBefore(deadline time.Time) ([]byte, error) {
	if err := s.setReadDeadline(deadline); err != nil {
		return nil, err
	}
	return s.read()
}

// read returns the next message, or as much of it as shows that it is too large.
func (s *webSocket) read() ([]byte, error) {
	s.inlet.borrow()
	kind, r, err := s.conn.NextReader()
	if err != nil {
		return nil, err
	}
	if kind != websocket.TextMessage {
		return nil, errNotText
	}
	return io.ReadAll(io.LimitReader(r, protocol.MaxMessageBytes+1))
}

// setReadDeadline sets how long reading may take, zero for ever; what a close has left to the peer is not lengthened.
func (s *webSocket) setReadDeadline(deadline time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		deadline = s.until
	}
	return s.conn.SetReadDeadline(deadline)
}

// Write implements socket.
func (s *webSocket) Write(message []byte) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.conn.SetWriteDeadline(time.Now().Add(s.writeTimeout)); err != nil {
		return err
	}
	return s.conn.WriteMessage(websocket.TextMessage, message)
}

// maxCloseReasonBytes is what a close frame has room for (RFC 6455 section 5.5).
const maxCloseReasonBytes = 123

// Close implements socket. The connection itself is closed when its reader has ended, or soon; at once when the peer
// does not even take the close.
func (s *webSocket) Close(code protocol.CloseCode, reason string) {
	until, first := s.beginClose()
	if !first {
		return
	}
	if len(reason) > maxCloseReasonBytes {
		reason = strings.ToValidUTF8(reason[:maxCloseReasonBytes], "")
	}
	frame := websocket.FormatCloseMessage(int(code), reason)
	if err := s.conn.WriteControl(websocket.CloseMessage, frame, until); err != nil {
		s.abort()
	}
}

// beginClose gives the peer lingerTime from now on. It reports whether this is the first close.
func (s *webSocket) beginClose() (until time.Time, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return s.until, false
	}
	s.closed, s.until = true, time.Now().Add(lingerTime)
	if s.conn.SetReadDeadline(s.until) != nil {
		s.abort() // it is broken already
	}
	return s.until, true
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
		if _, err := s.read(); err != nil && !errors.Is(err, errNotText) {
			return
		}
	}
}

// abort implements socket.
func (s *webSocket) abort() { _ = s.conn.Close() } // nothing is left to lose
