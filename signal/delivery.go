package signal

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// pollSocket is a socket of the long poll door. Nothing of it runs but what its client's requests bring: messages wait
// in the link's queues until a poll takes them.
type pollSocket struct {
	hub     *Hub
	carrier *carrier
	// sending holds one value while a send is handled: the next waits for it.
	sending chan struct{}
	// wake holds one value when something may wait.
	wake chan struct{}
	// done is closed with the socket.
	done chan struct{}
	// promoting is of a prospect's first request.
	promoting sync.Once
	refusal   error // of the promotion
	since     time.Time

	// mu guards what follows. A client's mu may be taken while it is held.
	mu         sync.Mutex
	client     *client // nil until the link is on it
	connection *record.Connection
	number     uint64        // of the last response that was made
	kept       []byte        // that response, until a poll confirms it
	newest     chan struct{} // of the poll that waits, closed when a newer one comes; nil if none waits
	patience   time.Duration // how long a poll may wait, no longer than what stands between lets it
	why        *protocol.Error
}

func newPollSocket(h *Hub, k *carrier) *pollSocket {
	s := &pollSocket{
		hub: h, carrier: k, sending: make(chan struct{}, 1), wake: make(chan struct{}, 1), done: make(chan struct{}), since: time.Now(),
		patience: h.config.PollWait,
	}
	k.socket = s
	return s
}

// Wake implements puller.
func (s *pollSocket) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Write implements socket. All that a client is written it comes for, and what ends a socket stands in the answer.
func (s *pollSocket) Write([]byte) error { return nil }

// Close implements socket.
func (s *pollSocket) Close(protocol.CloseCode, string) {
	why := s.closing()
	if why == nil {
		why = goneError
	}
	s.end(why, false)
}

// abort implements socket.
func (s *pollSocket) abort() {
	s.hub.work.Go(func() { s.Close(protocol.CloseGoingAway, "") })
}

// begin makes the socket the carrier of its client's link.
func (s *pollSocket) begin(ctx context.Context, c *client, connection *record.Connection) {
	s.mu.Lock()
	s.client, s.connection = c, connection
	closed := s.why != nil
	s.mu.Unlock()
	if !closed {
		return
	}
	if why := s.closing(); why != nil {
		s.mu.Lock()
		s.why = why
		s.mu.Unlock()
	}
	s.leave(ctx, c, false)
}

// begun reports whether the socket has its link.
func (s *pollSocket) begun() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.client != nil
}

// end closes the socket once, and lets its link go on without it.
func (s *pollSocket) end(why *protocol.Error, bye bool) {
	s.mu.Lock()
	first, c := s.why == nil, s.client
	if first {
		s.why, s.kept = why, nil
		close(s.done)
	}
	s.mu.Unlock()
	if first && c != nil {
		s.leave(context.Background(), c, bye)
	}
}

func (s *pollSocket) leave(ctx context.Context, c *client, bye bool) {
	c.handling <- struct{}{} // what has begun is finished first
	s.hub.leave(ctx, c, s.carrier, bye)
	<-c.handling
	end := errClosed
	if bye {
		end = errBye
	}
	s.hub.departed(ctx, s.connection, c.ending(s.carrier, end))
}

// closing returns why the hub closes the socket, nil if that is not known yet, or it does not.
func (s *pollSocket) closing() *protocol.Error {
	s.mu.Lock()
	c := s.client
	s.mu.Unlock()
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return s.carrier.why
}

// goodbye is the answer to a request on a socket that has ended, or is about to.
func (s *pollSocket) goodbye() response {
	<-s.done
	s.mu.Lock()
	defer s.mu.Unlock()
	return farewellOf(s.why, protocol.CloseFor(s.why.Code))
}

// poll answers one with the next response, or with the last one if the client did not get that. It waits for something
// to say. ctx is the request's.
func (s *pollSocket) poll(ctx context.Context, p protocol.Poll) response {
	if err := s.client.heard(s.carrier, p.Received); err != nil {
		s.client.fail(err)
		return s.goodbye()
	}
	mine, patience, stray := s.park(p.Got)
	if stray != nil {
		return farewellOf(stray, protocol.CloseGoingAway)
	}
	defer s.unpark(mine)
	began, timer := time.Now(), time.NewTimer(patience)
	defer timer.Stop()
	for late := false; ; {
		body, newest := s.respond(mine, p.Got, late)
		switch {
		case !newest:
			s.Wake() // what woke this one was for the newer
			return response{status: http.StatusNoContent}
		case body != nil:
			return response{http.StatusOK, body}
		}
		select {
		case <-s.wake:
		case <-mine:
		case <-timer.C:
			late = true
		case <-s.done:
			return s.goodbye()
		case <-ctx.Done():
			s.cut(time.Since(began))
			return response{status: http.StatusNoContent} // which nobody reads
		}
	}
}

// leastPatience keeps a client from polling all the time. A proxy that cuts connections by their age cuts one in which
// there was another poll before sooner than the next.
const leastPatience = 2 * time.Second

// cut is told how long a poll waited that was lost. Something in between may let none wait so long: the next ones are
// answered before it comes to that.
func (s *pollSocket) cut(waited time.Duration) {
	if waited < leastPatience {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.patience = min(s.patience, max(leastPatience, waited*3/4))
}

// park makes a poll the newest, and ends the one before. It returns how long it may wait, and fails for one that is not of
// this socket: one that was delayed on the way belongs to an earlier socket of the link, which shall not suffer from it.
func (s *pollSocket) park(got uint64) (mine chan struct{}, patience time.Duration, stray *protocol.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case got > s.number:
		return nil, 0, protocol.Errorf(protocol.CodeSequence, "response %d was never made", got)
	case got < s.number && (got+1 < s.number || s.kept == nil) && s.why == nil:
		return nil, 0, protocol.Errorf(protocol.CodeSequence, "response %d was confirmed before", got+1)
	}
	if s.newest != nil {
		close(s.newest)
	}
	s.newest = make(chan struct{})
	return s.newest, s.patience, nil
}

func (s *pollSocket) unpark(mine chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.newest == mine {
		s.newest = nil
	}
}

// respond returns what the newest poll is to be answered, nil if it has to wait.
func (s *pollSocket) respond(mine chan struct{}, got uint64, late bool) (body []byte, newest bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.newest != mine:
		return nil, false
	case s.why != nil:
		return nil, true // done is closed
	case got < s.number:
		return s.kept, true
	}
	s.kept = nil
	return s.takeLocked(late), true
}

// maxTaken leaves room in a response for one more message of the largest size.
const maxTaken = protocol.MaxParcelBytes - protocol.MaxMessageBytes - 1<<10

// takeLocked makes the next response of what waits; one without messages if it must and nothing does.
func (s *pollSocket) takeLocked(must bool) []byte {
	c, now := s.client, time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.carrier.lost {
		return nil
	}
	var messages [][]byte
	for size := 0; size < maxTaken; {
		message, ok := c.link.Next(now)
		if !ok {
			break
		}
		size += len(message) + 1
		messages = append(messages, message)
	}
	c.kept = 0
	defer c.accountLocked()
	if len(messages) == 0 && !must {
		return nil
	}
	c.link.Told(now)
	c.scheduleLocked()
	body := s.keepLocked(messages...)
	c.kept = len(body)
	return body
}

// keepLocked makes a response of messages.
func (s *pollSocket) keepLocked(messages ...[]byte) []byte {
	s.number++
	all := bytes.Join(messages, []byte(","))
	var b bytes.Buffer
	b.Grow(len(all) + 64)         // more than the rest can take
	b.WriteString(`{"response":`) // a protocol.Delivery, without reading all its messages again
	b.WriteString(strconv.FormatUint(s.number, 10))
	b.WriteString(`,"messages":[`)
	b.Write(all)
	b.WriteString("]}")
	s.kept = b.Bytes()
	return s.kept
}

// greeting is the first response.
func (s *pollSocket) greeting() response {
	s.mu.Lock()
	var body []byte
	if p := s.carrier.prospect; p != nil {
		body = s.keepLocked(p.welcome)
	} else if s.why == nil {
		body = s.takeLocked(true)
	}
	s.mu.Unlock()
	if body == nil {
		return s.goodbye()
	}
	return response{http.StatusOK, body}
}

// heard takes a poll as a sign of life, and what it acknowledges.
func (c *client) heard(k *carrier, received uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k.lost {
		return errClosed
	}
	err := c.link.Heard(received, time.Now())
	c.accountLocked()
	c.scheduleLocked()
	return err
}

// send takes in the messages of a send, in their order. The client repeats one of which it gets no answer.
func (s *pollSocket) send(ctx context.Context, parcel protocol.Parcel) response {
	select {
	case s.sending <- struct{}{}:
		defer func() { <-s.sending }()
	case <-s.done:
		return s.goodbye()
	case <-ctx.Done():
		return response{status: http.StatusNoContent} // which nobody reads
	}
	c := s.client
	for _, message := range parcel.Messages {
		if ctx.Err() != nil {
			return response{status: http.StatusNoContent}
		}
		err := s.hub.handle(context.WithoutCancel(ctx), c, s.carrier, message)
		if errors.Is(err, errBye) {
			s.end(goneError, true)
			break
		}
		if err != nil {
			return s.goodbye()
		}
	}
	return c.receipt(s.carrier)
}

// receipt answers a send: what the client's link has taken over.
func (c *client) receipt(k *carrier) response {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !k.lost {
		c.link.Told(time.Now())
	}
	return responseOf(http.StatusOK, protocol.Receipt{Received: c.link.Received()})
}
