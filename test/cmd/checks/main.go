// Command checks runs everything that must hold before a change lands, one step after the other, and ends with one
// line: how many checks passed and how many failed. `make test` runs it; arguments choose steps by name.
//
// Where the environment says CI, a skipped test counts as failed: there, nothing may be left out.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// endToEnd is the package whose tests run the whole product: last, alone, and without the race detector.
const endToEnd = "./test/e2e"

// database is the package whose tests are SQLite's work, which is written in Go too: under the race detector they take eight
// times as long. There run only those that have crowded in their names, of many goroutines.
const (
	database = "./internal/store"
	crowded  = "Batch|Waits|Panics|Follow|Parallel|Processes|AtOnce|LostConnections"
)

// crossBuilt are the agents that are built each time: those of Linux, of which some run in the end-to-end tests. The others
// would take another minute on two cores.
const crossBuilt = "linux-amd64 linux-arm64 linux-armv7 linux-armv6 linux-mipsle linux-riscv64"

// step is one thing to run. Its function writes what a person should see and returns what it counted.
type step struct {
	name string
	run  func(context.Context, io.Writer) (tally, error)
}

var steps = []step{
	{"vet", func(ctx context.Context, out io.Writer) (tally, error) { return plain(ctx, out, "go", "vet", "./...") }},
	{"vet-32-bit", func(ctx context.Context, out io.Writer) (tally, error) { // cameras with ARMv7 or MIPS
		return plain(ctx, out, "env", "GOARCH=386", "CGO_ENABLED=0", "go", "vet", "./device/...", "./cmd/sightline-agent")
	}},
	{"lint", func(ctx context.Context, out io.Writer) (tally, error) {
		return plain(ctx, out, "make", "--no-print-directory", "lint")
	}},
	{"unit", unit},
	{"web", vitest},
	{"agents", func(ctx context.Context, out io.Writer) (tally, error) {
		return plain(ctx, out, "make", "--no-print-directory", "agents", "AGENTS="+crossBuilt)
	}},
	{"e2e", func(ctx context.Context, out io.Writer) (tally, error) {
		return goTest(ctx, out, "-count=1", "-timeout=60m", endToEnd)
	}},
}

// tally counts checks. A step without tests of its own counts as one check.
type tally struct{ passed, failed, skipped int }

func (t tally) plus(o tally) tally {
	return tally{t.passed + o.passed, t.failed + o.failed, t.skipped + o.skipped}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ok := run(ctx, os.Stdout, os.Args[1:], os.Getenv("CI") != "")
	stop()
	if !ok {
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, names []string, strict bool) bool {
	var total tally
	for _, s := range steps {
		if len(names) > 0 && !slices.Contains(names, s.name) {
			continue
		}
		fmt.Fprintf(out, "== %s\n", s.name)
		began := time.Now()
		t, err := s.run(ctx, out)
		if err != nil && t.failed == 0 {
			t.failed = 1 // it broke before or after its tests
			fmt.Fprintf(out, "%s: %v\n", s.name, err)
		}
		fmt.Fprintf(out, "== %s: %d passed, %d failed, %d skipped in %.0f s\n", s.name, t.passed, t.failed, t.skipped, time.Since(began).Seconds())
		total = total.plus(t)
	}
	return verdict(out, total, strict)
}

func verdict(out io.Writer, total tally, strict bool) bool {
	if strict && total.skipped > 0 {
		fmt.Fprintf(out, "%d skipped tests count as failed: nothing may be left out in CI\n", total.skipped)
		total.failed += total.skipped
	}
	fmt.Fprintf(out, "%d passed, %d failed\n", total.passed, total.failed)
	return total.failed == 0 && total.passed > 0
}

// plain runs a command whose exit status is the whole answer.
func plain(ctx context.Context, out io.Writer, name string, args ...string) (tally, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		return tally{failed: 1}, err
	}
	return tally{passed: 1}, nil
}

// unit runs all Go tests but the end-to-end ones, with the race detector.
func unit(ctx context.Context, out io.Writer) (tally, error) {
	list, err := exec.CommandContext(ctx, "go", "list", "./...").Output()
	if err != nil {
		return tally{}, fmt.Errorf("list the packages: %w", err)
	}
	packages := slices.DeleteFunc(strings.Fields(string(list)), func(p string) bool {
		return strings.HasSuffix(p, strings.TrimPrefix(endToEnd, ".")) || strings.HasSuffix(p, strings.TrimPrefix(database, "."))
	})
	var total tally
	for _, args := range [][]string{
		append([]string{"-race", "-timeout=15m"}, packages...), {database}, {"-race", "-run=" + crowded, database},
	} {
		t, failure := goTest(ctx, out, args...)
		total, err = total.plus(t), errors.Join(err, failure)
	}
	return total, err
}
