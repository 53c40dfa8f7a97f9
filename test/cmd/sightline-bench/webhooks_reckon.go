//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sightline-rtc/sightline/internal/store"
	"github.com/sightline-rtc/sightline/record"
)

// switchBad switches the bad endpoints on or off.
func (m *market) switchBad(ctx context.Context, on bool) error {
	for _, h := range m.endpoints {
		if !h.bad() {
			continue
		}
		if err := m.ask(ctx, h.project, http.MethodPatch, "/v1/webhooks/"+h.id, map[string]bool{"enabled": on}, nil, http.StatusOK); err != nil {
			return err
		}
	}
	return nil
}

// begin forgets the lags.
func (m *market) begin() {
	for _, h := range m.endpoints {
		h.mu.Lock()
		h.lags = nil
		h.mu.Unlock()
	}
}

// lags are those of the healthy endpoints since begin.
func (m *market) lags() (all []float64) {
	for _, h := range m.endpoints {
		if !h.bad() {
			h.mu.Lock()
			all = append(all, h.lags...)
			h.mu.Unlock()
		}
	}
	return all
}

// settle waits until the healthy endpoints have all that was made for them.
func (m *market) settle(ctx context.Context) error {
	for deadline := time.Now().Add(settleTime); ; {
		all := true
		for _, h := range m.endpoints {
			all = all && (h.bad() || h.count() >= int(h.expected.Load()))
		}
		switch {
		case all:
			return nil
		case time.Now().After(deadline):
			return errors.New("the healthy endpoints did not get everything")
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

func (h *hook) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.got)
}

// recover makes the bad endpoints well, and tells the server so by a test.
func (m *market) recover(ctx context.Context) error {
	m.well.Store(true)
	for _, h := range m.endpoints {
		if !h.bad() {
			continue
		}
		var result struct{ Error string }
		if err := m.ask(ctx, h.project, http.MethodPost, "/v1/webhooks/"+h.id+"/test", nil, &result, http.StatusOK); err != nil {
			return err
		}
		if result.Error != "" {
			return fmt.Errorf("a test after recovery: %s", result.Error)
		}
	}
	return nil
}

// final reckons once everybody has everything. What is missing after a long while is lost.
func (m *market) final(ctx context.Context, data string) (events, lost, repeated int, err error) {
	for deadline := time.Now().Add(settleTime); ; {
		events, lost, repeated, err = m.reckon(ctx, data)
		if err != nil || lost == 0 || time.Now().After(deadline) {
			return events, lost, repeated, err
		}
		if err := pause(ctx, time.Second); err != nil {
			return events, lost, repeated, err
		}
	}
}

// reckon compares what the endpoints got with the history.
func (m *market) reckon(ctx context.Context, data string) (events, lost, repeated int, err error) {
	records, err := store.Open(ctx, data, store.Config{})
	if err != nil {
		return 0, 0, 0, err
	}
	defer func() { err = errors.Join(err, records.Close()) }()
	for _, h := range m.endpoints {
		filter := record.EventFilter{Kinds: []record.EventKind{h.kind}}
		for {
			list, err := records.Events(ctx, projectName(h.project), filter, store.MaxEventPage)
			if err != nil {
				return events, lost, repeated, err
			}
			if len(list) == 0 {
				break
			}
			filter.After = list[len(list)-1].Seq
			events += len(list)
			h.mu.Lock()
			for _, e := range list {
				switch n := h.got[e.ID]; n {
				case 0:
					lost++
				default:
					repeated += n - 1
				}
			}
			h.mu.Unlock()
		}
	}
	return events, lost, repeated, nil
}
