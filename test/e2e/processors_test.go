//go:build linux

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/sightline-rtc/sightline/test/rig"
)

// Agents for other processors run under qemu: those for ARM, of 64 and 32 bits, are looked at, and the one for MIPS gets as far
// as the hub.
func TestAgentsForOtherProcessorsStartAndShowThePicture(t *testing.T) {
	s := enter(t)
	for system, emulator := range map[string]string{"linux-arm64": "qemu-aarch64", "linux-armv7": "qemu-arm"} {
		a := s.emulated(system, emulator)
		p := s.watch(system, a, "", "direct")
		must(t, p.Front(t.Context()))
		if frames := need(p.Grow(t.Context(), 60, soon))(t); frames.Width != 640 {
			t.Errorf("%s: the picture is %d wide, want the test picture", system, frames.Width)
		}
		must(t, p.Close(t.Context()))
		if err := a.Stop(); err != nil {
			t.Errorf("%s: %v", system, err)
		}
	}
	if err := s.emulated("linux-mipsle", "qemu-mipsel").Stop(); err != nil {
		t.Errorf("linux-mipsle: %v", err)
	}
}

// emulated is an agent for another processor, on the air.
func (s *stage) emulated(system, emulator string) *rig.Agent {
	s.t.Helper()
	program := need(filepath.Abs(filepath.Join("..", "..", "bin", "agents", "sightline-agent-"+system)))(s.t)
	if _, err := os.Stat(program); err != nil {
		s.t.Fatalf("%v: make agents builds it", err)
	}
	script := filepath.Join(s.t.TempDir(), system)
	text := fmt.Sprintf("#!/bin/sh\nexec %s %s \"$@\"\n", emulator, program)
	must(s.t, os.WriteFile(script, []byte(text), 0o700)) //nolint:gosec // it is a program
	return need(s.AgentProgram(s.t.Context(), s.hub, system, "test:", script))(s.t)
}
