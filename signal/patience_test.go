package signal

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

func TestPollsThatAreCutAreAnsweredSoonerFromThenOn(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		w := newPollWire(s.doors())
		greet(t, w, s.viewerHello(t, nil))
		for _, step := range []struct {
			cutAfter, want time.Duration // of a poll that is not cut, how long it took
		}{
			{want: 25 * time.Second},
			{cutAfter: 5 * time.Second},
			{want: 3750 * time.Millisecond},
			{cutAfter: time.Second}, // the rest of a connection's time
			{want: 3750 * time.Millisecond},
			{cutAfter: 2 * time.Second},
			{want: 2 * time.Second},
		} {
			if took := pollOnce(t, w, step.cutAfter); took != max(step.want, step.cutAfter) {
				t.Errorf("a poll that is cut after %v, if at all: took %v, want %v", step.cutAfter, took, step.want)
			}
		}
	})
}

func greet(t *testing.T, w *pollWire, hello protocol.Hello) {
	t.Helper()
	hello.Version = protocol.Version
	e := protocol.Must(protocol.TypeHello, "", &hello)
	message, err := e.Encode()
	if err == nil {
		err = w.write(message)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// pollOnce polls, unless it is 0 for so long at most, and returns how long it took.
func pollOnce(t *testing.T, w *pollWire, cutAfter time.Duration) time.Duration {
	t.Helper()
	whole := w.ctx
	if cutAfter > 0 {
		limited, cancel := context.WithTimeout(whole, cutAfter)
		defer cancel()
		w.ctx = limited
	}
	began := time.Now()
	status, body, err := w.post(protocol.PollPath, protocol.Poll{Received: w.received, Got: w.got})
	took := time.Since(began)
	w.ctx = whole
	if cutAfter > 0 {
		return took
	}
	if err != nil || status != http.StatusOK {
		t.Fatalf("a poll: %d %s, %v", status, body, err)
	}
	if err := w.deliver(body); err != nil {
		t.Fatal(err)
	}
	return took
}
