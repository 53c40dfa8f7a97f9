//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sightline-rtc/sightline/test/natlab"
	"github.com/sightline-rtc/sightline/test/turnload"
)

const compareHelp = `usage: sightline-bench compare [flags]

Loads our relay, coturn and a stock pion/turn with the same, one after the other, in rounds, and prints what each costs:
in one network namespace over loopback, and in three joined by veth. The figure is the server's CPU time, user and
system, by packets that arrived; a ratio is the median of the rounds' ratios, since what else a machine does changes from
one minute to the next. The delay is the p99 that the server adds to that of the same packets without one. Needs root,
iproute2, nftables and coturn's turnserver.

`

// compareOrder is what the flags of compare ask for.
type compareOrder struct {
	program  string
	networks []string
	bursts   []int
	sessions int
	pps      int
	size     int
	rounds   int
	length   time.Duration
	streams  bool
	only     string
}

// compare measures our relay beside others.
func compare(ctx context.Context, args []string, out, log io.Writer) error {
	o, err := compareFlags(args, log)
	if err != nil {
		return err
	}
	if err := natlab.Usable(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 30*time.Minute, errors.New("the measurement takes longer than half an hour"))
	defer cancel()
	var rows []*compareRow
	var busy []string
	for _, name := range o.networks {
		average, err := loadAverage()
		if err != nil {
			return err
		}
		busy = append(busy, average)
		measured, err := o.inNetwork(ctx, name, log)
		if err != nil {
			return because(ctx, err)
		}
		rows = append(rows, measured...)
	}
	fmt.Fprintf(out, "%d sessions, %d packets/s of %d bytes, %d rounds of %v; load average %s\n\n",
		o.sessions, o.pps, o.size, o.rounds, o.length, strings.Join(busy, ", then "))
	return printComparison(out, rows)
}

// loadAverage is what the machine has done in the last minute, our own part included.
func loadAverage() (string, error) {
	b, err := os.ReadFile("/proc/loadavg")
	average, _, _ := strings.Cut(string(b), " ")
	return average, err
}

func compareFlags(args []string, log io.Writer) (o compareOrder, err error) {
	flags := flagsOf("compare", compareHelp, log)
	networks := flags.String("networks", "loopback,veth", "where to measure")
	bursts := flags.String("bursts", "1,14,60", "packets that a session sends at a time")
	flags.IntVar(&o.sessions, "sessions", 50, "allocations at a time")
	flags.IntVar(&o.pps, "pps", 20_000, "packets a second, over all sessions")
	flags.IntVar(&o.size, "size", 1200, "bytes of a packet's payload")
	flags.IntVar(&o.rounds, "rounds", 3, "how often each server is measured")
	length := flags.Float64("seconds", 1, "how long each time")
	flags.BoolVar(&o.streams, "streams", true, "measure TCP and TLS as well, in bursts of 14")
	flags.StringVar(&o.only, "direction", "", "down or up; empty for both")
	flags.StringVar(&o.program, "program", "", "`file` of the server's program (default: sightline beside this one)")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.length, o.networks = time.Duration(*length*float64(time.Second)), strings.Split(*networks, ",")
	switch {
	case o.rounds < 1 || o.length <= 0 || o.sessions < 1 || o.sessions > 1000:
		return o, errors.New("--rounds and --seconds are more than 0, --sessions is 1 to 1000")
	case o.only != "" && o.only != "up" && o.only != "down":
		return o, errors.New("--direction is up, down or empty")
	case slices.ContainsFunc(o.networks, func(name string) bool { return name != loopback && name != veth }):
		return o, fmt.Errorf("--networks is a list of %s and %s", loopback, veth)
	}
	o.bursts, err = parseBursts(*bursts)
	return o, err
}

func parseBursts(list string) (bursts []int, err error) {
	for text := range strings.SplitSeq(list, ",") {
		burst, err := strconv.Atoi(text)
		if err != nil || burst < 1 || burst > turnload.MaxBurst {
			return nil, fmt.Errorf("--bursts is a list of numbers from 1 to %d", turnload.MaxBurst)
		}
		bursts = append(bursts, burst)
	}
	return bursts, nil
}

// inNetwork builds a network, starts the servers in it and measures them.
func (o compareOrder) inNetwork(ctx context.Context, name string, log io.Writer) (rows []*compareRow, err error) {
	scratch, err := os.MkdirTemp("", "sightline-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	s, err := buildStage(ctx, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.lab.Close()) }()
	servers, err := o.startRivals(ctx, s, scratch)
	defer func() {
		for _, r := range servers {
			r.stop()
		}
	}()
	if err != nil {
		return nil, err
	}
	for _, row := range o.rows(name) {
		fmt.Fprintf(log, "%s\n", row.name())
		if err := o.fill(ctx, row, s, servers, log); err != nil {
			return nil, fmt.Errorf("%s: %w", row.name(), err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// rows are what is to be measured in a network.
func (o compareOrder) rows(network string) (rows []*compareRow) {
	add := func(transport string, burst int) {
		for _, direction := range []string{"down", "up"} {
			if o.only == "" || o.only == direction {
				rows = append(rows, &compareRow{
					network: network, transport: transport, up: direction == "up", burst: burst, points: map[string][]turnPoint{},
				})
			}
		}
	}
	for _, burst := range o.bursts {
		add(turnload.UDP, burst)
	}
	if o.streams && network == veth {
		add(turnload.TCP, 14)
		add(turnload.TLS, 14)
	}
	return rows
}

// fill measures all servers in turn, round by round; every other round goes the other way about.
func (o compareOrder) fill(ctx context.Context, row *compareRow, s *stage, servers []*rival, log io.Writer) (err error) {
	load := s.load
	load.Transport, load.Burst, load.PPS, load.Size = row.transport, row.burst, o.pps, o.size
	shape := turnShape{o.sessions, row.up, o.length}
	if row.direct, err = measureDirect(ctx, load, turnShape{o.sessions, row.up, min(o.length, time.Second)}); err != nil {
		return err
	}
	order := slices.Clone(servers)
	for range o.rounds {
		for _, r := range order {
			at, ok := r.at[row.transport]
			if !ok {
				continue
			}
			load.Server = at
			point, err := measureTurn(ctx, turnTarget{load, r.pid, r.credentials, threadTime}, shape)
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			row.points[r.name] = append(row.points[r.name], point)
			fmt.Fprintf(log, "  %-8s %+v, delay p50 %v, p99 %v\n", r.name, point.report(), point.load.P50, point.load.P99)
		}
		slices.Reverse(order)
	}
	return nil
}
