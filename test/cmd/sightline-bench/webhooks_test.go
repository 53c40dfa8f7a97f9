//go:build linux

package main

import "testing"

func TestNoWebhookIsLostThroughRestarts(t *testing.T) {
	figures := measured(t, []string{
		"lost", "repeated", "events", "restarts", "lag_without_p50_ms", "lag_without_p99_ms", "lag_with_p50_ms", "lag_with_p99_ms", "ratio_p50", "ratio",
	}, "webhooks", "--endpoints", "10", "--slow", "1", "--dead", "1", "--events", "1000", "--rate", "200", "--program", program)
	if figures["lost"] != 0 || figures["events"] < 1000 || figures["restarts"] != restarts || figures["lag_with_p50_ms"] <= 0 {
		t.Errorf("these figures cannot be: %v", figures)
	}
}

func TestBadEndpointsAreSpreadAmongTheOthers(t *testing.T) {
	for _, want := range [][3]int{{100, 10, 10}, {10, 0, 3}, {7, 6, 0}, {5, 0, 0}} {
		slow, dead, bad := 0, 0, 0
		for n := range want[0] {
			s, d := spread(n, want[0], want[1], want[2])
			if s {
				slow++
			}
			if d {
				dead++
			}
			if (s || d) && n >= want[0]/2 {
				bad++
			}
		}
		if slow != want[1] || dead != want[2] || slow+dead > 2 && (bad == 0 || bad == slow+dead) {
			t.Errorf("%v: got %d slow, %d dead, %d of them in the second half", want, slow, dead, bad)
		}
	}
}
