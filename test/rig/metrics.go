//go:build linux

package rig

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Metrics returns the server's metrics whose names, labels included, begin with prefix. They listen on a fixed port: it is
// free on a host of one's own.
func (h *Hub) Metrics(ctx context.Context, prefix string) (map[string]float64, error) {
	client := &http.Client{
		Transport: &http.Transport{DialContext: h.rig.Server.Dial, DisableKeepAlives: true}, Timeout: 10 * time.Second,
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:9464/metrics", http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	values := map[string]float64{}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		if values[name], err = strconv.ParseFloat(value, 64); err != nil {
			return nil, fmt.Errorf("read the metric %s: %w", name, err)
		}
	}
	return values, lines.Err()
}

// Allocations returns how many allocations the relay has now.
func (h *Hub) Allocations(ctx context.Context) (n int, err error) {
	live, err := h.Metrics(ctx, "sightline_turn_allocations{")
	for _, value := range live {
		n += int(value)
	}
	return n, err
}
