package programs

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds what a test waits for; nothing is asserted about how long things take.
const patience = 30 * time.Second

// programs is where TestMain has built them.
var programs string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if programs, err = os.MkdirTemp("", "sightline-programs-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(programs) }()
	// As `make build` does.
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", programs,
		"github.com/sightline-rtc/sightline/cmd/sightline", "github.com/sightline-rtc/sightline/cmd/sightline-agent",
		"github.com/sightline-rtc/sightline/sdk/go/examples/...")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the programs: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// environment is that of the programs: nothing of the tester's settings gets into them.
func environment() []string {
	var clean []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "SIGHTLINE_") {
			clean = append(clean, variable)
		}
	}
	return clean
}

// result is how a program ended.
type result struct {
	status         int
	stdout, stderr string
}

// ends runs a program to its end.
func ends(t *testing.T, name string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, filepath.Join(programs, name), args...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = environment(), t.TempDir(), &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("%s %s: %v, %v", name, strings.Join(args, " "), err, ctx.Err())
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// answers runs a command that prints lines of JSON, and decodes them.
func answers[T any](t *testing.T, args ...string) []T {
	t.Helper()
	r := ends(t, "sightline", args...)
	if r.status != 0 {
		t.Fatalf("sightline %s: status %d, %s", strings.Join(args, " "), r.status, r.stderr)
	}
	var all []T
	for line := range strings.Lines(r.stdout) {
		all = append(all, decode[T](t, line))
	}
	return all
}

// decode reads a line of JSON that must have just the fields of T.
func decode[T any](t *testing.T, line string) T {
	t.Helper()
	var value T
	decoder := json.NewDecoder(strings.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&value); err != nil || !strings.HasSuffix(line, "}\n") || decoder.More() {
		t.Fatalf("got %q, want one line of JSON: %v", line, err)
	}
	return value
}

// process is a program that serves.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	line string // the first on stdout
	work sync.WaitGroup
	done chan struct{}

	// mu guards what follows.
	mu   sync.Mutex
	rest bytes.Buffer // of stdout
	log  bytes.Buffer // stderr
}

// starts runs a program and waits for its ready line. It is killed with the test at the latest.
func starts(t *testing.T, name string, args ...string) *process {
	t.Helper()
	return startsIn(t, nil, name, args...)
}

// startsIn is starts with more in the environment.
func startsIn(t *testing.T, more []string, name string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(filepath.Join(programs, name), args...), done: make(chan struct{})}
	p.cmd.Env, p.cmd.Dir = append(environment(), more...), t.TempDir()
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = p.writer(&p.log)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	first := make(chan string, 1)
	p.work.Go(func() {
		defer close(p.done)
		lines := bufio.NewReader(stdout)
		line, _ := lines.ReadString('\n')
		first <- line
		_, _ = io.Copy(p.writer(&p.rest), lines)
		_ = p.cmd.Wait() // ProcessState tells
	})
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		p.work.Wait()
		if t.Failed() {
			t.Logf("%s %s said:\n%s", name, strings.Join(args, " "), p.said())
		}
	})
	select {
	case p.line = <-first:
	case <-time.After(patience):
		t.Fatalf("%s is not ready: %s", name, p.said())
	}
	return p
}

// writer guards a buffer of the process.
func (p *process) writer(b *bytes.Buffer) io.Writer { return guarded{p, b} }

type guarded struct {
	of *process
	b  *bytes.Buffer
}

func (g guarded) Write(b []byte) (int, error) {
	g.of.mu.Lock()
	defer g.of.mu.Unlock()
	return g.b.Write(b)
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// stops sends SIGTERM and wants status 0 and nothing on stdout but the first line.
func (p *process) stops() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatal("SIGTERM does not end it")
	}
	if status := p.cmd.ProcessState.ExitCode(); status != 0 {
		p.t.Errorf("status %d after SIGTERM, want 0", status)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rest.Len() != 0 {
		p.t.Errorf("stdout has more than the ready line: %q", p.rest.String())
	}
}
