//go:build linux

package rig

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// readyTimeout is how long a program may take to be ready: far longer than any does, even on a busy machine.
const readyTimeout = 60 * time.Second

// Process is a running program, which says in one line of JSON when it is ready.
type Process struct {
	name string
	cmd  *exec.Cmd
	work sync.WaitGroup
	done chan struct{} // closed when the program has ended
	err  error         // how it ended; read after done
}

// Launch starts a program and waits until it prints its ready line, which is decoded into ready. Everything it says
// goes to log as well.
func Launch(ctx context.Context, name string, cmd *exec.Cmd, log io.Writer, ready any) (*Process, error) {
	p := &Process{name: name, cmd: cmd, done: make(chan struct{})}
	cmd.Stderr = log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	first := make(chan []byte, 1)
	p.work.Go(func() {
		lines := bufio.NewReader(io.TeeReader(stdout, log))
		line, _ := lines.ReadBytes('\n')
		first <- line
		_, _ = io.Copy(io.Discard, lines)
		p.err = cmd.Wait()
		close(p.done)
	})
	select {
	case line := <-first:
		if err := json.Unmarshal(line, ready); err != nil {
			p.Kill()
			return nil, fmt.Errorf("start %s: its first line was %q and it ended with %w", name, line, p.err)
		}
		return p, nil
	case <-ctx.Done():
		p.Kill()
		return nil, fmt.Errorf("start %s: %w", name, ctx.Err())
	}
}

// PID is the program's own process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Kill ends the program as a power cut would and waits until it is gone. Killing a dead one is harmless.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	p.work.Wait()
}

// Signal sends the program a signal.
func (p *Process) Signal(signal syscall.Signal) error {
	if err := p.cmd.Process.Signal(signal); err != nil {
		return fmt.Errorf("signal %s: %w", p.name, err)
	}
	return nil
}

// Stop asks the program to end, as an operator does, and returns how it ended; after 15 seconds it is killed.
func (p *Process) Stop() error {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.done:
		return p.err
	case <-time.After(15 * time.Second):
		p.Kill()
		return errors.New(p.name + " did not end 15 seconds after SIGTERM")
	}
}

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }
