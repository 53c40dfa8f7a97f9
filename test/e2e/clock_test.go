//go:build linux

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestACameraWithItsClockAnHourOffGetsIn(t *testing.T) {
	for _, clock := range []string{"fast", "slow"} {
		t.Run(clock, func(t *testing.T) {
			s := enter(t)
			a := need(s.AgentProgram(t.Context(), s.hub, "agent", "test:", skewedAgent(t, clock)))(t)
			s.watch("viewer", a, "", "direct")
		})
	}
}

// skewedAgent builds the agent, its code untouched, on a standard library whose clock is an hour fast or slow: Linux has
// no namespace for the time of day.
func skewedAgent(t *testing.T, clock string) string {
	t.Helper()
	goroot := strings.TrimSpace(string(need(exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output())(t)))
	original := filepath.Join(goroot, "src", "time", "time.go")
	source := string(need(os.ReadFile(original))(t))
	const reading = "sec, nsec, mono := runtimeNow()"
	if strings.Count(source, reading) != 1 {
		t.Fatalf("package time reads the clock in another way than this test knows: %q", reading)
	}
	// The linker sets skew, so that both clocks share one compilation of everything.
	source = strings.Replace(source, reading, reading+`
	if skew == "fast" {
		sec += 3600
	} else {
		sec -= 3600
	}`, 1) + "\nvar skew = \"\"\n"
	dir := t.TempDir()
	skewed, overlay, program := filepath.Join(dir, "time.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "sightline-agent")
	must(t, os.WriteFile(skewed, []byte(source), 0o600))
	replace := need(json.Marshal(map[string]any{"Replace": map[string]string{original: skewed}}))(t)
	must(t, os.WriteFile(overlay, replace, 0o600))
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay, "-ldflags", "-X time.skew="+clock,
		"-o", program, "../../cmd/sightline-agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the agent with a wrong clock: %v\n%s", err, out)
	}
	return program
}
