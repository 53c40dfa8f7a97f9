package device

import (
	"crypto/ed25519"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
)

func TestDeviceEnrolsOnceAndIsItselfAfterwards(t *testing.T) {
	h := newHub(t)
	c := settings(t, h)
	c.Cameras[0].Enrol = auth.NewSecret(strings.ToLower(testCode) + " ") // as typed by a person
	c.Cameras[0].Name, c.Cameras[0].Model = "garden", "m1"
	first := run(t, c)
	e := within(t, "an enrolment", h.enrols)
	want := enrolment{Code: testCode, PublicKey: e.PublicKey, Name: "garden", Model: "m1"}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("enrolment (-want +got):\n%s", diff)
	}
	checkHello(t, h, e.PublicKey)
	if got := within(t, "readiness", first.ready); got != testDevice {
		t.Errorf("ready as %q, want %q", got, testDevice)
	}
	if err := first.ends(); err != nil {
		t.Errorf("the agent ended with %v", err)
	}
	for _, name := range []string{keyFile, identityFile} {
		info, err := os.Stat(filepath.Join(c.State, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want that only its owner reads it", name, info.Mode())
		}
	}

	// The state wins over a code, as when the service manager starts the same command again.
	second := run(t, c)
	checkHello(t, h, e.PublicKey)
	within(t, "readiness", second.ready)
	if len(h.enrols) != 0 {
		t.Error("the device enrolled again")
	}
}

// checkHello takes the next hello and welcomes it if its token is the device's.
func checkHello(t *testing.T, h *hub, key ed25519.PublicKey) {
	t.Helper()
	w := h.hears()
	if w.hello.Role != protocol.RoleDevice || w.hello.Version != protocol.Version || w.hello.Client.Version != "test" ||
		w.hello.MaxSessions != protocol.DefaultMaxSessions {
		t.Errorf("the hello is %+v", w.hello)
	}
	own := func(audience string) bool { return audience == h.server.URL }
	if _, err := auth.VerifyDevice(w.hello.Token, testDevice, key, own, time.Now()); err != nil {
		t.Errorf("the token of the hello: %v", err)
	}
	w.send(protocol.TypeWelcome, "", &protocol.Welcome{Link: "l-1", Key: "k-1", PingS: 20, Now: time.Now()})
}

func TestEnrolmentIsTriedUntilAHubAnswers(t *testing.T) {
	h := newHub(t)
	obstacles := []func(http.ResponseWriter){
		func(w http.ResponseWriter) {
			w.Header().Del(protocol.ServerHeader)
			http.Error(w, "log in first", http.StatusForbidden) // a captive portal
		},
		func(w http.ResponseWriter) {
			w.Header().Del(protocol.ServerHeader)
			w.Header().Set("Location", "http://portal.example/")
			w.WriteHeader(http.StatusFound)
		},
		func(w http.ResponseWriter) { http.Error(w, "", http.StatusInternalServerError) },
		func(w http.ResponseWriter) { http.Error(w, "", http.StatusTooManyRequests) },
		func(w http.ResponseWriter) { _, _ = w.Write([]byte(`{"device":"../x"}`)) },
	}
	answer := h.answer
	h.answer = func(w http.ResponseWriter, e enrolment) {
		if len(obstacles) == 0 {
			answer(w, e)
			return
		}
		obstacles[0](w)
		obstacles = obstacles[1:]
	}
	attempts := len(obstacles) + 1
	r := run(t, settings(t, h))
	var first enrolment
	for n := range attempts {
		e := within(t, "an enrolment", h.enrols)
		if n == 0 {
			first = e
		}
		if diff := cmp.Diff(first, e); diff != "" {
			t.Errorf("attempt %d is another request (-first +this):\n%s", n, diff)
		}
	}
	h.lives()
	within(t, "readiness", r.ready)
}

func TestRefusedCodeEndsTheAgentInOneLine(t *testing.T) {
	h := newHub(t)
	h.answer = func(w http.ResponseWriter, _ enrolment) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"title":"Not Found","detail":"this code is not good any more"}`))
	}
	err := run(t, settings(t, h)).ended()
	if err == nil {
		t.Fatal("the agent ended without an error")
	}
	if got, want := err.Error(), "the hub refused the enrolment: this code is not good any more"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAgentSaysWhatItLacks(t *testing.T) {
	h := newHub(t)
	tests := []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"no code", func(c *Config) { c.Cameras[0].Enrol = auth.Secret{} }, "the device is not enrolled: start it once with an enrolment code"},
		{"garbage for a code", func(c *Config) { c.Cameras[0].Enrol = auth.NewSecret("hello") }, "this is not an enrolment code: one looks like XXXX-XXXX-XXXX-XXXX"},
		{"a file for a directory", func(c *Config) { c.State = filepath.Join(file(t), "state") }, "not a directory"},
		{"a taken media port", func(c *Config) { c.Reach.Listen = "192.0.2.1:1" }, "open media port: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := settings(t, h)
			tt.change(&c)
			err := run(t, c).ended()
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want one line with %q", err, tt.want)
			}
		})
	}
	if len(h.enrols) != 0 {
		t.Error("a device that could not be enrolled asked the hub")
	}
}

func TestConfigThatCannotBeRightIsRefused(t *testing.T) {
	good := Config{Hub: "https://cameras.example.org", State: "state", Cameras: []CameraConfig{{}}}
	tests := map[string]func(*Config){
		"no hub":            func(c *Config) { c.Hub = "" },
		"a hub without URL": func(c *Config) { c.Hub = "cameras.example.org" },
		"a wrong scheme":    func(c *Config) { c.Hub = "ftp://cameras.example.org" },
		"no state":          func(c *Config) { c.State = "" },
		"too many viewers":  func(c *Config) { c.Cameras[0].MaxSessions = 1001 },
		"negative viewers":  func(c *Config) { c.Cameras[0].MaxSessions = -1 },
		"a long model":      func(c *Config) { c.Cameras[0].Model = strings.Repeat("m", protocol.MaxNameBytes+1) },
		"no camera":         func(c *Config) { c.Cameras = nil },
		"a nameless second": func(c *Config) { c.Cameras = []CameraConfig{{ID: "a"}, {}} },
		"the same twice":    func(c *Config) { c.Cameras = []CameraConfig{{ID: "a"}, {ID: "a"}} },
		"a way for an id":   func(c *Config) { c.Cameras[0].ID = "../a" },
		"an unknown source": func(c *Config) { c.Cameras[0].Source = "gopher://camera" },
	}
	for name, change := range tests {
		c := good
		c.Cameras = slices.Clone(good.Cameras)
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
	if _, err := New(good); err != nil {
		t.Errorf("a good one: %v", err)
	}
}

func TestShutdownInterruptsWhateverTheAgentWaitsFor(t *testing.T) {
	for _, stage := range []string{"enrolment", "upgrade", "back-off"} {
		t.Run(stage, func(t *testing.T) {
			h := newHub(t)
			c := settings(t, h)
			c.DialTimeout, c.MinBackoff, c.MaxBackoff = never, never, never
			reached, release := make(chan struct{}, 8), make(chan struct{})
			defer close(release)
			hold := func() {
				reached <- struct{}{}
				<-release
			}
			switch stage {
			case "enrolment":
				h.answer = func(http.ResponseWriter, enrolment) { hold() }
			case "back-off":
				h.answer = func(w http.ResponseWriter, _ enrolment) {
					w.WriteHeader(http.StatusInternalServerError)
					reached <- struct{}{}
				}
			case "upgrade":
				saved := state{c.State}
				if _, err := saved.keyOrNew(); err != nil {
					t.Fatal(err)
				}
				if err := saved.saveIdentity(identity{testDevice, protocol.DefaultProject}); err != nil {
					t.Fatal(err)
				}
				h.server.Config.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hold() })
			}
			r := run(t, c)
			within(t, stage, reached)
			if err := r.ends(); err != nil {
				t.Errorf("the agent ended with %v", err)
			}
		})
	}
}

func FuzzEnrolmentAnswer(f *testing.F) {
	f.Add(200, "n-1", []byte(`{"device":"cam-1","project":"default"}`))
	f.Add(404, "n-1", []byte(`{"detail":"no"}`))
	f.Add(502, "", []byte(`<html>`))
	f.Add(429, "n-1", []byte(`{"title":1}`))
	f.Fuzz(func(t *testing.T, status int, node string, body []byte) {
		response := &http.Response{StatusCode: status, Status: "x", Header: http.Header{protocol.ServerHeader: {node}}}
		id, err := judgeEnrolment(response, body)
		if err == nil && (!id.Device.Valid() || !id.Project.Valid() || node == "" || status/100 != 2) {
			t.Errorf("status %d from %q with %q makes the device %+v", status, node, body, id)
		}
	})
}

// file returns the path of a regular file.
func file(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
