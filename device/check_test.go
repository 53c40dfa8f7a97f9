package device

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
)

// checked returns what a check says, and its error.
func checked(t *testing.T, c Config) (string, error) {
	t.Helper()
	agent, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	err = agent.Check(t.Context(), &out)
	settled(t)
	return out.String(), err
}

func TestCheckSaysWhatIsFine(t *testing.T) {
	h := newHub(t)
	h.refusesAll()
	c := settings(t, h)
	got, err := checked(t, c)
	want := "ok   server     reached at " + h.server.URL + ", WebSocket and long poll work\n" +
		"ok   disk       " + c.State + " can be written\n" +
		"ok   enrolment  not enrolled yet; the code has the right form\n" +
		"ok   source     H.264 640x360 with sound (G.711); it makes still pictures\n" +
		"ok   network    The address is public, but a firewall may let in only answers: viewers get through directly unless their own " +
		"router uses another port for every destination.\n"
	if err != nil || got != want {
		t.Errorf("got %v and\n%s\nwant\n%s", err, got, want)
	}
	if len(h.enrols) != 0 {
		t.Error("the check enrolled the device")
	}
}

func TestCheckSaysWhatIsNot(t *testing.T) {
	h := newHub(t)
	h.refusesAll()
	tests := []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"unreachable", func(c *Config) { c.Hub = "http://127.0.0.1:1" }, "BAD  server     reach 127.0.0.1:1: connection refused\n"},
		{"not enrolled", func(c *Config) { c.Cameras[0].Enrol = auth.Secret{} }, "BAD  enrolment  not enrolled: start the agent once with --enroll CODE\n"},
		{"a wrong code", func(c *Config) { c.Cameras[0].Enrol = auth.NewSecret("x") }, "BAD  enrolment  this is not an enrolment code"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := settings(t, h)
			tt.change(&c)
			got, err := checked(t, c)
			if err == nil || err.Error() != "1 of 4 checks failed" || !strings.Contains(got, tt.want) {
				t.Errorf("got %v and\n%s\nwant in it %q", err, got, tt.want)
			}
			if lines := strings.Count(got, "\n"); lines != 5 {
				t.Errorf("got %d lines, want one for each check:\n%s", lines, got)
			}
		})
	}
}

func TestCheckLooksAtEachCamera(t *testing.T) {
	h := newHub(t)
	h.refusesAll()
	c := twoCameras(t, h)
	c.Cameras[0].Sub = "test:?size=320x180&fps=15"
	c.Cameras[1].Enrol = auth.Secret{}
	got, err := checked(t, c)
	if err == nil || err.Error() != "1 of 6 checks failed" {
		t.Errorf("got %v, want that one of six failed", err)
	}
	for _, want := range []string{
		"ok   server          reached at ", "ok   door enrolment  not enrolled yet", "ok   door source     main: H.264 640x360 with sound (G.711); sub: H.264 320x180 with sound (G.711)",
		"BAD  yard enrolment  not enrolled", "ok   yard source     H.264 640x360",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the check lacks %q:\n%s", want, got)
		}
	}
}

func TestCheckSaysWhyTheDiskIsNotWritten(t *testing.T) {
	h := newHub(t)
	h.refusesAll()
	c := settings(t, h)
	c.State = filepath.Join(c.State, "a", "b")
	got, err := checked(t, c)
	if want := "ok   disk       " + c.State + " can be made\n"; err != nil || !strings.Contains(got, want) {
		t.Errorf("got %v and\n%s\nwant in it %q", err, got, want)
	}
	c.State = "/proc/sightline/state"
	got, err = checked(t, c)
	if want := "BAD  disk       write state: "; err == nil || !strings.Contains(got, want) {
		t.Errorf("got %v and\n%s\nwant in it %q", err, got, want)
	}
}

func TestCheckSaysWhichDoorWorksAndWhyTheOtherDoesNot(t *testing.T) {
	h := newHub(t)
	h.refusesAll()
	hub := h.server.Config.Handler
	tests := []struct {
		name, path, want string
	}{
		{"no WebSocket", protocol.LinkPath, "the long poll works and is used; no WebSocket gets through: " +
			"something other than a Sightline hub answered 200 OK"},
		{"no long poll", protocol.SendPath, "WebSocket works; the long poll does not: something other than a Sightline hub"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != tt.path {
					hub.ServeHTTP(w, r)
				}
			})
			got, err := checked(t, settings(t, h))
			if want := "ok   server     reached at " + h.server.URL + ", " + tt.want; err != nil || !strings.HasPrefix(got, want) {
				t.Errorf("got %v and\n%s\nwant first %q", err, got, want)
			}
		})
	}
}

func TestCheckSaysWhyNoPictureCame(t *testing.T) {
	c := settings(t, newHub(t))
	c.Cameras[0].Source = "rtsp://user:hunter2@127.0.0.1:1/"
	agent, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = agent.cameras[0].checkSource(ctx)
	if err == nil || !strings.Contains(err.Error(), "no picture came") || !strings.Contains(err.Error(), "127.0.0.1") ||
		strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v, want the address and why, without the password", err)
	}
}

func TestAnswersOfOthersAreToldFromTheHubs(t *testing.T) {
	h := newHub(t)
	tests := []struct {
		name   string
		answer func(http.ResponseWriter)
		want   string
	}{
		{"a portal", func(w http.ResponseWriter) { w.WriteHeader(http.StatusOK) }, "something other than a Sightline hub answered 200 OK"},
		{"a redirect", func(w http.ResponseWriter) {
			w.Header().Set("Location", "https://cameras.example.org/")
			w.WriteHeader(http.StatusMovedPermanently)
		}, `answered 301 Moved Permanently, to "https://cameras.example.org/"`},
		{"a hub that stops", func(w http.ResponseWriter) {
			w.Header().Set(protocol.ServerHeader, "n-1")
			w.WriteHeader(http.StatusServiceUnavailable)
		}, "the hub answered 503 Service Unavailable"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { tt.answer(w) })
			agent, err := New(settings(t, h))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := agent.checkDoors(t.Context()); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the doors say %v, want %q", err, tt.want)
			}
			if words, err := agent.checkHub(t.Context()); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the check says %q, %v, want %q", words, err, tt.want)
			}
			agent.client.CloseIdleConnections()
		})
	}
}
