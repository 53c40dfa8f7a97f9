package device

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

func TestWaitsFollowTheHubAndElseDouble(t *testing.T) {
	a := &Agent{config: Config{}.withDefaults()}
	lost := errors.New("connection reset")
	refusal := func(code protocol.Code, retryMS int64) error {
		e := protocol.Errorf(code, "no")
		e.RetryMS = retryMS
		return fmt.Errorf("read: %w", verdictOf(e))
	}
	tests := []struct {
		name        string
		err         error
		failures    int
		least, most time.Duration
	}{
		{"the first loss", lost, 0, 500 * time.Millisecond, time.Second},
		{"the third", lost, 2, 500 * time.Millisecond, 4 * time.Second},
		{"the sixth", lost, 5, 500 * time.Millisecond, 30 * time.Second},
		{"the thousandth", lost, 1000, 500 * time.Millisecond, 30 * time.Second},
		{"a hub that goes", &verdict{code: protocol.CloseGoingAway}, 0, 500 * time.Millisecond, time.Second},
		{"an abnormal closure", &verdict{code: 1006}, 0, 500 * time.Millisecond, time.Second},
		{"superseded by its code", &verdict{code: protocol.CloseSuperseded}, 0, 5 * time.Minute, 330 * time.Second},
		{"revoked in words", refusal(protocol.CodeRevoked, 0), 0, 5 * time.Minute, 330 * time.Second},
		{"told to wait", refusal(protocol.CodeRateLimited, 7000), 9, 7 * time.Second, 7700 * time.Millisecond},
		{"told to wait for ever", refusal(protocol.CodeRateLimited, 1<<62), 0, time.Hour, 66 * time.Minute},
		{"told to wait a negative time", refusal(protocol.CodeRateLimited, -5), 0, 500 * time.Millisecond, time.Second},
		{"an HTTP answer with Retry-After", &unavailable{"503", 2 * time.Second}, 9, 2 * time.Second, 2200 * time.Millisecond},
		{"one without", &unavailable{"503", 0}, 0, 500 * time.Millisecond, time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			seen := map[time.Duration]bool{}
			for range 200 {
				got := a.waitAfter(tt.err, tt.failures)
				seen[got] = true
				if got < tt.least || got > tt.most {
					t.Fatalf("got %v, want %v to %v", got, tt.least, tt.most)
				}
			}
			if len(seen) < 100 {
				t.Errorf("200 waits have only %d different lengths", len(seen))
			}
		})
	}
}

func TestBackoffNeedsNoRoom(t *testing.T) {
	a := &Agent{config: Config{MinBackoff: time.Second, MaxBackoff: time.Second}}
	if got := a.backoff(5); got != time.Second {
		t.Errorf("got %v, want a second", got)
	}
}

func TestGoawayIsObeyed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &uplink{agent: &Agent{config: Config{}.withDefaults()}}
		body := &protocol.Goaway{AfterMS: 60_000, DeadlineMS: 90_000}
		if err := u.handle(t.Context(), protocol.Envelope{Type: protocol.TypeGoaway}, body, nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second) // until the hub closes
		gone := &verdict{code: protocol.CloseGoingAway}
		if got, want := u.waitAfter(gone, 0), 40*time.Second; got != want {
			t.Errorf("got %v, want %v", got, want)
		}
		refused := &verdict{code: protocol.CloseRevoked}
		if got := u.waitAfter(refused, 0); got < 5*time.Minute {
			t.Errorf("got %v after a refusal, want 5 minutes", got)
		}
		time.Sleep(40 * time.Second)
		if got := u.waitAfter(gone, 0); got > time.Second {
			t.Errorf("got %v long after the goaway, want a usual wait", got)
		}
	})
}

func TestRetryAfterIsReadInSeconds(t *testing.T) {
	tests := map[string]time.Duration{
		"": 0, "2": 2 * time.Second, "-2": 0, "soon": 0, "99999999999999": 0, "Fri, 31 Dec 1999 23:59:59 GMT": 0,
	}
	for value, want := range tests {
		if got := retryAfter(&http.Response{Header: http.Header{"Retry-After": {value}}}); got != want {
			t.Errorf("%q: got %v, want %v", value, got, want)
		}
	}
}

func TestHubsTimeIsCountedFromItsWord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c hubClock
		if got := c.now(); !got.Equal(time.Now()) {
			t.Errorf("before a word it is %v, want the machine's time", got)
		}
		hub := time.Now().Add(-time.Hour)
		c.set(hub)
		time.Sleep(time.Minute)
		if got, want := c.now(), hub.Add(time.Minute); !got.Equal(want) {
			t.Errorf("a minute later it is %v, want %v", got, want)
		}
		lease := hub.Add(10 * time.Minute)
		if got, want := time.Until(c.local(lease)), 9*time.Minute; got != want {
			t.Errorf("the lease has %v left, want %v", got, want)
		}
		if got := c.local(time.Time{}); !got.IsZero() {
			t.Errorf("no time became %v", got)
		}
	})
}
