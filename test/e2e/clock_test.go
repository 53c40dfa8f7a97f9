//go:build linux

package e2e

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestACameraWithItsClockAnHourOffGetsIn(t *testing.T) {
	for _, off := range []string{"+", "-"} {
		t.Run(off+"1h", func(t *testing.T) {
			s := enter(t)
			agent := skewedAgent(t, off+"3600")
			a := need(s.AgentProgram(t.Context(), s.hub, "agent", "test:", agent))(t)
			s.watch("viewer", a, "", "direct")
		})
	}
}

// skewedAgent builds the agent, its code untouched, against a standard library whose clock is off by some seconds:
// Linux has no namespace for the time of day.
func skewedAgent(t *testing.T, seconds string) string {
	t.Helper()
	goroot := strings.TrimSpace(string(need(exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output())(t)))
	original := filepath.Join(goroot, "src", "time", "time.go")
	source := string(need(os.ReadFile(original))(t))
	const reading = "sec, nsec, mono := runtimeNow()"
	if strings.Count(source, reading) != 1 {
		t.Fatalf("package time reads the clock in another way than this test knows: %q", reading)
	}
	dir := t.TempDir()
	skewed := filepath.Join(dir, "time.go")
	must(t, os.WriteFile(skewed, []byte(strings.Replace(source, reading, reading+"; sec += "+seconds, 1)), 0o600))
	overlay := filepath.Join(dir, "overlay.json")
	must(t, os.WriteFile(overlay, need(json.Marshal(map[string]any{"Replace": map[string]string{original: skewed}}))(t), 0o600))
	program := filepath.Join(dir, "sightline-agent")
	build := exec.CommandContext(context.WithoutCancel(t.Context()), "go", "build", "-overlay", overlay, "-o", program, "../../cmd/sightline-agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the agent with a wrong clock: %v\n%s", err, out)
	}
	return program
}
