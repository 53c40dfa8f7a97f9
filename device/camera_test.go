package device

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
)

const (
	secondCode   = "8K3M-Q9ZD-0TVB-5HXE"
	secondDevice = protocol.DeviceID("cam-2")
)

// twoCameras are settings of an agent with the cameras "door" and "yard", of which the hub makes devices of their own.
func twoCameras(t *testing.T, h *hub) Config {
	t.Helper()
	c := settings(t, h)
	c.Cameras = []CameraConfig{{ID: "door", Enrol: auth.NewSecret(testCode)}, {ID: "yard", Enrol: auth.NewSecret(secondCode)}}
	h.answer = func(w http.ResponseWriter, e enrolment) {
		id := testDevice
		if e.Code == secondCode {
			id = secondDevice
		}
		_ = json.NewEncoder(w).Encode(identity{id, protocol.DefaultProject})
	}
	return c
}

func TestEachCameraIsADeviceOfItsOwn(t *testing.T) {
	h := newHub(t)
	c := twoCameras(t, h)
	r := run(t, c)
	keys := map[string]string{}
	for range c.Cameras {
		e := within(t, "an enrolment", h.enrols)
		keys[e.Code] = string(e.PublicKey)
	}
	if keys[testCode] == "" || keys[testCode] == keys[secondCode] {
		t.Error("both cameras have one key")
	}
	ready := map[protocol.DeviceID]bool{}
	for range c.Cameras {
		h.lives()
		ready[within(t, "readiness", r.ready)] = true
	}
	if !ready[testDevice] || !ready[secondDevice] {
		t.Errorf("ready are %v, want both", ready)
	}
	for id, want := range map[string]protocol.DeviceID{"door": testDevice, "yard": secondDevice} {
		if got, known, err := (state{filepath.Join(c.State, id)}).identity(); err != nil || !known || got.Device != want {
			t.Errorf("the state of %s: got %q and %v, want %q", id, got.Device, err, want)
		}
	}
	if known, err := (state{c.State}).mediaPort(); err != nil || known.Port == 0 {
		t.Errorf("the media port: got %d and %v, want one for all", known.Port, err)
	}
	if err := r.ends(); err != nil {
		t.Errorf("the agent ended with %v", err)
	}
}

func TestRefusedCameraDoesNotStopTheOthers(t *testing.T) {
	h := newHub(t)
	c := twoCameras(t, h)
	var log kept
	c.Logger = log.logger()
	accept := h.answer
	h.answer = func(w http.ResponseWriter, e enrolment) {
		if e.Code == testCode {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"detail":"this code is not good any more"}`))
			return
		}
		accept(w, e)
	}
	r := run(t, c)
	h.lives()
	if got := within(t, "readiness", r.ready); got != secondDevice {
		t.Errorf("ready is %q, want %q", got, secondDevice)
	}
	if err := r.ends(); err != nil {
		t.Errorf("the agent ended with %v", err)
	}
	want := `msg="camera not served" camera=door err="the hub refused the enrolment: this code is not good any more"`
	if !strings.Contains(log.String(), want) {
		t.Errorf("the log has no line with %s:\n%s", want, &log)
	}
}

func TestAgentEndsWhenNoCameraIsLeft(t *testing.T) {
	c := twoCameras(t, newHub(t))
	c.Cameras[0].Enrol = auth.Secret{}
	c.Cameras[1].Enrol = auth.NewSecret("hello")
	err := run(t, c).ended()
	if err == nil || !strings.Contains(err.Error(), "camera door: the device is not enrolled") ||
		!strings.Contains(err.Error(), "camera yard: this is not an enrolment code") {
		t.Errorf("got %v, want what both cameras lack", err)
	}
}

func TestStateDirectoryIsMadeWithAllAboveIt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b", "c")
	for range 2 {
		if err := makeDir(dir); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("got %v and %v, want a directory of its owner", info, err)
	}
}
