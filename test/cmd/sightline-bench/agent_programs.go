//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/internal/store"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
	"github.com/sightline-rtc/sightline/test/rig"
)

// cameraSource is the source that is started for the measurement.
const cameraSource = "camera"

// peerReady is how long the peer may take until it listens.
const peerReady = 20 * time.Second

// watched is a program that viewers look at.
type watched struct {
	name string
	pid  int
	// view are the flags with which viewers find it.
	view []string
	// idle is its resident memory without viewers, in bytes.
	idle float64
}

// agentScene is everything that runs for the measurement but the viewers.
type agentScene struct {
	source string
	// binary is the size of the agent's program in bytes.
	binary float64
	agent  *watched
	peer   *watched // nil without one

	closers []func() error
}

func (s *agentScene) programs() []*watched {
	if s.peer == nil {
		return []*watched{s.agent}
	}
	return []*watched{s.agent, s.peer}
}

// close ends what was started, in the opposite order.
func (s *agentScene) close() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	return errors.Join(errs...)
}

func (o agentOrder) open(ctx context.Context, log io.Writer) (s *agentScene, err error) {
	s = &agentScene{source: o.source}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if o.source == cameraSource {
		camera, err := rig.LocalCamera(ctx, log)
		if err != nil {
			return s, err
		}
		s.source = camera.URL
		s.closers = append(s.closers, func() error { camera.Kill(); return nil })
	}
	if err := s.startAgent(ctx, o, log); err != nil {
		return s, err
	}
	err = s.startPeer(ctx, o.peer, log)
	return s, err
}

// startAgent starts a server and an agent that serves the largest of the audiences.
func (s *agentScene) startAgent(ctx context.Context, o agentOrder, log io.Writer) error {
	program := o.programs.agent
	if program == "" {
		var err error
		if program, err = beside("sightline-agent"); err != nil {
			return err
		}
	}
	info, err := os.Stat(program)
	if err != nil {
		return err
	}
	s.binary = float64(info.Size())
	hub, err := startServer(ctx, o.programs.server)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, hub.close)
	most := o.viewers[len(o.viewers)-1]
	process, view, err := hub.camera(ctx, log, program, "--source", s.source, "--max-viewers", strconv.Itoa(most+spareViewers))
	if err != nil {
		return err
	}
	s.closers = append(s.closers, func() error { process.Kill(); return nil })
	s.agent = &watched{name: "agent", pid: process.PID(), view: view}
	return nil
}

// spareViewers are for those that have left but not quite.
const spareViewers = 8

// camera enrols a device and starts its agent. It returns the flags with which view finds it.
func (s *server) camera(ctx context.Context, log io.Writer, program string, flags ...string) (_ *rig.Process, view []string, err error) {
	records, err := store.Open(ctx, s.Data, store.Config{})
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, records.Close()) }()
	_, code, err := records.CreateEnrolment(ctx, record.Enrolment{Project: protocol.DefaultProject, Name: "bench"}, 0)
	if err != nil {
		return nil, nil, err
	}
	args := append([]string{
		"run", "--hub", s.URL, "--enroll", code.Reveal(), "--state", filepath.Join(s.scratch, "agent"), "--port-mapping", "off",
	}, flags...)
	var ready struct{ Device protocol.DeviceID }
	process, err := rig.Launch(ctx, "agent", exec.CommandContext(context.WithoutCancel(ctx), program, args...), log, &ready)
	if err != nil {
		return nil, nil, err
	}
	r, err := newRoster(ctx, records, 0)
	if err != nil {
		process.Kill()
		return nil, nil, err
	}
	r.devices = []enrolled{{id: ready.Device}}
	token, err := r.token(protocol.RoleViewer, 0, "")
	if err != nil {
		process.Kill()
		return nil, nil, err
	}
	return process, []string{"--url", s.URL, "--device", string(ready.Device), "--token", token}, nil
}

// startPeer starts the other program, or takes the one that runs.
func (s *agentScene) startPeer(ctx context.Context, o peerOrder, log io.Writer) error {
	if o.whep == "" {
		return nil
	}
	s.peer = &watched{name: "peer", pid: o.pid, view: []string{"--whep", o.whep}}
	if o.command == "" {
		return nil
	}
	line := "exec " + strings.ReplaceAll(o.command, "{source}", s.source)
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh", "-c", line) //nolint:gosec // it is the caller's command
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the peer: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, peerReady, fmt.Errorf("the peer does not listen at %s", o.whep))
	defer cancel()
	ctx, over := context.WithCancelCause(ctx)
	var work sync.WaitGroup
	work.Go(func() { over(fmt.Errorf("the peer has ended: %w", cmd.Wait())) })
	s.closers = append(s.closers, func() error {
		_ = cmd.Process.Kill()
		work.Wait()
		return nil
	})
	s.peer.pid = cmd.Process.Pid
	return awaitPeer(ctx, o.whep)
}

// awaitPeer returns when something takes connections where the URL leads.
func awaitPeer(ctx context.Context, where string) error {
	u, err := url.Parse(where)
	if err != nil {
		return err
	}
	var dialer net.Dialer
	for {
		conn, err := dialer.DialContext(ctx, "tcp", u.Host)
		if err == nil {
			return conn.Close()
		}
		if pause(ctx, 100*time.Millisecond) != nil {
			return context.Cause(ctx)
		}
	}
}

// sharedLog is a log that several programs write to.
type sharedLog struct {
	mu  sync.Mutex // held while out is written to
	out io.Writer
}

// Write implements io.Writer.
func (l *sharedLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(b)
}
