package programs

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// begins starts an agent that may never be ready.
func begins(t *testing.T, command ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(command[0], command[1:]...), done: make(chan struct{})}
	p.cmd.Env, p.cmd.Dir = environment(), t.TempDir()
	p.cmd.Stdout, p.cmd.Stderr = p.writer(&p.rest), p.writer(&p.log)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.work.Go(func() {
		defer close(p.done)
		_ = p.cmd.Wait() // ProcessState tells
	})
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		p.work.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", strings.Join(command, " "), p.said())
		}
	})
	return p
}

// quiet wants an agent that waits to take its time: few lines in its log, and hardly any of the processor.
func (p *process) quiet(lines int) {
	p.t.Helper()
	p.terminates()
	if got := strings.Count(p.said(), "\n"); got > lines {
		p.t.Errorf("the log has %d lines, want at most %d", got, lines)
	}
	state := p.cmd.ProcessState
	if used := state.UserTime() + state.SystemTime(); used > 3*time.Second {
		p.t.Errorf("the agent used %s of the processor, want next to nothing", used)
	}
}

// ready waits for the agent's line.
func (p *process) ready() {
	p.t.Helper()
	for deadline := time.After(patience); ; {
		p.mu.Lock()
		line := p.rest.String()
		p.mu.Unlock()
		if strings.Contains(line, `{"ready":true,`) {
			return
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			p.t.Fatal("the agent is never ready")
		}
	}
}

// disk is a small disk of its own, mounted for a test.
func disk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatalf("mount a small disk, as root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func (s *server) code() string {
	s.t.Helper()
	return answers[codeLine](s.t, "enroll", "create", "--data", s.data, "--name", "garden", "--json")[0].Code
}

// command is that of an agent of this server.
func (s *server) command(flags ...string) []string {
	return append([]string{
		filepath.Join(programs, "sightline-agent"), "run", "--hub", s.URL, "--media-listen", "127.0.0.1:0", "--port-mapping", "off",
	}, flags...)
}

func TestAgentThatCannotWriteItsStateSaysSoAndWaits(t *testing.T) {
	s := serves(t, t.TempDir())
	for _, tt := range []struct {
		name, want  string
		spoil, mend func(dir string) error
	}{
		{
			name: "full disk", want: "no space left on device",
			spoil: func(dir string) error {
				filler, err := os.Create(filepath.Join(dir, "filler"))
				if err != nil {
					return err
				}
				defer filler.Close()
				for {
					if _, err := filler.Write(make([]byte, 4096)); err != nil {
						return nil // it is full
					}
				}
			},
			mend: func(dir string) error { return os.Remove(filepath.Join(dir, "filler")) },
		},
		{
			name: "read-only disk", want: "read-only file system",
			spoil: func(dir string) error {
				return syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=64k")
			},
			mend: func(dir string) error { return syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=64k") },
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := disk(t)
			state := filepath.Join(dir, "state")
			command := s.command("--state", state, "--enroll", s.code())
			if err := tt.spoil(dir); err != nil {
				t.Fatal(err)
			}
			p := begins(t, command...)
			p.waits(regexp.MustCompile(`level=ERROR msg="state not written" path=` + state + ` err="[^"]*` + tt.want + `" retry=`))
			if err := tt.mend(dir); err != nil {
				t.Fatal(err)
			}
			p.ready()
			p.quiet(12)

			// A camera that has enrolled serves without writing.
			if err := tt.spoil(dir); err != nil {
				t.Fatal(err)
			}
			p = begins(t, s.command("--state", state)...)
			p.ready()
			p.quiet(12)
		})
	}
}

func TestRevokedDeviceSaysSoAndAsksRarely(t *testing.T) {
	s := serves(t, t.TempDir())
	p, device := s.enrols(t.TempDir())
	if status, body := s.asks(http.MethodDelete, "/v1/devices/"+device, s.key()); status != http.StatusNoContent {
		t.Fatalf("revoke: %d %s", status, body)
	}
	found := p.waits(regexp.MustCompile(`level=WARN msg="(?:link lost|hub not reached)" .*err="[^"]*removed from its project[^"]*" retry=(\S+)`))
	if wait, err := time.ParseDuration(found[1]); err != nil || wait < 4*time.Minute {
		t.Errorf("the device comes back after %s, want minutes", found[1])
	}
	p.quiet(8)
}

func TestTwoAgentsWithOneKeyDoNotFight(t *testing.T) {
	s := serves(t, t.TempDir())
	one, two := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	first, _ := s.enrols(one)
	if err := os.CopyFS(two, os.DirFS(one)); err != nil {
		t.Fatal(err)
	}
	second, _ := s.agent("--state", two)
	found := first.waits(regexp.MustCompile(`msg="(?:link lost|hub not reached)" .*err="[^"]*(same device key|superseded)[^"]*" retry=(\S+)`))
	if wait, err := time.ParseDuration(found[2]); err != nil || wait < 4*time.Minute {
		t.Errorf("the older agent comes back after %s, want minutes", found[2])
	}
	first.quiet(10)
	second.quiet(10)
}

func TestStateThatWasCutOffIsSaidInWords(t *testing.T) {
	s := serves(t, t.TempDir())
	state := t.TempDir()
	p, device := s.enrols(state)
	p.stops()
	for _, name := range []string{"media-port.json", "networks.json", "device.json.new", "device.key.new"} {
		if err := os.WriteFile(filepath.Join(state, name), []byte(`{"por`), 0o600); err != nil { // what is no loss
			t.Fatal(err)
		}
	}
	p, again := s.agent("--state", state)
	if again != device {
		t.Errorf("the device is %s, was %s", again, device)
	}
	p.stops()
	if err := os.Truncate(filepath.Join(state, "device.json"), 5); err != nil {
		t.Fatal(err)
	}
	mistake(t, "sightline-agent", "device.json is damaged; remove it and enrol again", s.command("--state", state)[1:]...)
}

// network runs ip(8).
func network(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s, as root: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestAgentWithoutANetworkWaitsForOne(t *testing.T) {
	space, outside := fmt.Sprintf("slagent-%d", os.Getpid()), fmt.Sprintf("sla%d", os.Getpid())
	network(t, "netns", "add", space)
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", space).Run() })
	network(t, "link", "add", outside, "type", "veth", "peer", "name", "inside", "netns", space)
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", outside).Run() })
	network(t, "address", "add", "198.51.100.1/30", "dev", outside)
	network(t, "link", "set", outside, "up")
	s := serves(t, t.TempDir(), "--listen", "198.51.100.1:0", "--turn-listen", "198.51.100.1:0")
	state := t.TempDir()
	p := begins(t, append([]string{"ip", "netns", "exec", space}, filepath.Join(programs, "sightline-agent"), "run", "--hub", s.URL,
		"--state", state, "--enroll", s.code(), "--port-mapping", "off")...)
	p.waits(regexp.MustCompile(`level=WARN msg="not enrolled yet" err="[^"]*network is unreachable[^"]*" retry=`))
	network(t, "-n", space, "address", "add", "198.51.100.2/30", "dev", "inside")
	network(t, "-n", space, "link", "set", "inside", "up")
	p.ready()
	p.quiet(15)
}
