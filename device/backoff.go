package device

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// steadyAfter is how long a link must have lived for the next attempt to start with the shortest wait.
	steadyAfter = 30 * time.Second
	// maxRequestedWait bounds how long a hub can send the device away, so that a wrong number does not lose it for ever.
	maxRequestedWait = time.Hour
)

// verdict is what the hub said when it ended a socket: in an error message, or by the close code alone.
type verdict struct {
	code  protocol.CloseCode
	words string
	// retry is how long the hub wants to be left alone; 0 means as long as the device likes.
	retry time.Duration
	// skewed says that only the time of the device's token was wrong.
	skewed bool
}

func verdictOf(m *protocol.Error) *verdict {
	return &verdict{
		code: protocol.CloseFor(m.Code), words: m.Message, retry: milliseconds(m.RetryMS),
		skewed: m.Code == protocol.CodeClockSkew,
	}
}

func (v *verdict) Error() string {
	if v.words == "" {
		return "the hub closed the link with code " + v.code.String()
	}
	return "the hub closed the link: " + v.words + " (" + v.code.String() + ")"
}

// unavailable is an answer of a hub that cannot serve now, and when it may.
type unavailable struct {
	words string
	retry time.Duration
}

func (u *unavailable) Error() string { return u.words }

// retryAfter reads the header in its form of seconds (RFC 9110 section 10.2.3); 0 means that there is none.
func retryAfter(response *http.Response) time.Duration {
	seconds, err := strconv.ParseUint(response.Header.Get("Retry-After"), 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second //nolint:gosec // 31 bits
}

// milliseconds is the duration of a wait in a message, within bounds.
func milliseconds(ms int64) time.Duration {
	return time.Duration(min(max(ms, 0), maxRequestedWait.Milliseconds())) * time.Millisecond
}

// waitAfter is how long to stay away after an attempt or a link has ended. failures counts those before it.
func (a *Agent) waitAfter(err error, failures int) time.Duration {
	var said *verdict
	var later *unavailable
	switch {
	case errors.As(err, &said) && said.retry > 0:
		return spread(said.retry)
	case errors.As(err, &said) && !said.code.Reconnect():
		return spread(a.config.RefusedBackoff)
	case errors.As(err, &later) && later.retry > 0:
		return spread(later.retry)
	}
	return a.backoff(failures)
}

// spread adds up to a tenth, so that devices that were told the same do not come at the same moment.
func spread(d time.Duration) time.Duration {
	d = min(d, maxRequestedWait)
	return d + rand.N(d/10+1) //nolint:gosec // jitter is no secret
}

// backoff is full jitter: anything from the least to a ceiling that doubles with each failure.
func (a *Agent) backoff(failures int) time.Duration {
	least := a.config.MinBackoff
	ceiling := min(least<<min(failures+1, 16), a.config.MaxBackoff)
	if ceiling <= least {
		return least
	}
	return least + rand.N(ceiling-least) //nolint:gosec // jitter is no secret
}

// pause waits, and fails only when the context ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
