package sightline

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"time"
)

// maxAnswer bounds what is read of an answer: the largest, a snapshot or a full page of events, is far less.
const maxAnswer = 32 << 20

// Version is a state of a resource that two may change: give it to the call that reads the resource, and the same to the one that
// changes it. That fails with protocol.CodePreconditionFailed if somebody else was faster. Without it the last change wins.
type Version string

// one is the version that a caller gave, nil without one.
func one(versions []*Version) *Version {
	if len(versions) == 0 {
		return nil
	}
	return versions[0]
}

// request is one call of the API.
type request struct {
	method string
	path   string
	query  url.Values
	// body is sent as JSON unless it is nil.
	body any
	// version is what the caller knows of the resource's state, and gets to know; nil for none.
	version *Version
	// once is the Idempotency-Key of a POST; empty means a fresh one.
	once string
}

// answer is what came back of a request that the server granted.
type answer struct{ body []byte }

// into reads the answer's JSON.
func (a answer) into(v any) error {
	if err := json.Unmarshal(a.body, v); err != nil {
		return fmt.Errorf("sightline: the answer makes no sense: %w", err)
	}
	return nil
}

// do sends a request, again where that may help, and returns the answer or a *Problem.
func (c *Client) do(ctx context.Context, r request) (answer, error) {
	var body []byte
	if r.body != nil {
		var err error
		if body, err = json.Marshal(r.body); err != nil {
			return answer{}, fmt.Errorf("sightline: encode the request: %w", err)
		}
	}
	if r.method == http.MethodPost && r.once == "" {
		r.once = rand.Text()
	}
	for attempt := 1; ; attempt++ {
		got, err := c.try(ctx, r, body)
		if err == nil || attempt >= c.config.Attempts || ctx.Err() != nil {
			return got, err
		}
		wait, again := c.wait(err, attempt)
		if !again {
			return got, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return got, err
		case <-timer.C:
		}
	}
}

// wait returns how long to wait before another attempt, and whether there is to be one.
func (c *Client) wait(err error, attempt int) (time.Duration, bool) {
	wait := c.config.Backoff << (attempt - 1)
	wait = wait/2 + mathrand.N(wait/2+1)
	var p *Problem
	if errors.As(err, &p) {
		if !p.passing() {
			return 0, false
		}
		if told := time.Duration(p.RetryMS) * time.Millisecond; told > 0 {
			return told, told <= c.config.MaxWait
		}
	}
	return min(wait, c.config.MaxWait), true
}

func (c *Client) try(ctx context.Context, r request, body []byte) (answer, error) {
	address := c.hub + r.path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	sent, err := http.NewRequestWithContext(ctx, r.method, address, bytes.NewReader(body))
	if err != nil {
		return answer{}, fmt.Errorf("sightline: %w", err)
	}
	sent.Header.Set("Authorization", "Bearer "+c.key)
	sent.Header.Set("User-Agent", c.config.UserAgent)
	if body != nil {
		sent.Header.Set("Content-Type", "application/json")
	}
	if r.version != nil && *r.version != "" && r.method != http.MethodGet {
		sent.Header.Set("If-Match", string(*r.version))
	}
	if r.once != "" {
		sent.Header.Set("Idempotency-Key", r.once)
	}
	came, err := c.config.HTTP.Do(sent)
	if err != nil {
		return answer{}, fmt.Errorf("sightline: %w", err)
	}
	defer came.Body.Close()
	text, err := io.ReadAll(io.LimitReader(came.Body, maxAnswer))
	if err != nil {
		return answer{}, fmt.Errorf("sightline: read the answer: %w", err)
	}
	if came.StatusCode < 200 || came.StatusCode > 299 {
		return answer{}, problemOf(came, text)
	}
	if r.version != nil {
		*r.version = Version(came.Header.Get("ETag"))
	}
	return answer{text}, nil
}

// get reads one resource.
func get[T any](ctx context.Context, c *Client, path string, query url.Values) (T, error) {
	return ask[T](ctx, c, request{method: http.MethodGet, path: path, query: query})
}

// post makes something, once however often it is sent.
func post[T any](ctx context.Context, c *Client, path string, body any) (T, error) {
	return ask[T](ctx, c, request{method: http.MethodPost, path: path, body: body})
}

// ask sends a request and reads the resource that it returns.
func ask[T any](ctx context.Context, c *Client, r request) (resource T, err error) {
	got, err := c.do(ctx, r)
	if err != nil {
		return resource, err
	}
	err = got.into(&resource)
	return resource, err
}

// remove deletes something.
func (c *Client) remove(ctx context.Context, path string) error {
	_, err := c.do(ctx, request{method: http.MethodDelete, path: path})
	return err
}

// at is the path of one resource of a kind.
func at[ID ~string](kind string, id ID) string { return kind + "/" + url.PathEscape(string(id)) }
