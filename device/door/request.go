package door

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// question is one request of the long poll.
type question struct {
	path          string
	authorization string // none for a hello
	body          []byte
	timeout       time.Duration
}

// answer is a response of the hub that says that all is well.
type answer struct{ body []byte }

// ask makes a request once. It fails with the context's error, a *Closed or a *Failure.
func (d *Dialer) ask(ctx context.Context, q question) (*answer, error) {
	limited, cancel := context.WithTimeout(ctx, q.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(limited, http.MethodPost, d.config.Hub.JoinPath(q.path).String(), bytes.NewReader(q.body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if q.authorization != "" {
		request.Header.Set("Authorization", q.authorization)
	}
	response, err := d.config.Client.Do(request)
	if err != nil {
		return nil, lost(ctx, nil, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, protocol.MaxParcelBytes+1))
	if err != nil {
		return nil, lost(ctx, nil, err)
	}
	switch {
	case response.Header.Get(protocol.ServerHeader) == "":
		return nil, lost(ctx, response, nil)
	case response.StatusCode == http.StatusOK:
		return &answer{body}, nil
	case response.StatusCode == http.StatusNoContent: // a newer poll, which is nobody's but a copy of this one
		return nil, &Failure{Words: "another poll took this one's place", passing: true}
	case response.StatusCode == http.StatusGone:
		return nil, farewell(response, body)
	}
	return nil, Explain(response, nil)
}

// lost is the failure of a request that did not get to the hub, or whose answer did not come back: it may be repeated.
func lost(ctx context.Context, response *http.Response, err error) error {
	if ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ctx.Err()
	}
	failure := Explain(response, err)
	failure.passing = true
	return failure
}

// farewell reads the end of a door, or of its link.
func farewell(response *http.Response, body []byte) error {
	f, err := protocol.DecodeFarewell(body)
	if err != nil {
		failure := Explain(response, nil)
		failure.Err = err
		return failure
	}
	return &Closed{Code: f.Close, Err: f.Error}
}
