//go:build linux

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"text/tabwriter"
	"time"
)

// webhooksReport is what `webhooks --json` prints.
type webhooksReport struct {
	// Lost are events that an endpoint never got, Repeated those that came more than once.
	Lost     int `json:"lost"`
	Repeated int `json:"repeated"`
	Events   int `json:"events"`
	Restarts int `json:"restarts"`
	// The lags are those of the healthy endpoints, from an event's time to its arrival.
	WithoutP50MS float64 `json:"lag_without_p50_ms"`
	WithoutP99MS float64 `json:"lag_without_p99_ms"`
	WithP50MS    float64 `json:"lag_with_p50_ms"`
	WithP99MS    float64 `json:"lag_with_p99_ms"`
	RatioP50     float64 `json:"ratio_p50"`
	// Ratio is that of the 99th percentiles.
	Ratio float64 `json:"ratio"`
}

const webhooksHelp = `usage: sightline-bench webhooks [flags]

Makes events by the server's API, as fast as --rate says: cameras are enrolled and deleted. Each two endpoints share a
project; the first wants the enrolments, the second the deletions, so that every event goes to one endpoint. Of the
endpoints some are slow (they take 2 s to answer) and some dead (they take the request and never answer); they share
projects with healthy ones.

A fifth of the events comes while the bad endpoints are switched off, a fifth while they are on, then the same again:
the lag of the healthy ones is compared. During the last fifth, with the bad ones on, the server is killed (SIGKILL) and
started again three times. Then the bad ones get well, and everything must have arrived everywhere: lost counts the
events of the history that an endpoint wanted and never got.

`

// webhooksOrder is what the flags of webhooks ask for.
type webhooksOrder struct {
	program                       string
	endpoints, slow, dead, events int
	rate                          float64
	timeout                       time.Duration
	json                          bool
}

// restarts is how often the server is killed.
const restarts = 3

// webhooks measures deliveries to many endpoints of which some are bad.
func webhooks(ctx context.Context, args []string, out, log io.Writer) error {
	var o webhooksOrder
	flags := flagsOf("webhooks", webhooksHelp, log)
	flags.IntVar(&o.endpoints, "endpoints", 100, "endpoints in all")
	flags.IntVar(&o.slow, "slow", 10, "slow ones among them")
	flags.IntVar(&o.dead, "dead", 10, "dead ones among them")
	flags.IntVar(&o.events, "events", 100_000, "events to make")
	flags.Float64Var(&o.rate, "rate", 500, "events a second")
	flags.StringVar(&o.program, "program", "", "`file` of the server's program (default: sightline beside this one)")
	flags.DurationVar(&o.timeout, "timeout", 30*time.Minute, "give up after this time")
	flags.BoolVar(&o.json, "json", false, "print JSON instead of a table")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.endpoints < 2 || o.endpoints > 1000 || o.slow < 0 || o.dead < 0 || o.slow+o.dead >= o.endpoints {
		return errors.New("--endpoints is 2 to 1000, more than --slow and --dead together")
	}
	if o.events < 10*o.endpoints || o.events > 10_000_000 || o.rate < 1 {
		return errors.New("--events is at least 10 for each endpoint, 10 million at most, --rate at least 1")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout, errors.New("the measurement takes longer than --timeout"))
	defer cancel()
	report, err := o.measure(ctx, log)
	if err != nil {
		return because(ctx, err)
	}
	if o.json {
		return json.NewEncoder(out).Encode(report)
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "healthy endpoints\tlag p50\tp99\n")
	fmt.Fprintf(t, "without the bad ones\t%.1f ms\t%.1f ms\n", report.WithoutP50MS, report.WithoutP99MS)
	fmt.Fprintf(t, "with %d slow, %d dead\t%.1f ms\t%.1f ms\n", o.slow, o.dead, report.WithP50MS, report.WithP99MS)
	fmt.Fprintf(t, "ratio\t%.2f\t%.2f\n", report.RatioP50, report.Ratio)
	fmt.Fprintf(t, "\n%d events, %d restarts\tlost %d\trepeated %d\n", report.Events, report.Restarts, report.Lost, report.Repeated)
	return t.Flush()
}

func (o webhooksOrder) measure(ctx context.Context, log io.Writer) (report webhooksReport, err error) {
	flags := []string{"--webhook-loopback", "--api-key-rate", "100000", "--api-project-rate", "100000"}
	s, err := startServer(ctx, o.program, flags...)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	m, err := o.open(ctx, s)
	if err != nil {
		return report, err
	}
	defer m.close()
	lags := map[bool][]float64{}
	for block := range 4 {
		with := block%2 == 1
		if err := m.switchBad(ctx, with); err != nil {
			return report, err
		}
		m.begin()
		if err := m.write(ctx, o.events/5/2, o.rate); err != nil {
			return report, err
		}
		if err := m.settle(ctx); err != nil {
			return report, err
		}
		lags[with] = append(lags[with], m.lags()...)
		fmt.Fprintf(log, "%d of 5 parts: bad endpoints %v\n", block+1, with)
	}
	if err := m.writeThroughRestarts(ctx, o, s, flags, log); err != nil {
		return report, err
	}
	fmt.Fprintln(log, "the bad endpoints get well")
	if err := m.recover(ctx); err != nil {
		return report, err
	}
	report.Events, report.Lost, report.Repeated, err = m.final(ctx, s.Data)
	report.Restarts = restarts
	report.WithoutP50MS, report.WithoutP99MS = tenths(percentile(lags[false], 50)), tenths(percentile(lags[false], 99))
	report.WithP50MS, report.WithP99MS = tenths(percentile(lags[true], 50)), tenths(percentile(lags[true], 99))
	report.RatioP50 = math.Round(100*report.WithP50MS/cmp.Or(report.WithoutP50MS, 0.1)) / 100
	report.Ratio = math.Round(100*report.WithP99MS/cmp.Or(report.WithoutP99MS, 0.1)) / 100
	return report, err
}

func tenths(v float64) float64 { return math.Round(v*10) / 10 }

// writeThroughRestarts writes the last part while the server is killed and started again.
func (m *market) writeThroughRestarts(ctx context.Context, o webhooksOrder, s *server, flags []string, log io.Writer) error {
	m.begin()
	done := make(chan error, 1)
	m.work.Go(func() { done <- m.write(ctx, o.events/5/2, o.rate) })
	every := time.Duration(float64(o.events) / 5 / o.rate / (restarts + 1) * float64(time.Second))
	for n := range restarts {
		if err := pause(ctx, every); err != nil {
			return err
		}
		s.process.Kill()
		if err := s.again(ctx, flags...); err != nil {
			return err
		}
		fmt.Fprintf(log, "killed and started again: %d of %d\n", n+1, restarts)
	}
	return <-done
}
