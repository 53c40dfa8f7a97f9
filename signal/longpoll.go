package signal

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// The long poll door is for networks that let no WebSocket through: docs/protocol.md, "Long poll".

// maxPollBytes is more than a poll can have, maxHelloBytes than a parcel with one message.
const (
	maxPollBytes  = 1 << 10
	maxHelloBytes = protocol.MaxMessageBytes + 1<<10
)

// response is what a request is answered.
type response struct {
	status int
	body   []byte
}

// responseOf never fails: its bodies are the protocol's.
func responseOf(status int, body any) response {
	b, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return response{status, b}
}

// farewellOf is the end of a carrier, or of a link.
func farewellOf(why *protocol.Error, code protocol.CloseCode) response {
	return responseOf(http.StatusGone, protocol.Farewell{Close: code, Error: why})
}

func refusal(why *protocol.Error) response { return farewellOf(why, protocol.CloseFor(why.Code)) }

var (
	goneError    = protocol.Errorf(protocol.CodeGoingAway, "the link is not on this door")
	unknownError = protocol.Errorf(protocol.CodeUnknownLink, "no link of this hub has that name and key")
)

func (a response) write(w http.ResponseWriter) {
	if len(a.body) > 0 {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that has gone asks for it again
}

// ServeSend is POST /v1/link/send: a hello, or messages of a link that has said it.
func (h *Hub) ServeSend(w http.ResponseWriter, r *http.Request) {
	if !h.enterDoor(w, r, http.MethodPost) {
		return
	}
	if r.Header.Get("Authorization") == "" {
		h.serveHello(w, r)
		return
	}
	h.serveLink(w, r, protocol.MaxParcelBytes, func(s *pollSocket, body []byte) response {
		parcel, err := protocol.DecodeParcel(body)
		if err != nil {
			return s.breach(err)
		}
		if err := s.settle(r.Context(), acknowledged(parcel)); err != nil {
			return s.goodbye()
		}
		return s.send(r.Context(), parcel)
	})
}

// ServePoll is POST /v1/link/poll: it waits for messages of a link.
func (h *Hub) ServePoll(w http.ResponseWriter, r *http.Request) {
	if !h.enterDoor(w, r, http.MethodPost) {
		return
	}
	h.serveLink(w, r, maxPollBytes, func(s *pollSocket, body []byte) response {
		p, err := protocol.DecodePoll(body)
		if err != nil {
			return s.breach(err)
		}
		if err := s.settle(r.Context(), p.Received); err != nil {
			return s.goodbye()
		}
		return s.poll(r.Context(), p)
	})
}

// enterDoor sets what every answer has, and reports whether the request may go on.
func (h *Hub) enterDoor(w http.ResponseWriter, r *http.Request, method string) bool {
	w.Header().Set(protocol.ServerHeader, h.nodeName())
	w.Header().Set("Cache-Control", "no-store")
	switch {
	case !h.allowedOrigin(r):
		http.Error(w, "pages of this origin may not open links", http.StatusForbidden)
		return false
	case !share(w, r, method):
		return false
	case r.Method != method:
		w.Header().Set("Allow", method+", "+http.MethodOptions)
		http.Error(w, "this is for "+method, http.StatusMethodNotAllowed)
		return false
	}
	return true
}

// serveLink hands the body of a request to the link that it names.
func (h *Hub) serveLink(w http.ResponseWriter, r *http.Request, limit int64, serve func(*pollSocket, []byte) response) {
	s, why := h.authorize(r.Header.Get("Authorization"))
	if why != nil {
		refusal(why).write(w)
		return
	}
	body, ok := bodyOf(w, r, limit)
	if !ok {
		return
	}
	if !h.enter() {
		refusal(stoppingError).write(w)
		return
	}
	a := serve(s, body)
	h.work.Done()
	a.write(w)
}

// bodyOf reads a body, or answers why it does not. From then on only the end of the connection ends the request.
func bodyOf(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		http.Error(w, "the body is too large", http.StatusRequestEntityTooLarge)
		return nil, false
	case err != nil:
		http.Error(w, "the body did not come", http.StatusBadRequest)
		return nil, false
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // it is for bodies; what has none in tests needs none
	return body, true
}

// enter counts a request among the hub's work. It fails when the hub is closing all links.
func (h *Hub) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ending {
		return false
	}
	h.work.Add(1)
	return true
}

// serveHello answers a hello with what its link begins with.
func (h *Hub) serveHello(w http.ResponseWriter, r *http.Request) {
	if !h.admitRequest(w, r) {
		return
	}
	body, ok := bodyOf(w, r, maxHelloBytes)
	if !ok {
		return
	}
	parcel, err := protocol.DecodeParcel(body)
	if err != nil || len(parcel.Messages) != 1 {
		http.Error(w, "a send without Authorization is one hello", http.StatusBadRequest)
		return
	}
	if !h.enter() {
		refusal(stoppingError).write(w)
		return
	}
	address := h.config.ClientAddress(r)
	a, err := h.greetPoll(r.Context(), parcel.Messages[0], address)
	h.work.Done()
	if err != nil {
		a = refusal(h.refused(address, err))
	}
	a.write(w)
}

func (h *Hub) greetPoll(ctx context.Context, message []byte, address netip.Addr) (response, error) {
	_, body, err := protocol.Decode(message)
	if err != nil {
		return response{}, err
	}
	hello, ok := body.(*protocol.Hello)
	if !ok {
		return response{}, protocol.Errorf(protocol.CodeBadMessage, "the first message must be hello")
	}
	ctx = context.WithoutCancel(ctx) // a client that leaves now comes again, or not
	k := &carrier{address: address, transport: protocol.TransportLongPoll}
	s := newPollSocket(h, k)
	limited, cancel := context.WithTimeout(ctx, h.config.HelloTimeout)
	defer cancel()
	c, err := h.admit(limited, hello, k)
	if err != nil {
		return response{}, err
	}
	s.adopt(ctx, c)
	return s.greeting(), nil
}

// adopt gives the socket its link, or makes it wait for that.
func (s *pollSocket) adopt(ctx context.Context, c *client) {
	if s.carrier.prospect == nil {
		s.begin(ctx, c, s.hub.arrived(ctx, c, s.carrier))
		return
	}
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	s.hub.prospects[c.id] = s
}

// breach ends the link of a client that sends what is none of the protocol.
func (s *pollSocket) breach(err error) response {
	s.mu.Lock()
	c := s.client
	s.mu.Unlock()
	if c == nil {
		return refusal(protocol.AsError(err))
	}
	c.fail(err)
	return s.goodbye()
}

// acknowledged is what the first message of a parcel acknowledges.
func acknowledged(parcel protocol.Parcel) uint64 {
	e, _, _ := protocol.Decode(parcel.Messages[0]) // what is wrong with it is seen when it is handled
	return e.Ack
}
