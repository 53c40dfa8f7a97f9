//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// chaosReport is what `chaos --json` prints.
type chaosReport struct {
	// Cuts are connections that were broken; each broke a link or a request of one.
	Cuts int `json:"cuts"`
	// Sent are messages, Delivered those that the other end knows at the end, Lost those that it does not, or missed
	// although both links had gone on.
	Sent      int `json:"sent"`
	Delivered int `json:"delivered"`
	Lost      int `json:"lost"`
	Repeated  int `json:"repeated"`
	Reordered int `json:"reordered"`
	// Unresumed are welcomes that said honestly that the link starts anew; the state of its sessions was repaired.
	Unresumed int `json:"unresumed"`
}

// chaosOrder is what the flags of chaos ask for.
type chaosOrder struct {
	program        string
	cuts, messages int
	sessions       int
	restarts       int
	seed           uint64
	timeout        time.Duration
	json           bool
}

const chaosHelp = `usage: sightline-bench chaos [flags]

Devices and viewers, each behind a bad network of its own, send numbered candidates to each other in sessions through a
server that is a child process. Both are the link of the Go agent (package device/uplink) on both doors. Their
networks reset, close by halves, stall, delay and repeat connections, let no WebSocket through for a while and go away; links
are asked to change doors; the server is killed and started again. Each session and end sends at most 18 messages a
second, because a hub reads no more than 20: the number of sessions makes the rate.

A message is lost when the other end does not know it in the end, or missed it although both links had gone on. A link that
was not resumed is counted as unresumed: what was on its way then has to come by the repair of the session's state. At the end
each end's state is compared with the other's; a difference is lost.

`

// chaos measures that nothing is lost on bad networks.
func chaos(ctx context.Context, args []string, out, log io.Writer) error {
	var o chaosOrder
	flags := flagsOf("chaos", chaosHelp, log)
	flags.IntVar(&o.cuts, "cuts", 1000, "connections to break")
	flags.IntVar(&o.messages, "messages", 20_000, "messages to send")
	flags.IntVar(&o.sessions, "sessions", 48, "sessions at a time, two on each device")
	flags.IntVar(&o.restarts, "restarts", 2, "how often the server is killed")
	flags.Uint64Var(&o.seed, "seed", 1, "of the choice of faults")
	flags.StringVar(&o.program, "program", "", "`file` of the server's program (default: sightline beside this one)")
	flags.DurationVar(&o.timeout, "timeout", 20*time.Minute, "give up after this time")
	flags.BoolVar(&o.json, "json", false, "print JSON instead of a table")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.cuts < 0 || o.messages < 1 || o.sessions < 2 || o.sessions > 500 || o.restarts < 0 {
		return errors.New("--messages is at least 1, --sessions 2 to 500, --cuts and --restarts not negative")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout, errors.New("the measurement takes longer than --timeout"))
	defer cancel()
	report, err := o.measure(ctx, log)
	if err != nil {
		return because(ctx, err)
	}
	if err := o.print(out, report); err != nil {
		return err
	}
	if report.Lost+report.Repeated+report.Reordered > 0 {
		return errors.New("messages were lost, repeated or reordered")
	}
	return nil
}

func (o chaosOrder) print(out io.Writer, r chaosReport) error {
	if o.json {
		return json.NewEncoder(out).Encode(r)
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "cuts\tsent\tdelivered\tlost\trepeated\treordered\tunresumed links\n")
	fmt.Fprintf(t, "%d\t%d\t%d\t%d\t%d\t%d\t%d\n", r.Cuts, r.Sent, r.Delivered, r.Lost, r.Repeated, r.Reordered, r.Unresumed)
	return t.Flush()
}

// measure runs the networks and the clients on them until enough was broken and sent, then lets all come to rest.
func (o chaosOrder) measure(ctx context.Context, log io.Writer) (report chaosReport, err error) {
	s, err := startServer(ctx, o.program, chaosFlags...)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	storm, err := gatherStorm(ctx, s, o)
	if err != nil {
		return report, err
	}
	ctx, calm := context.WithCancel(ctx)
	defer func() { err = errors.Join(err, storm.close()) }()
	defer calm()
	storm.begin(ctx)
	if err := storm.open(ctx); err != nil {
		return report, err
	}
	start := time.Now()
	if err := storm.rage(ctx, s); err != nil {
		return report, err
	}
	fmt.Fprintf(log, "the storm took %v\n", time.Since(start).Round(time.Second))
	if err := storm.rest(ctx, log); err != nil {
		return report, err
	}
	return storm.report(), nil
}

// chaosFlags let all links of one machine come back at once.
var chaosFlags = []string{"--accept-rate", "5000"}
