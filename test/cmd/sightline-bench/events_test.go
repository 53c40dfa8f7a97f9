//go:build linux

package main

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
)

func TestEventsArriveWhileTheyAreWritten(t *testing.T) {
	var out strings.Builder
	if err := events(t.Context(), []string{"--rate", "700", "--seconds", "8", "--json"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	var report eventsReport
	if err := json.Unmarshal([]byte(out.String()), &report); err != nil {
		t.Fatal(err)
	}
	if report.WrittenPerS <= 0 || report.P99WriteMS <= 0 || report.Lost != 0 || report.OutOfOrder != 0 {
		t.Errorf("got %+v", report)
	}
}
