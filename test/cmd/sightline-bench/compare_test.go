//go:build linux

package main

import (
	"os"
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/test/natlab"
)

// needLab skips where no network can be built, which CI can.
func needLab(t *testing.T) {
	t.Helper()
	if err := natlab.Usable(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

func TestThreeServersAreComparedInEachNetwork(t *testing.T) {
	needLab(t)
	var out, log strings.Builder
	err := dispatch(t.Context(), []string{
		"compare", "--program", program, "--sessions", "3", "--pps", "600", "--bursts", "5", "--rounds", "1", "--seconds", "0.3",
		"--direction", "down",
	}, &out, &log)
	if err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	for _, row := range []string{
		"| loopback UDP down, bursts of 5 |", "| veth UDP down, bursts of 5 |", "| veth TCP down, bursts of 14 |", "| veth TLS down, bursts of 14 |",
	} {
		if !strings.Contains(out.String(), row) {
			t.Errorf("there is no row %q in\n%s", row, &out)
		}
	}
	if got, want := strings.Count(log.String(), "CPUUSPerPacket"), 2*3+2*2; got != want {
		t.Errorf("measured %d times, want %d:\n%s", got, want, &log)
	}
	if strings.Contains(log.String(), "RelayedPPS:0 ") {
		t.Errorf("a server has relayed nothing:\n%s", &log)
	}
}
