//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sightline-rtc/sightline/test/turnload"
)

// turnTarget is a TURN server and the way to load it.
type turnTarget struct {
	load turnload.Config
	// pid is its process on this machine.
	pid         int
	credentials []turnload.Credentials
	// clock reads the process's time on the CPU.
	clock func(pid int) (time.Duration, error)
}

// turnShape is what a load looks like besides its packets.
type turnShape struct {
	sessions int
	up       bool
	length   time.Duration
}

// turnPoint is one measurement of a server.
type turnPoint struct {
	load turnload.Result
	cpu  time.Duration
	rss  float64 // bytes
}

// turnWarmUp is sent before what counts, so that buffers are there and the server has seen every session.
const turnWarmUp = 250 * time.Millisecond

// measureTurn opens the sessions, loads the server and ends them again.
func measureTurn(ctx context.Context, target turnTarget, shape turnShape) (p turnPoint, err error) {
	err = turnload.Run(ctx, target.load, func(ctx context.Context, l *turnload.Load) error {
		var open []*turnload.Session
		for n := range shape.sessions {
			s, err := l.Add(ctx, target.credentials[n%len(target.credentials)], shape.up)
			if err != nil {
				return fmt.Errorf("session %d: %w", n+1, err)
			}
			open = append(open, s)
		}
		var used []time.Duration
		p.load, err = l.Measure(ctx, turnload.Interval{WarmUp: turnWarmUp, Length: shape.length, Probe: func() error {
			cpu, err := target.clock(target.pid)
			used = append(used, cpu)
			return err
		}})
		if err != nil {
			return err
		}
		p.cpu = used[1] - used[0]
		if p.rss, err = residentMemory(target.pid); err != nil {
			return err
		}
		return l.Remove(ctx, open...)
	})
	return p, err
}

// measureDirect sends the same without a server.
func measureDirect(ctx context.Context, load turnload.Config, shape turnShape) (r turnload.Result, err error) {
	err = turnload.Run(ctx, load, func(ctx context.Context, l *turnload.Load) error {
		for range shape.sessions {
			if err := l.AddDirect(ctx, shape.up); err != nil {
				return err
			}
		}
		r, err = l.Measure(ctx, turnload.Interval{WarmUp: turnWarmUp, Length: shape.length})
		return err
	})
	return r, err
}

func (p turnPoint) report() turnReport {
	took := p.load.Took.Seconds()
	r := turnReport{
		OfferedPPS: rounded(float64(p.load.Offered)/took, 0),
		RelayedPPS: rounded(float64(p.load.Relayed)/took, 0),
		RSSMB:      rounded(p.rss/1e6, 1),
	}
	if p.load.Offered > 0 {
		r.LossPct = rounded(100*(1-float64(p.load.Relayed)/float64(p.load.Offered)), 3)
	}
	if p.load.Relayed > 0 {
		r.CPUUSPerPacket = rounded(float64(p.cpu.Microseconds())/float64(p.load.Relayed), 2)
	}
	return r
}

// threadTime is the sum of what cpuTime tells and more finely than by the clock tick, which is too coarse for a second: field 1
// of each thread's schedstat, in nanoseconds. A thread must not end meanwhile, or its time is missing.
func threadTime(pid int) (time.Duration, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, name := range threads {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // ended since
		}
		var used int64
		if _, err := fmt.Sscan(string(b), &used); err != nil {
			return 0, fmt.Errorf("read %s: %w", name, err)
		}
		sum += time.Duration(used)
	}
	if len(threads) == 0 {
		return 0, fmt.Errorf("process %d is not there, or the kernel keeps no schedstat", pid)
	}
	return sum, nil
}

// residentMemory is what a process has in memory, in bytes: VmRSS of its status (proc_pid_status(5)).
func residentMemory(pid int) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := bytes.Cut(b, []byte("\nVmRSS:"))
	var kib float64
	if _, err := fmt.Sscan(string(rest), &kib); err != nil {
		return 0, fmt.Errorf("read the memory of process %d: %w", pid, err)
	}
	return kib * 1024, nil
}
