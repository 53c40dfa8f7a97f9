//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"sync"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sightline-rtc/sightline/protocol"
)

// relayReport is what `relay --json` prints.
type relayReport struct {
	SessionsPerS float64 `json:"sessions_per_s"`
	// OpenToAnswerP50MS and P99MS are from the viewer's open to the arrival of the answer at the viewer.
	OpenToAnswerP50MS float64 `json:"open_to_answer_p50_ms"`
	P99MS             float64 `json:"p99_ms"`
	// CPUUSPerMessage is the server's time on the CPU, user and system, per message that it took in.
	CPUUSPerMessage float64 `json:"cpu_us_per_message"`
}

const relayHelp = `usage: sightline-bench relay [flags]

Pairs of a device and a viewer open sessions one after the other against a child process: open with an offer, answer,
20 candidates each way, close. cpu_us_per_message is the server's user and system time by the 44 messages a session
that it takes in. A viewer keeps to the protocol's limit of 20 opens at once and 2 a second after that: with more than
20 sessions a pair, sessions_per_s is bounded by twice the pairs.

`

// relay measures the hub as what it is between the ends of a session: a relay of messages.
func relay(ctx context.Context, args []string, out, log io.Writer) error {
	flags := flagsOf("relay", relayHelp, log)
	pairs := flags.Int("pairs", 50, "pairs of a device and a viewer")
	sessions := flags.Int("messages", 20, "sessions that each pair opens, with all their messages")
	program := flags.String("program", "", "`file` of the server's program (default: sightline beside this one)")
	timeout := flags.Duration("timeout", 10*time.Minute, "give up after this time")
	asJSON := flags.Bool("json", false, "print JSON instead of a table")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *pairs < 1 || *pairs > 5000 || *sessions < 1 || *sessions > 10_000 {
		return errors.New("--pairs is 1 to 5000, --messages 1 to 10000")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, *timeout, errors.New("the measurement takes longer than --timeout"))
	defer cancel()
	report, err := measureRelay(ctx, *program, *pairs, *sessions)
	if err != nil {
		return because(ctx, err)
	}
	if *asJSON {
		return json.NewEncoder(out).Encode(report)
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "pairs\tsessions\tsessions/s\topen to answer p50\tp99\tCPU a message\n")
	fmt.Fprintf(t, "%d\t%d\t%.0f\t%.1f ms\t%.1f ms\t%.0f µs\n", *pairs, *pairs**sessions,
		report.SessionsPerS, report.OpenToAnswerP50MS, report.P99MS, report.CPUUSPerMessage)
	return t.Flush()
}

func measureRelay(ctx context.Context, program string, pairs, sessions int) (report relayReport, err error) {
	if err := checkFiles(2 * pairs); err != nil {
		return report, err
	}
	s, err := startServer(ctx, program)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	list, err := openPairs(ctx, s, pairs)
	ctx, hangUp := context.WithCancelCause(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer hangUp(nil)
	for _, p := range list {
		work.Go(func() { hangUp(p.serve(ctx)) }) // the first link that ends is the end of the measurement
	}
	if err != nil {
		return report, err
	}
	cpu, err := cpuTime(s.pid())
	if err != nil {
		return report, err
	}
	start := time.Now()
	waits, err := runPairs(ctx, list, sessions)
	if err != nil {
		return report, because(ctx, err)
	}
	took := time.Since(start)
	used, err := cpuTime(s.pid())
	total := float64(pairs * sessions)
	return relayReport{
		SessionsPerS:      math.Round(total / took.Seconds()),
		OpenToAnswerP50MS: percentile(waits, 50), P99MS: percentile(waits, 99),
		CPUUSPerMessage: math.Round(float64((used - cpu).Microseconds()) / (total * messagesPerSession)),
	}, err
}

// openPairs returns those that it has opened, also when it fails.
func openPairs(ctx context.Context, s *server, count int) (list []*pair, err error) {
	r, err := s.enrol(ctx, count)
	if err != nil {
		return nil, err
	}
	for n := range count {
		device, err := dial(ctx, s.URL, sourceOf(n), func() ([]byte, error) { return r.hello(protocol.RoleDevice, n, s.URL) })
		if err != nil {
			return list, err
		}
		viewer, err := dial(ctx, s.URL, sourceOf(n), func() ([]byte, error) { return r.helloTo(n) })
		if err != nil {
			device.close()
			return list, err
		}
		list = append(list, newPair(viewer, device, r.devices[n].id))
	}
	return list, nil
}

// runPairs runs all pairs side by side and returns the milliseconds from open to answer of every session.
func runPairs(ctx context.Context, list []*pair, sessions int) ([]float64, error) {
	group, ctx := errgroup.WithContext(ctx)
	var mu sync.Mutex // guards waits
	var waits []float64
	for _, p := range list {
		group.Go(func() error {
			for range sessions {
				wait, err := p.session(ctx)
				if err != nil {
					return err
				}
				mu.Lock()
				waits = append(waits, math.Round(wait.Seconds()*1e5)/100)
				mu.Unlock()
			}
			return nil
		})
	}
	return waits, group.Wait()
}

// clockTick is the unit of times in /proc: 1/100 s for every program on Linux (USER_HZ).
const clockTick = 10 * time.Millisecond

// cpuTime is the user and system time of a process: fields 14 and 15 of its stat (proc_pid_stat(5)).
func cpuTime(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:]) // the name before it may have spaces
	if len(fields) < 13 {
		return 0, fmt.Errorf("stat of process %d is too short", pid)
	}
	var user, system int64
	_, err = fmt.Sscan(string(fields[11])+" "+string(fields[12]), &user, &system)
	return time.Duration(user+system) * clockTick, err
}
