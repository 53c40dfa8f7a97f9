package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/device"
)

// readSettings parses arguments with a file of settings.
func readSettings(t *testing.T, text string, args ...string) (settings, string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "agent.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	s, err := parse(append([]string{"run", "--config", path}, args...), io.Discard, &log)
	return s, log.String(), err
}

const twoCameras = `
hub: https://cameras.example.org
state: /var/lib/sightline-agent
stun: [stun:a.example.org, stun:b.example.org]
log_level: warn
port_mapping: off
door: poll
cameras:
  - id: door
    name: "Front door"
    enroll: 7K3M-Q9ZD-0TVB-5HXE
    source: rtsp://viewer:hunter2@192.0.2.7/main
    sub: rtsp://viewer:hunter2@192.0.2.7/sub
    max_viewers: 3
  - {id: yard, warm: true, talk: "exec:cat -u"}
`

func TestFileSaysWhatFlagsSayAndTheCameras(t *testing.T) {
	s, _, err := readSettings(t, twoCameras, "--door", "websocket", "--log-level", "info")
	if err != nil {
		t.Fatal(err)
	}
	if s.Hub != "https://cameras.example.org" || s.State != "/var/lib/sightline-agent" || !s.NoPortMapping {
		t.Errorf("the top level is %+v", s.Config)
	}
	if s.Door != "websocket" {
		t.Errorf("door %q: got that of the file, want that of the flag", s.Door)
	}
	if diff := cmp.Diff([]string{"stun:a.example.org", "stun:b.example.org"}, s.Reach.Servers); diff != "" {
		t.Errorf("STUN servers (-want +got):\n%s", diff)
	}
	if len(s.Cameras) != 2 || s.Cameras[0].Enrol.Reveal() != "7K3M-Q9ZD-0TVB-5HXE" {
		t.Fatalf("got the cameras %+v, want two, the first with its code", s.Cameras)
	}
	want := []device.CameraConfig{
		{
			ID: "door", Name: "Front door", Source: "rtsp://viewer:hunter2@192.0.2.7/main", Sub: "rtsp://viewer:hunter2@192.0.2.7/sub",
			MaxSessions: 3,
		},
		{ID: "yard", Source: "test:", Talk: "exec:cat -u", Warm: true},
	}
	if diff := cmp.Diff(want, s.Cameras, cmp.Comparer(func(_, _ auth.Secret) bool { return true })); diff != "" {
		t.Errorf("cameras (-want +got):\n%s", diff)
	}
}

func TestEnvironmentWeighsMoreThanTheFile(t *testing.T) {
	t.Setenv("SIGHTLINE_HUB", "https://other.example.org")
	s, _, err := readSettings(t, twoCameras)
	if err != nil || s.Hub != "https://other.example.org" {
		t.Errorf("got the hub %q and %v, want that of the environment", s.Hub, err)
	}
}

func TestFileWithoutCamerasLeavesTheOneOfTheFlags(t *testing.T) {
	s, _, err := readSettings(t, "hub: https://cameras.example.org\nstate: st\n", "--source", "file:x.h264", "--enroll", "c")
	if err != nil || len(s.Cameras) != 1 || s.Cameras[0].Source != "file:x.h264" || s.Cameras[0].ID != "" {
		t.Errorf("got %+v and %v, want the camera of the flags", s.Cameras, err)
	}
}

func TestFaultsOfTheFileHaveTheirLineAndWords(t *testing.T) {
	top := "hub: https://cameras.example.org\nstate: st\n"
	tests := []struct{ name, text, want string }{
		{"a slip", "staet: x\n", `agent.yaml:3: the file has no key "staet": did you mean state?`},
		{"nothing near", "colour: x\n", `agent.yaml:3: the file has no key "colour"; it can have ca, cameras, door, door_retry, hub, log_level,`},
		{"a camera's key at the top", "source: x\n", `agent.yaml:3: the file has no key "source": it belongs to a camera, under cameras`},
		{"a slip in a camera", "cameras:\n  - id: a\n    max_viewer: 3\n", `agent.yaml:5: a camera has no key "max_viewer": did you mean max_viewers?`},
		{"twice", "hub: b\n", `agent.yaml:3: hub stands in line 1 already`},
		{"twice in another spelling", "log-level: info\nlog_level: warn\n", `agent.yaml:4: log_level stands in line 3 already`},
		{"a camera twice", "cameras:\n  - id: a\n  - id: a\n", `agent.yaml:5: the camera of line 4 has the id a too`},
		{"no id", "cameras:\n  - name: a\n", `agent.yaml:4: the camera has no id`},
		{"an id that is a path", "cameras:\n  - id: ../a\n", `agent.yaml:4: an id has 1 to 64 letters`},
		{"no list", "cameras:\n  id: a\n", `agent.yaml:4: cameras is a list`},
		{"an empty value", "door:\n", `agent.yaml:3: door has no value`},
		{"a list for a value", "ca: [a, b]\n", `agent.yaml:3: ca has one value`},
		{"no number", "cameras:\n  - id: a\n    max_viewers: many\n", `agent.yaml:5: max_viewers cannot be "many"`},
		{"too many", "cameras:\n  - id: a\n    max_viewers: 1001\n", `agent.yaml:4: a device serves 1 to 1000 viewers`},
		{"an unknown source", "cameras:\n  - id: a\n    source: gopher://u:hunter2@x\n", `agent.yaml:4: source scheme "gopher" is unknown`},
		{"a colon without quotes", "cameras:\n  - id: a\n    source: test:\n", `a value that ends in a colon needs quotes`},
		{"no YAML", "cameras: [\n", `agent.yaml: line`},
		{"a flag of one camera", "cameras:\n  - id: a\n", `agent.yaml:3: --model is for an agent without a list of cameras`},
		{"a password for a key", "\"rtsp://u:hunter2@x\": a\n", `agent.yaml:3: the file has no key that is no word`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var args []string
			if strings.Contains(tt.want, "--model") {
				args = []string{"--model", "m1"}
			}
			_, _, err := readSettings(t, top+tt.text, args...)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestAllFaultsOfTheFileAreToldAtOnce(t *testing.T) {
	_, _, err := readSettings(t, "hbu: x\ncameras:\n  - id: a\n    sorce: x\n  - id: b\n    warm: so\n")
	if err == nil || strings.Count(err.Error(), "agent.yaml:") != 3 {
		t.Errorf("got %v, want three faults", err)
	}
}

func TestSecretsThatEverybodyCanReadAreWarnedOf(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		mode os.FileMode
		want bool
	}{
		"for all to read":     {twoCameras, 0o644, true},
		"for a group to read": {twoCameras, 0o640, false},
		"in a command":        {"hub: https://cameras.example.org\nstate: st\ncameras:\n  - id: a\n    source: exec:cat rtsp://u:p@camera/\n", 0o644, true},
		"a password alone":    {"hub: https://cameras.example.org\nstate: st\ncameras:\n  - {id: a, source: \"exec:ffmpeg -i rtsp://u:p@h/ -f mpegts -\"}\n", 0o644, true},
		"no secret":           {"hub: https://cameras.example.org\nstate: st\ncameras:\n  - id: a\n", 0o644, false},
	} {
		path := filepath.Join(t.TempDir(), "agent.yaml")
		if err := errors.Join(os.WriteFile(path, []byte(tt.text), 0o600), os.Chmod(path, tt.mode)); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		if _, err := parse([]string{"run", "--config", path, "--log-level", "info"}, io.Discard, &log); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(log.String(), "configuration with secrets is readable by everybody"); got != tt.want {
			t.Errorf("%s: got the log %q", name, &log)
		}
	}
}

func FuzzFile(f *testing.F) {
	f.Add([]byte(twoCameras))
	f.Add([]byte("cameras:\n  - &a {id: a}\n  - *a\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte("- 1\n"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, text []byte) {
		set := flag.NewFlagSet("", flag.ContinueOnError)
		set.SetOutput(io.Discard)
		set.String("hub", "", "")
		set.String("stun", "", "")
		read := decodeFile("f", text, set)
		for _, c := range read.cameras {
			if err := c.Check(); err != nil || c.ID == "" {
				t.Errorf("took the camera %q, of which is wrong: %v", c.ID, err)
			}
		}
	})
}
