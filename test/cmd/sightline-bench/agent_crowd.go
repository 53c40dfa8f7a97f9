//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
)

// crowdCommand makes this program a crowd of viewers. It is none of the measurements: agent starts it, so that the
// viewers' work is not that of what measures.
const crowdCommand = "view-crowd"

// totals are what all viewers of a crowd have got by now.
type totals struct {
	Packets int64 `json:"packets"`
	Frames  int64 `json:"frames"`
}

func (t totals) less(before totals) totals {
	return totals{Packets: t.Packets - before.Packets, Frames: t.Frames - before.Frames}
}

// serveCrowd has viewers look until its input ends. It prints a line when all see something, and their totals for each
// line that it reads.
func serveCrowd(ctx context.Context, args []string, in io.Reader, out, log io.Writer) error {
	o, err := parseView(args, log)
	if err != nil {
		return err
	}
	a := newAudience(o.crowd, o.scene.signaling)
	defer a.leave()
	if err := a.begin(ctx, func(context.Context, *viewer) error { return nil }); err != nil {
		return err
	}
	answers := json.NewEncoder(out)
	if err := answers.Encode(totals{}); err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if err := answers.Encode(a.totals()); err != nil {
			return err
		}
	}
	return nil
}

func (a *audience) totals() (t totals) {
	for _, v := range a.list {
		s := v.sighting()
		t.Packets += s.packets
		t.Frames += int64(s.frames)
	}
	return t
}

// viewCrowd is a crowd in a process of its own.
type viewCrowd struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *json.Decoder
}

// startCrowd starts n viewers and returns when all see something. view are the flags that say what to look at.
func startCrowd(ctx context.Context, n int, view []string, log io.Writer) (*viewCrowd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := append([]string{crowdCommand, "--viewers", strconv.Itoa(n)}, view...)
	c := &viewCrowd{cmd: exec.CommandContext(ctx, self, args...)}
	c.cmd.Stderr = log
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	c.answers = json.NewDecoder(out)
	if _, err := c.answer(); err != nil {
		return nil, errors.Join(err, c.end())
	}
	return c, nil
}

func (c *viewCrowd) totals() (totals, error) {
	if _, err := io.WriteString(c.in, "\n"); err != nil {
		return totals{}, fmt.Errorf("ask the viewers: %w", err)
	}
	return c.answer()
}

func (c *viewCrowd) answer() (t totals, err error) {
	if err := c.answers.Decode(&t); err != nil {
		return t, fmt.Errorf("hear from the viewers: %w", err)
	}
	return t, nil
}

// end has the viewers leave.
func (c *viewCrowd) end() error {
	_ = c.in.Close()
	return c.cmd.Wait()
}
