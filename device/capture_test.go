package device

import (
	"bytes"
	"encoding/json"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
)

// still is what a device answered to a capture.
type still struct {
	request, authorization, kind string
	body                         []byte
}

const testRequest = "0123456789abcdef0123456789abcdef"

func TestHubIsSentTheSnapshotThatItAsksFor(t *testing.T) {
	h := newHub(t)
	run(t, settings(t, h))
	w := h.lives()
	w.send(protocol.TypeCapture, "", &protocol.Capture{Request: testRequest})
	got := within(t, "a snapshot", h.stills)
	if got.request != testRequest || got.authorization != "Link l-1.k-1" || got.kind != "image/jpeg" {
		t.Errorf("got request %q of %q with %q", got.request, got.authorization, got.kind)
	}
	if _, err := jpeg.Decode(bytes.NewReader(got.body)); err != nil {
		t.Errorf("the snapshot is no picture: %v", err)
	}
	w.conn.Close()
	w = h.resumes(w)
	w.send(protocol.TypeCapture, "", &protocol.Capture{Request: testRequest})
	if again := within(t, "another snapshot", h.stills); !bytes.Equal(again.body, got.body) {
		t.Error("the camera was asked twice within ten seconds")
	}
}

func TestHubIsToldWhyThereIsNoSnapshot(t *testing.T) {
	h := newHub(t)
	c := settings(t, h)
	file := filepath.Join(t.TempDir(), "empty.h264")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c.Cameras[0].Source = "file:" + file
	run(t, c)
	w := h.lives()
	w.send(protocol.TypeCapture, "", &protocol.Capture{Request: testRequest})
	got := within(t, "a refusal", h.stills)
	var why protocol.Error
	if err := json.Unmarshal(got.body, &why); err != nil || got.kind != "application/json" || why.Code != protocol.CodeNotFound {
		t.Errorf("got %s %s (%v), want not_found", got.kind, got.body, err)
	}
}
