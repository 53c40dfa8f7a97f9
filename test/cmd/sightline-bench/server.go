//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/sightline-rtc/sightline/internal/store"
	"github.com/sightline-rtc/sightline/test/rig"
)

// server is what is measured: a child process on a new data directory, or one that runs already.
type server struct {
	URL string
	// Metrics is where it tells what it uses, Data its directory.
	Metrics, Data string

	process *rig.Process // nil when somebody else started it
	program string
	scratch string // removed at the end
}

// target is where a measurement goes, as its flags say.
type target struct {
	program string
	url     string
	metrics string
	data    string
}

// open starts the child, or takes the server that the flags name.
func (t target) open(ctx context.Context) (*server, error) {
	if t.url == "" {
		return startServer(ctx, t.program)
	}
	if t.data == "" {
		return nil, errors.New("--url needs --data, the server's directory: devices are enrolled there")
	}
	for _, text := range []string{t.url, t.metrics} {
		if err := checkLoopback(text); err != nil {
			return nil, err
		}
	}
	return &server{URL: t.url, Metrics: t.metrics, Data: t.data}, nil
}

// checkLoopback keeps the load on this machine.
func checkLoopback(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return err
	}
	if address, err := netip.ParseAddr(u.Hostname()); err != nil || !address.IsLoopback() || u.Scheme != "http" {
		return fmt.Errorf("%s: load goes to http://127.0.0.1 only", text)
	}
	return nil
}

// unthrottled lets the load in: its hundreds of links a second come from a few addresses of one project.
var unthrottled = []string{"--accept-rate", "100000", "--address-rate", "100000"}

// startServer starts bin/sightline with its default settings, but for unthrottled, on free ports. It logs as it always
// does, since that is part of its work. Flags are added to those.
func startServer(ctx context.Context, program string, flags ...string) (s *server, err error) {
	if program == "" {
		if program, err = beside("sightline"); err != nil {
			return nil, err
		}
	}
	s = &server{program: program}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
			s = nil
		}
	}()
	if s.scratch, err = os.MkdirTemp("", "sightline-bench-"); err != nil {
		return s, err
	}
	s.Data = filepath.Join(s.scratch, "data")
	err = s.launch(ctx, "127.0.0.1:0", flags)
	return s, err
}

// again starts the server anew, after it has ended: with the same data, address and port.
func (s *server) again(ctx context.Context, flags ...string) error {
	return s.launch(ctx, strings.TrimPrefix(s.URL, "http://"), flags)
}

func (s *server) launch(ctx context.Context, listen string, flags []string) (err error) {
	args := append([]string{
		"serve", "--data", s.Data, "--log-format", "json",
		"--listen", listen, "--turn-listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0",
	}, append(slices.Clone(unthrottled), flags...)...)
	cmd := exec.CommandContext(context.WithoutCancel(ctx), s.program, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // ^C is for the measurement, which then ends its child
	log := &serverLog{metrics: make(chan string, 1)}
	var ready struct{ URL string }
	if s.process, err = rig.Launch(ctx, "server", cmd, log, &ready); err != nil {
		return fmt.Errorf("%w\n%s", err, log.tail())
	}
	s.URL = ready.URL
	select {
	case s.Metrics = <-log.metrics:
		return nil
	case <-s.process.Done():
		return fmt.Errorf("the server ended:\n%s", log.tail())
	case <-time.After(10 * time.Second):
		return errors.New("the server does not say where its metrics are")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// beside returns a program of the folder that this one is in.
func beside(name string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	program := filepath.Join(filepath.Dir(self), name)
	if _, err := os.Stat(program); err != nil {
		return "", fmt.Errorf("%s is not there: run `make build`", program)
	}
	return program, nil
}

// pid is the child's process id, 0 when there is no child.
func (s *server) pid() int {
	if s.process == nil {
		return 0
	}
	return s.process.PID()
}

// enrol makes the records of the measurement's devices in the server's directory, beside the running server.
func (s *server) enrol(ctx context.Context, devices int) (r *roster, err error) {
	records, err := store.Open(ctx, s.Data, store.Config{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, records.Close()) }()
	return newRoster(ctx, records, devices)
}

// close ends the child without ceremony, since nobody needs its data, and removes its directory.
func (s *server) close() error {
	if s.process != nil {
		s.process.Kill()
	}
	if s.scratch == "" {
		return nil
	}
	return os.RemoveAll(s.scratch)
}

// keptLog is how much of a server's last words is kept.
const keptLog = 4 << 10

// serverLog finds out where the metrics are and keeps the end of the log.
type serverLog struct {
	metrics chan string // has room for the one URL

	mu    sync.Mutex // guards what follows
	found bool
	kept  []byte
}

// Write implements io.Writer.
func (l *serverLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept = append(l.kept, b...)
	if !l.found {
		l.find()
	}
	if surplus := len(l.kept) - keptLog; l.found && surplus > 0 {
		l.kept = append(l.kept[:0], l.kept[surplus:]...)
	}
	return len(b), nil
}

func (l *serverLog) find() {
	for line := range bytes.Lines(l.kept) {
		var said struct{ Msg, URL string }
		if json.Unmarshal(line, &said) == nil && said.Msg == "metrics served" {
			l.found = true
			l.metrics <- said.URL
			return
		}
	}
}

func (l *serverLog) tail() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.kept)
}
