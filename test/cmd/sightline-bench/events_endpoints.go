//go:build linux

package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// endpoints are the receivers of the partners' webhooks.
type endpoints struct {
	server     *http.Server
	url        string
	done       chan struct{}
	disordered atomic.Uint64

	mu sync.Mutex // guards what follows
	// seen are the numbers that came, of each project, and last the newest of each device.
	seen map[protocol.ProjectID]map[uint64]bool
	last map[protocol.DeviceID]uint64
	lags []float64
}

func newEndpoints(ctx context.Context) (*endpoints, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e := &endpoints{
		url: "http://" + listener.Addr().String(), done: make(chan struct{}),
		seen: map[protocol.ProjectID]map[uint64]bool{}, last: map[protocol.DeviceID]uint64{},
	}
	e.server = &http.Server{Handler: e, ReadHeaderTimeout: 10 * time.Second}
	var serving sync.WaitGroup
	serving.Go(func() { _ = e.server.Serve(listener); close(e.done) }) // it ends with the listener
	return e, nil
}

// add returns the URL of a project's endpoint.
func (e *endpoints) add(project protocol.ProjectID) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seen[project] = map[uint64]bool{}
	return e.url + "/" + string(project)
}

// ServeHTTP takes an event.
func (e *endpoints) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var event struct {
		Timestamp time.Time         `json:"timestamp"`
		Seq       uint64            `json:"seq"`
		Device    protocol.DeviceID `json:"device"`
	}
	if err := json.NewDecoder(r.Body).Decode(&event); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	e.take(protocol.ProjectID(strings.TrimPrefix(r.URL.Path, "/")), event.Device, event.Seq, time.Since(event.Timestamp))
	w.WriteHeader(http.StatusNoContent)
}

func (e *endpoints) take(project protocol.ProjectID, device protocol.DeviceID, seq uint64, lag time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.seen[project][seq] {
		return // once more, as it may
	}
	e.seen[project][seq] = true
	e.lags = append(e.lags, lag.Seconds())
	if seq < e.last[device] {
		e.disordered.Add(1)
	}
	e.last[device] = max(e.last[device], seq)
}

// missing waits until a project's endpoint has so many events, and returns how many it has not.
func (e *endpoints) missing(ctx context.Context, project protocol.ProjectID, wanted uint64) uint64 {
	for {
		e.mu.Lock()
		got := uint64(len(e.seen[project]))
		e.mu.Unlock()
		if got >= wanted || !wait(ctx, pullInterval) {
			return wanted - min(wanted, got)
		}
	}
}

// lag is what 99 of 100 events did not exceed, in seconds; 0 without any.
func (e *endpoints) lag() float64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.lags) == 0 {
		return 0
	}
	return percentile(e.lags, 99)
}

func (e *endpoints) close() error {
	err := e.server.Close()
	<-e.done
	return err
}
