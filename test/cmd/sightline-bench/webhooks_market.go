//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sightline-rtc/sightline/internal/store"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const (
	// slowAnswer is how long a slow endpoint takes.
	slowAnswer = 2 * time.Second
	// marketWriters make events at the same time.
	marketWriters = 16
	// settleTime is how long the healthy endpoints may take for the rest of a part, and all for theirs at the end.
	settleTime = 5 * time.Minute
)

// market has projects, whose events are made, and the endpoints that get them.
type market struct {
	url    string
	client *http.Client
	// keys are the projects' API keys.
	keys      []string
	receivers *httptest.Server
	endpoints []*hook
	// well says that the bad endpoints behave.
	well atomic.Bool
	work sync.WaitGroup
}

// hook is an endpoint.
type hook struct {
	id         string
	project    int
	kind       record.EventKind
	slow, dead bool
	// expected counts the events that were made for it, as far as is known.
	expected atomic.Int64

	mu   sync.Mutex // guards what follows
	got  map[string]int
	lags []float64
}

func (h *hook) bad() bool { return h.slow || h.dead }

// open makes the projects and endpoints.
func (o webhooksOrder) open(ctx context.Context, s *server) (m *market, err error) {
	m = &market{url: s.URL, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: marketWriters}, Timeout: 30 * time.Second}}
	m.receivers = httptest.NewServer(m)
	defer func() {
		if err != nil {
			m.close()
		}
	}()
	records, err := store.Open(ctx, s.Data, store.Config{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, records.Close()) }()
	kinds := []record.EventKind{record.EventDeviceEnrolled, record.EventDeviceDeleted}
	for n := range o.endpoints {
		if n%2 == 0 {
			id := projectName(n / 2)
			if _, err := records.CreateProject(ctx, id, ""); err != nil {
				return nil, err
			}
			_, key, err := records.CreateKey(ctx, record.Key{Project: id})
			if err != nil {
				return nil, err
			}
			m.keys = append(m.keys, key.Reveal())
		}
		h := &hook{project: n / 2, kind: kinds[n%2], got: map[string]int{}}
		h.slow, h.dead = spread(n, o.endpoints, o.slow, o.dead)
		var made struct{ ID string }
		body := map[string]any{"url": m.receivers.URL + "/" + strconv.Itoa(n), "kinds": []record.EventKind{h.kind}}
		m.endpoints = append(m.endpoints, h)
		if err := m.ask(ctx, h.project, http.MethodPost, "/v1/webhooks", body, &made, http.StatusCreated); err != nil {
			return nil, err
		}
		h.id = made.ID
	}
	return m, nil
}

func projectName(n int) protocol.ProjectID { return protocol.ProjectID("bench-" + strconv.Itoa(n)) }

// spread says which endpoints are bad: evenly among the others.
func spread(n, of, slow, dead int) (isSlow, isDead bool) {
	bad := slow + dead
	if bad == 0 || n*bad/of == (n+1)*bad/of {
		return false, false
	}
	i := n * bad / of
	isSlow = i*slow/bad != (i+1)*slow/bad
	return isSlow, !isSlow
}

func (m *market) close() {
	m.well.Store(true)
	m.work.Wait()
	m.receivers.CloseClientConnections()
	m.receivers.Close()
}

// ServeHTTP takes deliveries. The path has the number of the endpoint.
func (m *market) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
	body, fault := io.ReadAll(r.Body)
	if err != nil || fault != nil || n < 0 || n >= len(m.endpoints) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h := m.endpoints[n]
	switch {
	case m.well.Load():
	case h.dead:
		<-r.Context().Done()
		return
	case h.slow:
		if pause(r.Context(), slowAnswer) != nil {
			return
		}
	}
	var e struct {
		Type record.EventKind `json:"type"`
		ID   string           `json:"event_id"`
		At   time.Time        `json:"timestamp"`
	}
	if err := json.Unmarshal(body, &e); err != nil || e.ID != r.Header.Get("webhook-id") {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if e.Type != h.kind {
		return // a test
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got[e.ID]++
	h.lags = append(h.lags, float64(time.Since(e.At))/float64(time.Millisecond))
}

// ask makes a request of the API, again and again while the server is away.
func (m *market) ask(ctx context.Context, project int, method, path string, body, into any, wanted ...int) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	for {
		request, err := http.NewRequestWithContext(ctx, method, m.url+path, bytes.NewReader(text))
		if err != nil {
			return err
		}
		request.Header.Set("Authorization", "Bearer "+m.keys[project])
		request.Header.Set("Content-Type", "application/json")
		response, err := m.client.Do(request)
		if err == nil {
			answer, fault := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if fault == nil && response.StatusCode < http.StatusInternalServerError {
				return taken(response.StatusCode, answer, into, wanted, method+" "+path)
			}
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

func taken(status int, answer []byte, into any, wanted []int, what string) error {
	for _, ok := range wanted {
		if status == ok {
			if into == nil || len(answer) == 0 {
				return nil
			}
			return json.Unmarshal(answer, into)
		}
	}
	return fmt.Errorf("%s: %d %s", what, status, answer)
}

// write makes so many pairs of events, in all projects in turn.
func (m *market) write(ctx context.Context, pairs int, rate float64) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	begun := time.Now()
	var next atomic.Int64
	var writers sync.WaitGroup
	for range marketWriters {
		writers.Go(func() {
			for n := next.Add(1) - 1; n < int64(pairs); n = next.Add(1) - 1 {
				due := begun.Add(time.Duration(float64(2*n) / rate * float64(time.Second)))
				err := pause(ctx, max(0, time.Until(due)))
				if err == nil {
					err = m.pair(ctx, int(n)%len(m.keys))
				}
				if err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	writers.Wait()
	return context.Cause(ctx)
}

// pair makes a device of a project and deletes it.
func (m *market) pair(ctx context.Context, project int) error {
	var made struct{ ID string }
	if err := m.ask(ctx, project, http.MethodPost, "/v1/devices", map[string]string{"name": "bench"}, &made, http.StatusCreated); err != nil {
		return err
	}
	m.expect(2 * project)
	if err := m.ask(ctx, project, http.MethodDelete, "/v1/devices/"+made.ID, nil, nil, http.StatusNoContent, http.StatusNotFound); err != nil {
		return err
	}
	m.expect(2*project + 1)
	return nil
}

func (m *market) expect(endpoint int) {
	if endpoint < len(m.endpoints) {
		m.endpoints[endpoint].expected.Add(1)
	}
}
