package programs

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// unit is a systemd unit with the built programs in place of the installed ones.
func unit(t *testing.T, name string) (path, text string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "deploy", "systemd", name))
	if err != nil {
		t.Fatal(err)
	}
	text = strings.ReplaceAll(string(b), "/usr/local/bin", programs)
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, text
}

func TestUnitsAreWhatSystemdKnowsAndGiveLittleAway(t *testing.T) {
	for _, name := range []string{"sightline-agent.service", "sightline.service"} {
		path, _ := unit(t, name)
		for _, args := range [][]string{
			{"verify", "--man=no", path},
			{"security", "--offline=true", "--threshold=25", "--no-pager", path}, // of 100, in which 40 is called "OK"
		} {
			out, err := exec.CommandContext(t.Context(), "systemd-analyze", args...).CombinedOutput()
			if err != nil || args[0] == "verify" && len(out) > 0 {
				t.Errorf("%s %s: %v\n%s", args[0], name, err, out)
			}
		}
	}
}

// status is what a test looks at of /status.json.
type status struct {
	Cameras []struct {
		ID      string `json:"id"`
		Device  string `json:"device"`
		Error   string `json:"error"`
		Link    struct{ Up bool }
		Sources []struct{ State, Source, Error string }
	} `json:"cameras"`
}

// waits waits for something in the log, and returns its parts.
func (p *process) waits(what *regexp.Regexp) []string {
	p.t.Helper()
	for deadline := time.After(patience); ; {
		if found := what.FindStringSubmatch(p.said()); found != nil {
			return found
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			p.t.Fatalf("the log never has %s", what)
		}
	}
}

var pageAddress = regexp.MustCompile(`msg="status page served" address=(\S+)`)

// page is where an agent's status page is.
func (p *process) page() string {
	p.t.Helper()
	return "http://" + p.waits(pageAddress)[1]
}

func get(t *testing.T, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v %s", url, response.Status, err, body)
	}
	return string(body)
}

// The agent's unit, without systemd: its command, its environment and its socket, two cameras that serve and one that cannot.
func TestAgentServesAsItsUnitSays(t *testing.T) {
	s := serves(t, t.TempDir())
	dir := t.TempDir()
	var cameras strings.Builder
	for _, id := range []string{"door", "yard"} {
		code := answers[codeLine](t, "enroll", "create", "--data", s.data, "--name", id, "--json")[0].Code
		fmt.Fprintf(&cameras, "  - {id: %s, enroll: %s}\n", id, code)
	}
	fmt.Fprint(&cameras, "  - {id: shed, enroll: 7K3M-Q9ZD-0TVB-5HXE, source: \"rtsp://viewer:hunter2@127.0.0.1:1/\", warm: true}\n")
	text := "hub: " + s.URL + "\nstate: /nowhere\nport_mapping: off\nmedia_listen: 127.0.0.1:0\nstatus: 127.0.0.1:0\ncameras:\n" + cameras.String()
	if err := os.WriteFile(filepath.Join(dir, "agent.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()

	_, unit := unit(t, "sightline-agent.service")
	command := strings.Fields(strings.ReplaceAll(setting(t, unit, "ExecStart"), "${CREDENTIALS_DIRECTORY}", dir))
	environment := []string{
		strings.ReplaceAll(setting(t, unit, "Environment"), "%S", dir), "NOTIFY_SOCKET=" + filepath.Join(dir, "notify"), "WATCHDOG_USEC=300000",
	}
	p := startsIn(t, environment, filepath.Base(command[0]), command[1:]...)

	until := func(what string) {
		t.Helper()
		b := make([]byte, 4096)
		for {
			if err := socket.SetReadDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			n, err := socket.Read(b)
			if err != nil {
				t.Fatalf("wait for %s: %v", what, err)
			}
			if strings.Contains(string(b[:n]), what) {
				return
			}
		}
	}
	until("READY=1")
	until("WATCHDOG=1\nSTATUS=2 of 3 cameras on the air, 0 viewers: shed the hub refused the enrolment")
	page := p.page()
	var now status
	if err := json.Unmarshal([]byte(get(t, page+"/status.json")), &now); err != nil {
		t.Fatal(err)
	}
	if len(now.Cameras) != 3 || !now.Cameras[0].Link.Up || !now.Cameras[1].Link.Up || now.Cameras[0].Device == now.Cameras[1].Device ||
		!strings.Contains(now.Cameras[2].Error, "refused") {
		t.Errorf("the status is %+v, want two devices on the air and one refused", now)
	}
	if got := get(t, page+"/healthz"); got != "ok\n" {
		t.Errorf("healthz: got %q", got)
	}
	if got := get(t, page); !strings.Contains(got, "Camera shed") || strings.Contains(got, "hunter2") {
		t.Errorf("the page is\n%s", got)
	}
	if strings.Contains(p.said(), "hunter2") || strings.Contains(p.said(), "7K3M") {
		t.Error("the log has a secret")
	}
	for _, id := range []string{"door", "yard"} {
		if _, err := os.Stat(filepath.Join(dir, "sightline-agent", id, "device.key")); err != nil {
			t.Errorf("the key of %s: %v", id, err)
		}
	}
	p.terminates()
	until("STOPPING=1")
}

// terminates sends SIGTERM and wants status 0.
func (p *process) terminates() {
	p.t.Helper()
	p.signals(15)
	p.ended()
}

// setting is what a unit says under a name.
func setting(t *testing.T, unit, name string) string {
	t.Helper()
	for line := range strings.Lines(unit) {
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			return strings.TrimSpace(value)
		}
	}
	t.Fatalf("the unit says nothing under %s", name)
	return ""
}
