//go:build linux

package reach

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/test/natlab"
	"github.com/sightline-rtc/sightline/test/rig"
)

// says are the lines of a program's log.
type says chan string

// until waits for a line with all these words.
func (s says) until(t *testing.T, words ...string) {
	t.Helper()
	timeout := time.After(patience)
next:
	for {
		select {
		case line := <-s:
			for _, word := range words {
				if !strings.Contains(line, word) {
					continue next
				}
			}
			return
		case <-timeout:
			t.Fatalf("waited in vain for %q", words)
		}
	}
}

// agent enrols and runs the agent on the device until the test ends.
func agent(t *testing.T, s *stage) says {
	t.Helper()
	enrol := s.Server().Command(t.Context(), filepath.Join(programs, "sightline"), "enroll", "create", "--data", s.data, "--name", "garden", "--json")
	answer, err := enrol.Output()
	if err != nil {
		t.Fatalf("make an enrolment code: %v", err)
	}
	var made struct {
		Code string `json:"code"`
	}
	if err := json.Unmarshal(answer, &made); err != nil {
		t.Fatalf("read %q: %v", answer, err)
	}
	out, in := io.Pipe()
	lines := make(says, 1000)
	var reading sync.WaitGroup
	reading.Go(func() {
		for scan := bufio.NewScanner(out); scan.Scan(); {
			select {
			case lines <- scan.Text():
			default: // nobody waits for it
			}
		}
	})
	run := s.Device().Command(context.Background(), filepath.Join(programs, "sightline-agent"), "run", "--hub", s.hub(),
		"--state", t.TempDir(), "--source", "test:", "--enroll", made.Code)
	var ready struct{}
	process, err := rig.Launch(t.Context(), "sightline-agent", run, in, &ready)
	t.Cleanup(func() {
		if process != nil {
			process.Kill()
		}
		in.Close()
		reading.Wait()
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func TestAgentThatIsCarriedElsewhereLooksAnew(t *testing.T) {
	t.Parallel()
	s := built(t, natlab.TownConfig{Device: natlab.PortRestricted, Viewer: natlab.Open})
	log := agent(t, s)
	log.until(t, "network assessed", "kind=port_restricted")
	for _, to := range []struct {
		is    natlab.Type
		words []string // what the log has to say, in this order
	}{
		{natlab.SymmetricSequential, []string{"kind=symmetric_sequential"}}, // a home with the same addresses
		{natlab.Open, []string{"network changed", "kind=open"}},
	} {
		if err := s.Rebuild(t.Context(), to.is, natlab.Open); err != nil {
			t.Fatal(err)
		}
		for _, words := range to.words {
			log.until(t, words)
		}
	}
}
