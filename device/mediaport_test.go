package device

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/device/reach"
)

func TestMediaPortIsTheSameAfterARestart(t *testing.T) {
	h := newHub(t)
	c := settings(t, h)
	for n := range 2 {
		r := run(t, c)
		h.lives()
		within(t, "readiness", r.ready)
		if err := r.ends(); err != nil {
			t.Fatalf("run %d: %v", n, err)
		}
	}
	known, err := state{c.State}.mediaPort()
	first := known.Port
	if err != nil || first == 0 {
		t.Fatalf("remembered: got %d and %v, want a port", first, err)
	}
	agent, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	port, err := agent.openPort()
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	if got := port.Number(); got != first {
		t.Errorf("port: got %d, want %d as before", got, first)
	}
}

func TestTakenMediaPortIsNotInsistedOn(t *testing.T) {
	taken, err := reach.Open(reach.Config{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c := settings(t, newHub(t))
	if err := (state{c.State}).saveMediaPort(mediaPort{Port: taken.Number()}); err != nil {
		t.Fatal(err)
	}
	agent, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	port, err := agent.openPort()
	if err != nil {
		t.Fatalf("open: %v, want another port", err)
	}
	defer port.Close()
	if port.Number() == taken.Number() {
		t.Errorf("port: got %d, which is taken", port.Number())
	}
}

func TestDamagedMemoryOfTheMediaPortIsTold(t *testing.T) {
	var log kept
	c := settings(t, newHub(t))
	c.Logger = log.logger()
	if err := os.WriteFile(filepath.Join(c.State, mediaPortFile), []byte(`{"port":70000}`), 0o600); err != nil {
		t.Fatal(err)
	}
	agent, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	port, err := agent.openPort()
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	if !strings.Contains(log.String(), "media port not recalled") {
		t.Errorf("log: got %s, want a word of the file", &log)
	}
}

func FuzzDecodeMediaPort(f *testing.F) {
	for _, seed := range []string{`{"port":40000,"stun":["stun:192.0.2.1:3478"]}`, `{"stun":["http://a"]}`, `{"port":-1}`, `{}`, ``, `[]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		known, err := decodeMediaPort(text)
		if err != nil && (known.Port != 0 || known.STUN != nil) || len(known.STUN) > maxKeptServers {
			t.Errorf("got %+v with %v", known, err)
		}
	})
}
