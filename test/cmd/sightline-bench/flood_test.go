//go:build linux

package main

import (
	"encoding/json"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestEachKindOfFloodIsSentAndMeasured(t *testing.T) {
	at := stockPion(t)
	for _, kind := range floodKinds {
		var out strings.Builder
		args := []string{"flood", "--server", at, "--pid", strconv.Itoa(os.Getpid()), "--kind", kind, "--pps", "200", "--length", "200ms"}
		if err := dispatch(t.Context(), args, &out, io.Discard); err != nil {
			t.Fatal(err)
		}
		var got floodReport
		if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
			t.Fatalf("%q: %v", out.String(), err)
		}
		answered := kind == "binding" || kind == "bare" || kind == "forged"
		if got.Kind != kind || got.SentPPS == 0 || answered != (got.OutBytes > 0) {
			t.Errorf("got %+v", got)
		}
	}
	if err := dispatch(t.Context(), []string{"flood"}, io.Discard, io.Discard); err == nil {
		t.Error("a flood against nobody is taken")
	}
}
