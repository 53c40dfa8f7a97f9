//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// pullInterval is how often a reader asks at most: it is given as many as have come.
const pullInterval = 100 * time.Millisecond

// eventReader is a backend that follows its project's history by REST.
type eventReader struct {
	url     string
	key     auth.Secret
	project protocol.ProjectID

	last       atomic.Uint64
	gaps       atomic.Uint64
	disordered atomic.Uint64
	// presence counts the events that the project's endpoint has to have as well.
	presence atomic.Uint64
}

// run reads until the context ends.
func (r *eventReader) run(ctx context.Context) error {
	for {
		began := time.Now()
		if err := r.pull(ctx); err != nil && ctx.Err() == nil {
			return fmt.Errorf("read events of %s: %w", r.project, err)
		}
		if !wait(ctx, time.Until(began.Add(pullInterval))) {
			return nil
		}
	}
}

func (r *eventReader) pull(ctx context.Context) error {
	target := fmt.Sprintf("%s/v1/events?after=%d&limit=1000&wait=25", r.url, r.last.Load())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+r.key.Reveal())
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %s", response.Status)
	}
	var page struct {
		Events []struct {
			Seq  uint64           `json:"seq"`
			Kind record.EventKind `json:"kind"`
		} `json:"events"`
	}
	if err := json.NewDecoder(response.Body).Decode(&page); err != nil {
		return err
	}
	for _, e := range page.Events {
		last := r.last.Load()
		switch {
		case e.Seq <= last:
			r.disordered.Add(1)
			continue
		case e.Seq > last+1:
			r.gaps.Add(e.Seq - last - 1)
		}
		r.last.Store(e.Seq)
		if e.Kind == record.EventDeviceOnline || e.Kind == record.EventDeviceOffline {
			r.presence.Add(1)
		}
	}
	return nil
}

// missing waits until the reader has come to a number, and returns how many it has not been given.
func (r *eventReader) missing(ctx context.Context, last uint64) uint64 {
	for r.last.Load() < last && wait(ctx, pullInterval) {
		continue
	}
	return r.gaps.Load() + last - min(last, r.last.Load())
}
