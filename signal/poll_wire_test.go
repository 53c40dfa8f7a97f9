package signal

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
)

// pollWire is a client of the long poll door, as far as a wire goes.
type pollWire struct {
	hub     http.Handler
	ctx     context.Context //nolint:containedctx // of all its requests
	cancel  context.CancelFunc
	address string

	// mu guards what follows.
	mu            sync.Mutex
	authorization string
	waiting       [][]byte
	received, got uint64
	closed        error
}

// doors has the paths of a hub's doors.
func (s *stage) doors() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(protocol.LinkPath, func(w http.ResponseWriter, r *http.Request) { s.hub.ServeHTTP(w, r) })
	mux.HandleFunc(protocol.SendPath, func(w http.ResponseWriter, r *http.Request) { s.hub.ServeSend(w, r) })
	mux.HandleFunc(protocol.PollPath, func(w http.ResponseWriter, r *http.Request) { s.hub.ServePoll(w, r) })
	return mux
}

func newPollWire(hub http.Handler) *pollWire {
	ctx, cancel := context.WithCancel(context.Background())
	return &pollWire{hub: hub, ctx: ctx, cancel: cancel, address: "192.0.2.1:1000"}
}

// post makes a request without a network. Of one that was cut the response is lost.
func (w *pollWire) post(path string, body any) (int, []byte, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	r := httptest.NewRequestWithContext(w.ctx, http.MethodPost, path, bytes.NewReader(b))
	r.RemoteAddr = w.address
	w.mu.Lock()
	if w.authorization != "" {
		r.Header.Set("Authorization", w.authorization)
	}
	w.mu.Unlock()
	recorder := httptest.NewRecorder()
	w.hub.ServeHTTP(recorder, r)
	if w.ctx.Err() != nil {
		return 0, nil, errCut
	}
	response, err := io.ReadAll(recorder.Body)
	return recorder.Code, response, err
}

// end notes a 410, after which there is nothing.
func (w *pollWire) end(status int, body []byte) error {
	err := fmt.Errorf("got status %d, %s", status, body)
	if status == http.StatusGone {
		if f, bad := protocol.DecodeFarewell(body); bad == nil {
			err = &closedError{f.Close, f.Error.Message}
		}
	}
	w.closed = err
	return err
}

func encodeError(why *protocol.Error) []byte {
	e := protocol.Must(protocol.TypeError, "", why)
	b, _ := e.Encode()
	return b
}

func (w *pollWire) write(message []byte) error {
	status, body, err := w.post(protocol.SendPath, protocol.Parcel{Messages: []json.RawMessage{message}})
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case status == http.StatusGone && w.authorization == "": // as a refused hello is told on a WebSocket
		_ = w.end(status, body)
		f, err := protocol.DecodeFarewell(body)
		w.waiting = [][]byte{encodeError(f.Error)}
		return err
	case status != http.StatusOK:
		return w.end(status, body)
	case w.authorization != "":
		return nil
	}
	return w.deliver(body)
}

func (w *pollWire) deliver(body []byte) error {
	d, err := protocol.DecodeDelivery(body)
	if err != nil {
		return err
	}
	if d.Response != w.got+1 {
		return fmt.Errorf("got response %d after %d", d.Response, w.got)
	}
	w.got = d.Response
	for _, message := range d.Messages {
		w.waiting = append(w.waiting, message)
		e, body, _ := protocol.Decode(message)
		if welcome, is := body.(*protocol.Welcome); is {
			w.authorization = protocol.Authorization(welcome.Link, welcome.Key)
			continue
		}
		w.received = max(w.received, e.Seq)
	}
	return nil
}

func (w *pollWire) read() ([]byte, error) {
	for {
		w.mu.Lock()
		if len(w.waiting) > 0 {
			message := w.waiting[0]
			w.waiting = w.waiting[1:]
			w.mu.Unlock()
			return message, nil
		}
		if w.closed != nil {
			w.mu.Unlock()
			return nil, w.closed
		}
		// What was read has been handled: its reader is here again.
		poll := protocol.Poll{Received: w.received, Got: w.got}
		w.mu.Unlock()
		status, body, err := w.post(protocol.PollPath, poll)
		if err != nil {
			return nil, err
		}
		w.mu.Lock()
		switch status {
		case http.StatusOK:
			err = w.deliver(body)
		case http.StatusNoContent:
		default:
			err = w.end(status, body)
		}
		w.mu.Unlock()
		if err != nil {
			return nil, err
		}
	}
}

func (w *pollWire) cut() { w.cancel() }

// longPoll is the way to the long poll door.
func (s *stage) longPoll(*testing.T) wire { return newPollWire(s.doors()) }

// resumedFrom makes the first poll say what the link's client has.
func (w *pollWire) resumedFrom(received uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.received = max(w.received, received)
}
