package device

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
)

func TestStatusFollowsTheCameras(t *testing.T) {
	h := newHub(t)
	c := twoCameras(t, h)
	accept := h.answer
	h.answer = func(w http.ResponseWriter, e enrolment) {
		if e.Code == secondCode {
			http.Error(w, "", http.StatusInternalServerError)
			return
		}
		accept(w, e)
	}
	agent, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if s := agent.Status(); s.MediaPort != 0 || len(s.Cameras) != 2 || s.Cameras[0].Device != "" || s.Cameras[0].Link.Up {
		t.Errorf("before it runs: got %+v", s)
	}
	r := runs(t, agent)
	within(t, "the media port", agent.Listening())
	w := h.lives()
	s := until(t, agent, "the door's link", func(s Status) bool { return s.Cameras[0].Link.Up && s.Cameras[1].Err != nil })
	door, yard := s.Cameras[0], s.Cameras[1]
	if s.MediaPort == 0 || door.Device != testDevice || door.Err != nil || door.Link.Transport != protocol.TransportWebSocket {
		t.Errorf("got %+v, want the door on the air", s)
	}
	if len(door.Sources) != 1 || door.Sources[0].State != "idle" || yard.Device != "" {
		t.Errorf("got %+v, want an idle source and a second camera without a device", s)
	}
	w.conn.Close()
	h.server.Close()
	s = until(t, agent, "the loss of the link", func(s Status) bool { return !s.Cameras[0].Link.Up && s.Cameras[0].Link.Err != nil })
	if s.Cameras[0].Link.Retry.IsZero() {
		t.Errorf("got %+v, want when it is tried again", s.Cameras[0].Link)
	}
	if err := agent.Stuck(); err != nil {
		t.Errorf("an agent without a hub is stuck: %v", err)
	}
	if err := r.ends(); err != nil {
		t.Errorf("the agent ended with %v", err)
	}
}

// until waits for a status.
func until(t *testing.T, agent *Agent, what string, good func(Status) bool) Status {
	t.Helper()
	for deadline := time.After(patience); ; {
		s := agent.Status()
		if good(s) {
			return s
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-deadline:
			t.Fatalf("waited in vain for %s: %+v", what, s)
		}
	}
}

func TestStatusHoldsNoSecret(t *testing.T) {
	c := settings(t, newHub(t))
	c.Cameras[0].Enrol = auth.NewSecret(testCode)
	c.Cameras[0].Source = "rtsp://viewer:hunter2@192.0.2.7/"
	agent, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if got := agent.Status().Cameras[0].Sources[0].Source; strings.Contains(got, "hunter2") || !strings.Contains(got, "192.0.2.7") {
		t.Errorf("the source is %q, want it without its password", got)
	}
}
