//go:build linux

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

const eventsHelp = `usage: sightline-bench events [flags]

A store, the REST API before it and what sends webhooks, in this process, on a disk or a PostgreSQL server of their own. Ten
projects with ten cameras each: their sessions are opened, go live, and end, by the calls that the hub makes, and in between
cameras come and go: of 21 events one is of a camera, the others of sessions. Each project has two backends that pull its
history over HTTP on loopback (GET /v1/events with after and wait, ten times a second at most), and an endpoint that is sent
what its cameras do (device.online and device.offline). Ten endpoints that were each sent all of 7,000 events a second would
be 70,000 requests a second: no partner wants that, and two cores cannot make it.

written_per_s is the mean over the whole time; the pace is 2 % over --rate, for what the beginning and the end lose. p99_write_ms is what the caller of a write waits until it is committed, be it of
one event, two or none. lost and out_of_order count what a backend or an endpoint was not given, or was given after what came later: of
a project's numbers for backends, of a device's for endpoints. webhook_lag_p99_s is from the event's time to its arrival.

`

// eventsOrder says what is measured.
type eventsOrder struct {
	rate    float64
	seconds int
	store   string
	scratch string
}

// eventsReport is what `events --json` prints.
type eventsReport struct {
	WrittenPerS   float64 `json:"written_per_s"`
	P99WriteMS    float64 `json:"p99_write_ms"`
	Lost          uint64  `json:"lost"`
	OutOfOrder    uint64  `json:"out_of_order"`
	WebhookLagP99 float64 `json:"webhook_lag_p99_s"`
}

// events measures the history of events under the load of writers, readers and webhooks.
func events(ctx context.Context, args []string, out, log io.Writer) error {
	flags := flagsOf("events", eventsHelp, log)
	o := eventsOrder{}
	flags.Float64Var(&o.rate, "rate", 7000, "events a second that are asked for")
	flags.IntVar(&o.seconds, "seconds", 60, "how long they are written")
	flags.StringVar(&o.store, "store", "sqlite", "sqlite, or postgres: a private server that waits for the disk")
	flags.StringVar(&o.scratch, "dir", "", "`directory` for the data, which is removed again (default: the system's temporary one)")
	asJSON := flags.Bool("json", false, "print JSON instead of a table")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.rate < 1 || o.rate > 100_000 || o.seconds < 1 || o.seconds > 3600 {
		return errors.New("--rate is 1 to 100000, --seconds 1 to 3600")
	}
	if o.store != "sqlite" && o.store != "postgres" {
		return errors.New("--store is sqlite or postgres")
	}
	report, err := o.measure(ctx, log)
	if err != nil {
		return because(ctx, err)
	}
	if *asJSON {
		return json.NewEncoder(out).Encode(report)
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "store\tevents/s\twrite p99\tlost\tout of order\twebhook lag p99\n")
	fmt.Fprintf(t, "%s\t%.0f\t%.1f ms\t%d\t%d\t%.3f s\n", o.store, report.WrittenPerS, report.P99WriteMS, report.Lost, report.OutOfOrder, report.WebhookLagP99)
	return t.Flush()
}

// lateness bounds how long readers and endpoints may take for what is left when the last event was written.
const lateness = 2 * time.Minute

func (o eventsOrder) measure(ctx context.Context, log io.Writer) (report eventsReport, err error) {
	s, err := openEventsScene(ctx, o)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	fmt.Fprintf(log, "writing %.0f events/s for %d s\n", o.rate, o.seconds)
	began := time.Now()
	w := newEventWriters(s, 1.02*o.rate)
	if err := w.run(ctx, time.Duration(o.seconds)*time.Second); err != nil {
		return report, err
	}
	took := time.Since(began)
	fmt.Fprintln(log, "waiting for readers and endpoints")
	late, cancel := context.WithTimeout(ctx, lateness)
	defer cancel()
	lost, disordered, err := s.settle(late)
	return eventsReport{
		WrittenPerS: float64(w.events.Load()) / took.Seconds(), P99WriteMS: percentile(w.waits(), 99),
		Lost: lost, OutOfOrder: disordered, WebhookLagP99: s.endpoints.lag(),
	}, cmp.Or(err, ctx.Err())
}
