//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	// restAfter is how long a program has after its viewers have left, warmUp how long it has with them before what counts.
	restAfter = 2 * time.Second
	warmUp    = time.Second
	// calm is how long a program runs before its idle memory is read.
	calm = 3 * time.Second
)

// agentPoint is one measurement of a program with some viewers.
type agentPoint struct {
	viewers int
	cpu     time.Duration
	took    time.Duration
	totals  totals // what the viewers got meanwhile
	rss     float64
}

// measure runs the rounds: with each number of viewers the agent and then the peer.
func (o agentOrder) measure(ctx context.Context, log io.Writer) (report agentReport, err error) {
	s, err := o.open(ctx, log)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := pause(ctx, calm); err != nil {
		return report, err
	}
	for _, p := range s.programs() {
		if p.idle, err = residentMemory(p.pid); err != nil {
			return report, err
		}
	}
	points := map[*watched][][]agentPoint{} // by number of viewers, then round
	for round := range o.rounds {
		for i, n := range o.viewers {
			for _, p := range s.programs() {
				point, err := p.measure(ctx, n, o.length, log)
				if err != nil {
					return report, fmt.Errorf("%s with %d viewers: %w", p.name, n, err)
				}
				if round == 0 {
					points[p] = append(points[p], nil)
				}
				points[p][i] = append(points[p][i], point)
				fmt.Fprintf(log, "round %d: %s, %d viewers: %.1f µs a packet\n", round+1, p.name, n, point.perPacket())
			}
		}
	}
	report = agentReport{Source: s.source, IdleRSSMB: rounded(s.agent.idle/1e6, 1), BinaryMB: rounded(s.binary/1e6, 1)}
	for i, n := range o.viewers {
		row := agentRow{Viewers: n, Agent: costOf(points[s.agent][i], s.agent.idle)}
		if s.peer != nil {
			cost := costOf(points[s.peer][i], s.peer.idle)
			row.Peer, row.Ratio = &cost, ratioOf(points[s.agent][i], points[s.peer][i])
		}
		report.Rows = append(report.Rows, row)
	}
	return report, nil
}

// measure has n viewers look at the program, and returns what it spent on them.
func (w *watched) measure(ctx context.Context, n int, length time.Duration, log io.Writer) (p agentPoint, err error) {
	c, err := startCrowd(ctx, n, w.view, log)
	if err != nil {
		return p, err
	}
	defer func() {
		err = errors.Join(err, c.end(), pause(ctx, restAfter))
	}()
	if err := pause(ctx, warmUp); err != nil {
		return p, err
	}
	begun := time.Now()
	used, err := threadTime(w.pid)
	if err != nil {
		return p, err
	}
	before, err := c.totals()
	if err != nil {
		return p, err
	}
	if err := pause(ctx, length); err != nil {
		return p, err
	}
	p = agentPoint{viewers: n, took: time.Since(begun)}
	now, err := threadTime(w.pid)
	if err != nil {
		return p, err
	}
	after, err := c.totals()
	if err != nil {
		return p, err
	}
	p.cpu, p.totals = now-used, after.less(before)
	if p.totals.Packets == 0 {
		return p, errors.New("no packet came")
	}
	p.rss, err = residentMemory(w.pid)
	return p, err
}

// perPacket is the CPU time in microseconds.
func (p agentPoint) perPacket() float64 {
	return float64(p.cpu.Microseconds()) / float64(p.totals.Packets)
}

func costOf(rounds []agentPoint, idle float64) agentCost {
	middle := func(of func(agentPoint) float64) float64 {
		var values []float64
		for _, p := range rounds {
			values = append(values, of(p))
		}
		return median(values)
	}
	each := func(p agentPoint, count int64) float64 { return float64(count) / p.took.Seconds() / float64(p.viewers) }
	return agentCost{
		CPUUSPerPacket: rounded(middle(agentPoint.perPacket), 2),
		CPUPctPerViewer: rounded(middle(func(p agentPoint) float64 {
			return 100 * p.cpu.Seconds() / p.took.Seconds() / float64(p.viewers)
		}), 3),
		RSSMBPerViewer: rounded((rounds[0].rss-idle)/1e6/float64(rounds[0].viewers), 2),
		PacketsPerS:    rounded(middle(func(p agentPoint) float64 { return each(p, p.totals.Packets) }), 1),
		FramesPerS:     rounded(middle(func(p agentPoint) float64 { return each(p, p.totals.Frames) }), 1),
	}
}

// ratioOf is the median of the rounds' ratios.
func ratioOf(ours, theirs []agentPoint) float64 {
	var ratios []float64
	for i := range ours {
		ratios = append(ratios, ours[i].perPacket()/theirs[i].perPacket())
	}
	return rounded(median(ratios), 3)
}
