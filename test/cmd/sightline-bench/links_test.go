//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// program is the server that TestMain has built.
var program string

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == pionCommand || os.Args[1] == crowdCommand) { // they start their own program
		main()
		return
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sightline-bench-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program = filepath.Join(dir, "sightline")
	build := exec.Command("go", "build", "-o", program, "github.com/sightline-rtc/sightline/cmd/sightline")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the server: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// measured runs a measurement and returns its figures, which must have exactly these names.
func measured(t *testing.T, names []string, command ...string) map[string]float64 {
	t.Helper()
	var out, log strings.Builder
	if err := dispatch(t.Context(), append(command, "--json"), &out, &log); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, &log)
	}
	var figures map[string]float64
	if err := json.Unmarshal([]byte(out.String()), &figures); err != nil {
		t.Fatalf("%s is not a set of figures: %v", out.String(), err)
	}
	slices.Sort(names)
	if got := slices.Sorted(maps.Keys(figures)); !slices.Equal(got, names) {
		t.Errorf("got the figures %v, want %v", got, names)
	}
	return figures
}

func TestIdleLinksAreMeasured(t *testing.T) {
	for name, flags := range map[string][]string{
		"devices":           {"--program", program, "--devices"},
		"viewers":           {"--program", program, "--viewers", "--rate", "500"},
		"devices in memory": {"--memory", "--devices"},
		"viewers in memory": {"--memory", "--viewers"},
	} {
		t.Run(name, func(t *testing.T) {
			figures := measured(t, []string{"links", "bytes_per_link", "rss_mb", "connects_per_s", "errors"},
				append([]string{"links", "--count", "400"}, flags...)...) // of fewer the noise of the heap hides the growth
			if figures["links"] != 400 || figures["errors"] != 0 {
				t.Errorf("got %v, want 400 links without errors", figures)
			}
			if figures["bytes_per_link"] <= 1000 || figures["rss_mb"] <= 1 || figures["connects_per_s"] <= 0 {
				t.Errorf("these figures cannot be: %v", figures)
			}
		})
	}
}

// TestAnIdleLinkFitsItsBudget measures a server without the race detector, over real sockets. What the hub allocates
// besides, once, is spread over too few links to hide much.
func TestAnIdleLinkFitsItsBudget(t *testing.T) {
	for _, role := range []string{"--devices", "--viewers"} {
		var out, log strings.Builder
		if err := dispatch(t.Context(), []string{"links", "--json", "--count", "1000", role, "--program", program}, &out, &log); err != nil {
			t.Fatalf("%v\n%s", err, &log)
		}
		var report linksReport
		if err := json.Unmarshal([]byte(out.String()), &report); err != nil {
			t.Fatal(err)
		}
		if report.BytesPerLink > goalBytes || report.Errors != 0 {
			t.Errorf("%s: got %.0f bytes a link and %d errors, want at most %d and none", role, report.BytesPerLink, report.Errors, goalBytes)
		}
	}
}

func TestSessionsThroughTheHubAreMeasured(t *testing.T) {
	figures := measured(t, []string{"sessions_per_s", "open_to_answer_p50_ms", "p99_ms", "cpu_us_per_message"},
		"relay", "--pairs", "10", "--messages", "5", "--program", program)
	if figures["sessions_per_s"] <= 0 || figures["open_to_answer_p50_ms"] <= 0 || figures["p99_ms"] < figures["open_to_answer_p50_ms"] {
		t.Errorf("these figures cannot be: %v", figures)
	}
}

func TestLoadThatCannotOrMustNotBeIsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		want    string
		command []string
	}{
		"more links than files":       {"do not fit", []string{"links", "--count", "1000000", "--program", program}},
		"another machine":             {"127.0.0.1 only", []string{"links", "--url", "http://192.0.2.1:8080", "--data", t.TempDir()}},
		"two roles":                   {"exclude", []string{"links", "--devices", "--viewers"}},
		"a server without its data":   {"--data", []string{"links", "--url", "http://127.0.0.1:1"}},
		"too few links for a pair":    {"--links", []string{"drain", "--links", "3"}},
		"no rate":                     {"--rate", []string{"drain", "--rate", "0"}},
		"no pairs":                    {"--pairs", []string{"relay", "--pairs", "0"}},
		"a program that is not there": {"start server", []string{"relay", "--program", filepath.Join(t.TempDir(), "none")}},
	} {
		t.Run(name, func(t *testing.T) {
			err := dispatch(t.Context(), tt.command, io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestARefusedLinkIsAnErrorInMemoryToo(t *testing.T) {
	greeted := make(chan error, 1)
	w := newWire([]byte("hello"), greeted)
	for _, said := range []string{"HTTP/1.1 101 Switching Protocols\r\n\r\n", "\x81\x02{}", "\x88\x00"} {
		if _, err := w.Write([]byte(said)); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-greeted; err == nil {
		t.Error("a link without welcome counts as open")
	}
	if n, err := w.Read(make([]byte, 1)); err == nil {
		t.Errorf("got %d bytes after the close, want its end", n)
	}
}
