//go:build linux

package abuse

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/test/natlab"
	"github.com/sightline-rtc/sightline/test/rig"
)

// patience bounds what a test waits for; nothing is asserted about how long things take.
const patience = 60 * time.Second

// mediaPort is the agent's.
const mediaPort = 40000

// programs is the directory of the server and the agent.
var programs string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if programs, err = os.MkdirTemp("", "sightline-abuse-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(programs) }()
	build := exec.Command("go", "build", "-o", programs,
		"github.com/sightline-rtc/sightline/cmd/sightline", "github.com/sightline-rtc/sightline/cmd/sightline-agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the programs: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// scene is a camera in a home behind a router that lets everybody in who knows the port, a server and a stranger on the
// internet.
type scene struct {
	*natlab.Town

	t      *testing.T
	data   string // the server's
	url    string // of links
	agent  *rig.Process
	device string
	// victim is an address on the internet that has nothing to do with it.
	victim netip.Addr
}

func newScene(t *testing.T) *scene {
	t.Helper()
	if err := natlab.Usable(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	town, err := natlab.NewTown(t.Context(), natlab.TownConfig{Device: natlab.FullCone, Viewer: natlab.Open})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := town.Close(); err != nil {
			t.Errorf("close the town: %v", err)
		}
	})
	s := &scene{Town: town, t: t, data: t.TempDir(), victim: town.Server().Second()}
	listen := net.JoinHostPort(town.Server().Addr.String(), "8080")
	s.url = "ws://" + listen + "/v1/link"
	var hub struct{}
	s.launch("sightline", town.Server(), &hub, "serve", "--data", s.data, "--metrics-listen", "off",
		"--listen", listen, "--turn-listen", ":3478", "--turn-alt-port", "3479")
	var code struct{ Code string }
	s.ask(&code, "enroll", "create", "--name", "garden")
	var ready struct{ Device string }
	s.agent = s.launch("sightline-agent", town.Device(), &ready, "run", "--hub", "http://"+listen, "--state", t.TempDir(),
		"--enroll", code.Code, "--source", "test:", "--port-mapping", "off", "--media-listen", fmt.Sprintf(":%d", mediaPort))
	s.device = ready.Device
	s.count()
	return s
}

// launch starts a program that ends with the test, whose log is shown if that fails.
func (s *scene) launch(program string, on *natlab.Host, ready any, args ...string) *rig.Process {
	s.t.Helper()
	log, err := os.Create(filepath.Join(s.t.TempDir(), "log"))
	if err != nil {
		s.t.Fatal(err)
	}
	process, err := rig.Launch(s.t.Context(), program, on.Command(context.Background(), filepath.Join(programs, program), args...), log, ready)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		process.Kill()
		_ = log.Close()
		if said, err := os.ReadFile(log.Name()); err == nil && s.t.Failed() {
			s.t.Logf("%s:\n%s", program, said[max(0, len(said)-4000):])
		}
	})
	return process
}

// ask runs a command of the server's program.
func (s *scene) ask(answer any, command ...string) {
	s.t.Helper()
	args := append(command, "--data", s.data, "--json") //nolint:gocritic // command is the caller's own variadic list
	out, err := s.Server().Command(s.t.Context(), filepath.Join(programs, "sightline"), args...).Output()
	if err == nil {
		err = json.Unmarshal(out, answer)
	}
	if err != nil {
		s.t.Fatalf("sightline %s: %v", strings.Join(command, " "), err)
	}
}

func (s *scene) token() string {
	s.t.Helper()
	var t struct{ Token string }
	s.ask(&t, "token", "create", "--device", s.device)
	return t.Token
}

// count has the camera's kernel count what leaves it: to the victim, to the stranger, to other hosts of its home, to
// addresses that are none, to services, and to itself.
func (s *scene) count() {
	s.t.Helper()
	home := netip.PrefixFrom(s.Device().Addr, 24).Masked()
	rules := fmt.Sprintf(`table inet abuse {
	counter victim {}
	counter dialled {}
	counter stranger {}
	counter home {}
	counter nowhere {}
	counter service {}
	counter itself {}
	chain out {
		type filter hook output priority 0
		ip daddr %[1]s udp dport != { 3478, 3479 } counter name victim
		ip daddr %[1]s tcp flags & (syn | ack) == syn counter name dialled
		ip daddr %[2]s meta l4proto { tcp, udp } counter name stranger
		ip daddr %[3]s meta l4proto { tcp, udp } counter name home
		ip daddr { 224.0.0.0/3, 0.0.0.0/8, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.0.0/16, 100.64.0.0/10 } ip daddr != %[3]s meta l4proto { tcp, udp } counter name nowhere
		ip daddr %[1]s th dport 1-1023 th dport != 443 counter name service
		oif lo meta l4proto { tcp, udp } counter name itself
	}
}
`, s.victim, s.Viewer().Addr, home)
	if err := s.Device().Filter(s.t.Context(), rules); err != nil {
		s.t.Fatal(err)
	}
}

// counts returns what has left the camera by now.
func (s *scene) counts() map[string]natlab.Count {
	s.t.Helper()
	counts, err := s.Device().Counters(s.t.Context(), "abuse")
	if err != nil {
		s.t.Fatal(err)
	}
	return counts
}

// since returns what has left the camera after before.
func (s *scene) since(before map[string]natlab.Count) map[string]natlab.Count {
	s.t.Helper()
	counts := s.counts()
	for name, b := range before {
		counts[name] = natlab.Count{Packets: counts[name].Packets - b.Packets, Bytes: counts[name].Bytes - b.Bytes}
	}
	return counts
}

// footprint is what the agent has of the machine.
type footprint struct{ memoryKB, threads, files int }

func (s *scene) footprint() (f footprint) {
	s.t.Helper()
	dir := fmt.Sprintf("/proc/%d", s.agent.PID())
	status, err := os.ReadFile(dir + "/status")
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		_, _ = fmt.Sscanf(line, "VmRSS: %d kB", &f.memoryKB)
		_, _ = fmt.Sscanf(line, "Threads: %d", &f.threads)
	}
	files, err := os.ReadDir(dir + "/fd")
	if err != nil {
		s.t.Fatal(err)
	}
	f.files = len(files)
	return f
}
