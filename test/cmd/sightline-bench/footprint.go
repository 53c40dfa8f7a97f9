//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// footprint is what a server holds, in bytes.
type footprint struct {
	// live is the heap in reachable objects, measured after a collection, and the stacks in use.
	live     float64
	resident float64
}

const (
	// collections must be complete before the heap is what is alive: the first one may have begun too early, the
	// second frees what has finalizers or sits in a pool, the third what a pool kept one round longer.
	collections = 3
	// settleLimit bounds the wait for them. The runtime collects every two minutes at the latest.
	settleLimit = 3 * time.Minute
)

// settled asks the server again and again, which makes it collect its garbage, until that was done often enough. What
// is alive is then the least that a reading shows: one taken right after a collection.
func (s *server) settled(ctx context.Context) (footprint, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, settleLimit, errors.New("the server collects no garbage"))
	defer cancel()
	first, err := s.figures(ctx)
	if err != nil {
		return footprint{}, err
	}
	least := footprint{}
	for {
		now, err := s.figures(ctx)
		if err != nil {
			return footprint{}, because(ctx, err)
		}
		done := now["go_gc_duration_seconds_count"] - first["go_gc_duration_seconds_count"]
		live := now["go_memstats_heap_alloc_bytes"] + now["go_memstats_stack_inuse_bytes"]
		if done >= collections-1 && (least.live == 0 || live < least.live) {
			least = footprint{live: live, resident: now["process_resident_memory_bytes"]}
		}
		if done > collections {
			return least, nil
		}
	}
}

// figures reads the server's metrics that have no labels.
func (s *server) figures(ctx context.Context) (map[string]float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Metrics, http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", s.Metrics, response.Status)
	}
	figures := map[string]float64{}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if number, err := strconv.ParseFloat(value, 64); err == nil {
			figures[name] = number
		}
	}
	return figures, lines.Err()
}
