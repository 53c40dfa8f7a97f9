package door

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// enters opens the long poll of a hub that then follows the script.
func enters(t *testing.T, received func() uint64, script ...http.HandlerFunc) (*hub, Door) {
	t.Helper()
	h, dialer := newHub(t, append([]http.HandlerFunc{delivers(1, welcomeText)}, script...)...)
	opened, welcome, err := dialer.Open(t.Context(), protocol.TransportLongPoll, viewer(), received)
	if err != nil {
		t.Fatal(err)
	}
	if got := h.next(); welcome.Link != "l-1" || got.authorization != "" || !strings.HasPrefix(got.body, `{"messages":[{"type":"hello"`) {
		t.Fatalf("got %+v after %+v", welcome, got)
	}
	return h, opened
}

func nothing() uint64 { return 0 }

func reads(t *testing.T, d Door, want string) {
	t.Helper()
	got, err := d.Read(t.Context())
	if err != nil || string(got) != want {
		t.Fatalf("got %q, %v; want %q", got, err, want)
	}
}

func TestPollsConfirmAndAcknowledge(t *testing.T) {
	var received uint64
	h, d := enters(t, func() uint64 { return received }, delivers(2, `{"type":"ping"}`, `{"type":"pong"}`), delivers(3))
	reads(t, d, `{"type":"ping"}`)
	reads(t, d, `{"type":"pong"}`)
	received = 7
	reads(t, d, "") // a sign of life
	for _, want := range []string{`{"received":0,"got":1}`, `{"received":7,"got":2}`} {
		if got := h.next(); got != (asked{protocol.PollPath, "Link l-1.k-1", want}) {
			t.Errorf("got %+v, want %s", got, want)
		}
	}
}

func TestWhatCameWithTheWelcomeIsReadFirst(t *testing.T) {
	_, dialer := newHub(t, delivers(1, welcomeText, `{"type":"snapshot","data":{}}`))
	d, _, err := dialer.Open(t.Context(), protocol.TransportLongPoll, viewer(), nothing)
	if err != nil {
		t.Fatal(err)
	}
	reads(t, d, `{"type":"snapshot","data":{}}`)
}

func TestRequestsThatGetNoAnswerAreRepeatedAsTheyWere(t *testing.T) {
	for _, lost := range []http.HandlerFunc{
		breaks,
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, // a proxy that lost the hub
		func(w http.ResponseWriter, _ *http.Request) { // half an answer
			w.Header().Set(protocol.ServerHeader, "n")
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"response":2,`))
		},
	} {
		h, d := enters(t, nothing, slices.Concat(
			slices.Repeat([]http.HandlerFunc{lost}, 2), []http.HandlerFunc{says(http.StatusOK, protocol.Receipt{Received: 4})},
			[]http.HandlerFunc{lost, delivers(2, `{"type":"pong"}`)},
		)...)
		received, err := d.Write(t.Context(), []byte(`{"type":"ping"}`), []byte(`{"type":"pong"}`))
		if received != 4 || err != nil {
			t.Fatalf("got %d, %v", received, err)
		}
		for range 3 {
			if got := h.next(); got != (asked{protocol.SendPath, "Link l-1.k-1", `{"messages":[{"type":"ping"},{"type":"pong"}]}`}) {
				t.Errorf("got %+v", got)
			}
		}
		reads(t, d, `{"type":"pong"}`)
		for range 2 {
			if got := h.next(); got.body != `{"received":0,"got":1}` {
				t.Errorf("got %+v", got)
			}
		}
	}
}

func TestDoorIsLostWhenTheHubStaysAway(t *testing.T) {
	_, d := enters(t, nothing, slices.Repeat([]http.HandlerFunc{breaks}, 4)...)
	var failure *Failure
	if _, err := d.Write(t.Context(), []byte(`{"type":"ping"}`)); !errors.As(err, &failure) {
		t.Errorf("got %v, want a failure", err)
	}
}

func TestPollThatIsCutWhileItWaitsIsFollowedByAPing(t *testing.T) {
	h, d := enters(t, nothing, breaks, says(http.StatusOK, protocol.Receipt{}), delivers(2, `{"type":"pong"}`))
	d.(*longPoll).dialer.config.CutAfter = 1 //nolint:forcetypeassert // it is
	reads(t, d, `{"type":"pong"}`)
	for _, want := range []string{`{"received":0,"got":1}`, `{"messages":[{"type":"ping"}]}`, `{"received":0,"got":1}`} {
		if got := h.next(); got.body != want {
			t.Errorf("got %+v, want %s", got, want)
		}
	}
}

func TestHubsFarewellIsTheEnd(t *testing.T) {
	bye := protocol.Farewell{Close: protocol.CloseTooSlow, Error: &protocol.Error{Code: protocol.CodeTooSlow, Message: "too slow", RetryMS: 5}}
	_, d := enters(t, nothing, slices.Repeat([]http.HandlerFunc{says(http.StatusGone, bye)}, 2)...)
	_, reading := d.Read(t.Context())
	_, writing := d.Write(t.Context(), []byte(`{"type":"ping"}`))
	for _, err := range []error{reading, writing} {
		var said *Closed
		if !errors.As(err, &said) || said.Code != protocol.CloseTooSlow || said.Err.RetryMS != 5 {
			t.Errorf("got %v, want 4008 and its error", err)
		}
	}
}

func TestAnswersThatBreakTheContractEndTheDoor(t *testing.T) {
	for _, answer := range []http.HandlerFunc{
		delivers(3), delivers(1), says(http.StatusOK, nil), says(http.StatusOK, "text"), says(http.StatusGone, nil),
		says(http.StatusBadRequest, nil), says(http.StatusNotFound, nil),
		says(http.StatusOK, map[string]string{"messages": strings.Repeat("a", protocol.MaxParcelBytes)}),
	} {
		_, d := enters(t, nothing, answer)
		var failure *Failure
		if _, err := d.Read(t.Context()); !errors.As(err, &failure) {
			t.Errorf("got %v, want a failure", err)
		}
	}
}

func TestPollThatAnotherReplacedIsMadeAgain(t *testing.T) {
	_, d := enters(t, nothing, says(http.StatusNoContent, nil), delivers(2, `{"type":"pong"}`))
	reads(t, d, `{"type":"pong"}`)
}

func TestEndOfTheContextEndsAPoll(t *testing.T) {
	entered := make(chan bool)
	_, d := enters(t, nothing, func(_ http.ResponseWriter, r *http.Request) {
		entered <- true
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-entered
		cancel()
	}()
	if _, err := d.Read(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestRefusedHelloIsTheHubsWord(t *testing.T) {
	bye := protocol.Farewell{Close: protocol.CloseBadToken, Error: &protocol.Error{Code: protocol.CodeBadToken, Message: "no"}}
	_, dialer := newHub(t, says(http.StatusGone, bye))
	_, _, err := dialer.Open(t.Context(), protocol.TransportLongPoll, viewer(), nothing)
	var said *Closed
	if !errors.As(err, &said) || said.Err.Code != protocol.CodeBadToken {
		t.Errorf("got %v", err)
	}
}

func TestBusyHubSaysWhenToComeBack(t *testing.T) {
	_, dialer := newHub(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "3")
		says(http.StatusServiceUnavailable, nil)(w, r)
	})
	_, _, err := dialer.Open(t.Context(), protocol.TransportLongPoll, viewer(), nothing)
	var failure *Failure
	if !errors.As(err, &failure) || failure.Retry != 3*time.Second || failure.Reason != "" {
		t.Errorf("got %#v", err)
	}
}

func TestParcelIsWhatTheProtocolReads(t *testing.T) {
	message := []byte(`{"type":"ping"}`)
	for n := range 4 {
		var messages [][]byte
		for range n {
			messages = append(messages, message)
		}
		p, err := protocol.DecodeParcel(parcel(messages...))
		if n > 0 && err != nil || len(p.Messages) != n {
			t.Errorf("%d messages became %d: %v", n, len(p.Messages), err)
		}
	}
}

// FuzzAnswers plays a hub that answers anything: the door must end or go on, and never hand on what is no message of a
// complete response.
func FuzzAnswers(f *testing.F) {
	f.Add(200, `{"response":2,"messages":[{"type":"ping"}]}`)
	f.Add(200, `{"response":2,"messages":null}`)
	f.Add(410, `{"close":4001,"error":{"code":"going_away","message":"x"}}`)
	f.Add(204, ``)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			return
		}
		answers := answersWith(status, body)
		d := &longPoll{dialer: NewDialer(Config{Hub: nowhere, Client: &http.Client{Transport: answers}, Retry: 1, Retries: 1}), received: nothing, got: 1}
		for range 3 {
			message, err := d.Read(t.Context())
			if err != nil {
				return
			}
			if message != nil && !json.Valid(message) {
				t.Fatalf("handed on %q", message)
			}
		}
	})
}
