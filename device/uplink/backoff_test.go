package uplink

import (
	"errors"
	"fmt"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sightline-rtc/sightline/device/door"
	"github.com/sightline-rtc/sightline/link"
	"github.com/sightline-rtc/sightline/protocol"
)

// usual is the back-off of a link that is told nothing else.
func usual() Backoff {
	c := Config{}.withDefaults()
	return Backoff{Min: c.MinBackoff, Max: c.MaxBackoff, Refused: c.RefusedBackoff}
}

// refusal is the hub's end of a door, with an error.
func refusal(code protocol.Code, retryMS int64) *door.Closed {
	e := protocol.Errorf(code, "no")
	e.RetryMS = retryMS
	return &door.Closed{Code: protocol.CloseFor(code), Err: e}
}

// idle is a link that nobody runs.
func idle(t *testing.T, config Config) *Link {
	t.Helper()
	config.Hub = &url.URL{Scheme: "http", Host: "127.0.0.1:1"}
	if config.Handler == nil {
		config.Handler = &recorder{}
	}
	config.Hello = func(time.Time) (*protocol.Hello, error) { return &protocol.Hello{Role: protocol.RoleDevice}, nil }
	l, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestWaitsFollowTheHubAndElseDouble(t *testing.T) {
	lost := errors.New("connection reset")
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
		{"a hub that goes", &door.Closed{Code: protocol.CloseGoingAway}, 0, 500 * time.Millisecond, time.Second},
		{"an abnormal closure", &door.Closed{Code: 1006}, 0, 500 * time.Millisecond, time.Second},
		{"superseded by its code", &door.Closed{Code: protocol.CloseSuperseded}, 0, 5 * time.Minute, 330 * time.Second},
		{"revoked in words", refusal(protocol.CodeRevoked, 0), 0, 5 * time.Minute, 330 * time.Second},
		{"told to wait", refusal(protocol.CodeRateLimited, 7000), 9, 7 * time.Second, 7700 * time.Millisecond},
		{"told to wait for ever", refusal(protocol.CodeRateLimited, 1<<62), 0, time.Hour, 66 * time.Minute},
		{"told to wait a negative time", refusal(protocol.CodeRateLimited, -5), 0, 500 * time.Millisecond, time.Second},
		{"an HTTP answer with Retry-After", &door.Failure{Words: "503", Retry: 2 * time.Second}, 9, 2 * time.Second, 2200 * time.Millisecond},
		{"one without", &door.Failure{Words: "503"}, 0, 500 * time.Millisecond, time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			seen := map[time.Duration]bool{}
			for range 200 {
				got := usual().After(fmt.Errorf("read: %w", tt.err), tt.failures)
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
	if got := (Backoff{Min: time.Second, Max: time.Second}).After(nil, 5); got != time.Second {
		t.Errorf("got %v, want a second", got)
	}
}

func TestGoawayIsObeyed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := idle(t, Config{})
		body := &protocol.Goaway{AfterMS: 60_000, DeadlineMS: 90_000}
		if err := l.handle(t.Context(), protocol.Envelope{Type: protocol.TypeGoaway}, body, nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second) // until the hub closes
		gone := &door.Closed{Code: protocol.CloseGoingAway}
		if got, want := l.waitAfter(protocol.TransportWebSocket, gone, 0), 40*time.Second; got != want {
			t.Errorf("got %v, want %v", got, want)
		}
		refused := &door.Closed{Code: protocol.CloseRevoked}
		if got := l.waitAfter(protocol.TransportWebSocket, refused, 0); got < 5*time.Minute {
			t.Errorf("got %v after a refusal, want 5 minutes", got)
		}
		time.Sleep(40 * time.Second)
		if got := l.waitAfter(protocol.TransportWebSocket, gone, 0); got > time.Second {
			t.Errorf("got %v long after the goaway, want a usual wait", got)
		}
	})
}

func TestHubThatIsNeverContentWithTheClockIsNotFlooded(t *testing.T) {
	l := idle(t, Config{})
	skewed := refusal(protocol.CodeClockSkew, 0)
	if got := l.waitAfter(protocol.TransportWebSocket, skewed, 3); got != 0 {
		t.Errorf("after the first refusal the device waits %v, want nothing", got)
	}
	for failures := range 3 {
		if got := l.waitAfter(protocol.TransportWebSocket, skewed, failures); got < l.config.MinBackoff {
			t.Errorf("after another the device waits %v, want a usual back-off", got)
		}
	}
}

func TestLinkThatOverflowedWithoutADoorIsNotResumed(t *testing.T) {
	l := idle(t, Config{Link: link.Config{MaxUnacked: 2}})
	l.resume = &protocol.Resume{Link: "l", Key: "k"}
	for n := range 3 {
		if got := l.resumption(); got == nil {
			t.Fatalf("after %d messages the link is not resumed", n)
		}
		_ = l.Send(protocol.Must(protocol.TypeClose, "s", &protocol.Close{Reason: protocol.ReasonICEFailed}))
	}
	if err := l.attach(&protocol.Welcome{Link: "l", Resumed: true, PingS: 20}, time.Now()); err == nil {
		t.Error("a part of what was sent would be replayed")
	}
	if got := l.resumption(); got != nil {
		t.Errorf("the hello resumes %+v", got)
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
