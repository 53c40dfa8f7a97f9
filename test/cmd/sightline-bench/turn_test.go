//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/test/turnload"
)

// stockPion runs the rival of compare in this process and returns where it listens.
func stockPion(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, out := io.Pipe()
	var work sync.WaitGroup
	work.Go(func() {
		err := dispatch(ctx, []string{pionCommand, "127.0.0.1:0"}, out, io.Discard)
		if err != nil {
			t.Error(err)
		}
		_ = out.CloseWithError(err)
	})
	t.Cleanup(func() {
		cancel()
		work.Wait()
	})
	line, err := bufio.NewReader(ready).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var at string
	if _, err := fmt.Sscanf(line, `{"turn":%q}`, &at); err != nil {
		t.Fatal(err)
	}
	return at
}

func credentialsFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestAnyTURNServerIsMeasured(t *testing.T) {
	at, file := stockPion(t), credentialsFile(t, "bench bench\n")
	for _, transport := range []string{turnload.UDP, turnload.TCP} {
		for _, direction := range []string{"down", "up"} {
			figures := measured(t, []string{"offered_pps", "relayed_pps", "loss_pct", "cpu_us_per_packet", "rss_mb"},
				"turn", "--server", at, "--credentials", file, "--pid", fmt.Sprint(os.Getpid()), "--sessions", "4", "--pps", "1000",
				"--burst", "10", "--seconds", "0.5", "--direction", direction, "--transport", transport)
			if figures["relayed_pps"] <= 0 || figures["relayed_pps"] > figures["offered_pps"] || figures["offered_pps"] > 1100 ||
				figures["cpu_us_per_packet"] <= 0 || figures["rss_mb"] <= 1 {
				t.Errorf("%s %s: these figures cannot be: %v", transport, direction, figures)
			}
		}
	}
}

func TestDelaysAreToldBesideTheFigures(t *testing.T) {
	at, file := stockPion(t), credentialsFile(t, `{"username":"bench","password":"bench","realm":"bench"}`)
	var out, log strings.Builder
	err := dispatch(t.Context(), []string{
		"turn", "--server", at, "--credentials", file, "--pid", fmt.Sprint(os.Getpid()),
		"--sessions", "2", "--pps", "500", "--seconds", "0.2",
	}, &out, &log)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), `{"offered_pps":`) || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("got %q, want the figures alone", &out)
	}
	if !strings.Contains(log.String(), "p99") || !strings.Contains(log.String(), "direct") {
		t.Errorf("got %q, want delays", &log)
	}
}

func TestWrongOrdersAreRefused(t *testing.T) {
	file := credentialsFile(t, "user password\n")
	full := []string{"turn", "--server", "127.0.0.1:9", "--credentials", file, "--pid", "1"}
	for name, args := range map[string][]string{
		"nothing":          {"turn"},
		"no such file":     {"turn", "--server", "127.0.0.1:9", "--pid", "1", "--credentials", file + "x"},
		"no credentials":   {"turn", "--server", "127.0.0.1:9", "--pid", "1", "--credentials", credentialsFile(t, "\n")},
		"half a line":      {"turn", "--server", "127.0.0.1:9", "--pid", "1", "--credentials", credentialsFile(t, "user")},
		"a way sideways":   append(full, "--direction", "left"),
		"no time":          append(full, "--seconds", "0"),
		"no sessions":      append(full, "--sessions", "0"),
		"a long burst":     append(full, "--burst", "65"),
		"a huge packet":    append(full, "--size", "1401"),
		"no port":          {"turn", "--server", "127.0.0.1", "--credentials", file, "--pid", "1"},
		"bursts of none":   {"compare", "--bursts", "1,0"},
		"no such network":  {"compare", "--networks", "wifi"},
		"no rounds":        {"compare", "--rounds", "0"},
		"compare sideways": {"compare", "--direction", "left"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := dispatch(t.Context(), args, io.Discard, io.Discard); err == nil {
				t.Error("got no error")
			}
		})
	}
}

func TestTheComparisonIsATableOfMediansAndRatios(t *testing.T) {
	point := func(cpu, p99 time.Duration, relayed uint64) turnPoint {
		return turnPoint{load: turnload.Result{Offered: 1000, Relayed: relayed, Took: time.Second, P99: p99}, cpu: cpu}
	}
	ms := time.Millisecond
	row := &compareRow{network: veth, transport: turnload.UDP, burst: 14, direct: turnload.Result{P99: ms}, points: map[string][]turnPoint{
		// The second round was on a machine of half the speed.
		ours:   {point(4*ms, 3*ms, 1000), point(8*ms, 4*ms, 990), point(3*ms, ms/2, 1000)},
		coturn: {point(5*ms, 2*ms, 1000), point(10*ms, 2*ms, 1000), point(5*ms, 2*ms, 1000)},
	}}
	var out strings.Builder
	if err := printComparison(&out, []*compareRow{row}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	want := "| veth UDP down, bursts of 14 | 4.0 | 5.0 | – | 0.00 % | 0.00 % | – | 2.00 ms | 1.00 ms | – | 0.80 | – |"
	if len(lines) != 3 || lines[2] != want {
		t.Errorf("got\n%s\nwant the last line\n%s", &out, want)
	}
	if strings.Count(lines[0], "|") != strings.Count(lines[2], "|") || strings.Count(lines[1], "|") != strings.Count(lines[2], "|") {
		t.Errorf("the lines differ in length:\n%s", &out)
	}
}
