//go:build linux

package portmap

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/device/portmap"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/test/natlab"
)

// mediaPort is what the device has mapped.
const mediaPort = 40000

// patience bounds what a test waits for; nothing is asserted about how long things take.
const patience = 60 * time.Second

// orders, in the environment, makes this program a mapper, which writes a state to its output at every change, and ends
// with its input.
const orders = "SIGHTLINE_TEST_MAPPER"

// settings are what a mapper runs with.
type settings struct {
	Seed            string
	Check, MinRetry time.Duration
}

// state is what a mapper knows.
type state struct {
	Mapping portmap.Mapping
	Fault   protocol.MappingFault
}

func TestMain(m *testing.M) {
	if text := os.Getenv(orders); text != "" {
		if err := serve(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serve is the whole life of a mapper.
func serve(text string) error {
	var s settings
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	m := portmap.New(portmap.Config{
		Seed: []byte(s.Seed), Check: s.Check, MinRetry: s.MinRetry, MaxRetry: s.MinRetry,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	ctx, cancel := context.WithCancel(context.Background())
	var working sync.WaitGroup
	working.Go(func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	})
	working.Go(func() {
		for out := json.NewEncoder(os.Stdout); ; {
			select {
			case <-ctx.Done():
				return
			case <-m.Changed():
			}
			var now state
			now.Mapping, now.Fault = m.Mapping()
			_ = out.Encode(now)
		}
	})
	err := m.Run(ctx, portmap.Request{UDP: mediaPort, TCP: mediaPort, ExternalTCP: 443})
	working.Wait()
	return err
}

// mapper is one that runs on a host.
type mapper struct {
	cmd    *exec.Cmd
	input  io.Closer
	states chan state
	log    *os.File
}

// run starts a mapper on a host. It ends with the test, if not before.
func run(t *testing.T, host *natlab.Host, s settings) *mapper {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	m := &mapper{cmd: host.Command(context.Background(), self), states: make(chan state, 16)}
	m.cmd.Env = append(os.Environ(), orders+"="+string(text))
	if m.log, err = os.Create(t.TempDir() + "/log"); err != nil {
		t.Fatal(err)
	}
	m.cmd.Stderr = m.log
	input, err := m.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	m.input = input
	output, err := m.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		for lines := bufio.NewScanner(output); lines.Scan(); {
			var now state
			if err := json.Unmarshal(lines.Bytes(), &now); err == nil {
				m.states <- now
			}
		}
	})
	t.Cleanup(func() {
		_ = m.cmd.Process.Kill()
		_ = m.cmd.Wait()
		reading.Wait()
		m.log.Close()
		if said, err := os.ReadFile(m.log.Name()); err == nil && t.Failed() {
			t.Logf("mapper on %s:\n%s", host.Name, said)
		}
	})
	return m
}

// awaits returns the first state that is one of those wanted.
func (m *mapper) awaits(t *testing.T, what string, wanted func(state) bool) state {
	t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case now := <-m.states:
			if wanted(now) {
				return now
			}
		case <-timeout:
			t.Fatalf("no %s within %s", what, patience)
		}
	}
}

// mapped waits for a mapping.
func (m *mapper) mapped(t *testing.T) portmap.Mapping {
	t.Helper()
	return m.awaits(t, "mapping", func(s state) bool { return s.Mapping.Protocol != "" }).Mapping
}

// stop lets the mapper end by itself.
func (m *mapper) stop(t *testing.T) {
	t.Helper()
	m.input.Close()
	if err := m.cmd.Wait(); err != nil {
		t.Errorf("the mapper ended with %v", err)
	}
}

// crash takes the mapper's power away.
func (m *mapper) crash(t *testing.T) {
	t.Helper()
	if err := m.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = m.cmd.Wait()
}
