package device

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/device/peer"
	"github.com/sightline-rtc/sightline/device/source"
	"github.com/sightline-rtc/sightline/protocol"
)

var _ peer.Controls = controls{}

func TestStatusOfACameraThatNobodyHasLookedAt(t *testing.T) {
	camera, err := source.OpenCamera(source.CameraConfig{Source: "test:", Sub: "test:"})
	if err != nil {
		t.Fatal(err)
	}
	want := protocol.Camera{
		Source: protocol.SourceDialing, Snapshot: true,
		Renditions: []protocol.Rendition{{Name: protocol.RenditionMain}, {Name: protocol.RenditionSub}},
	}
	if diff := cmp.Diff(want, controls{camera}.Status()); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

func TestViewersHearWhyButNotWhere(t *testing.T) {
	for text, want := range map[string]string{
		"source rtsp://192.168.1.9:554/live?channel=1: the camera did not answer within 10s": "source …: the camera did not answer within 10s",
		"source rtsp://cam/x: dial tcp 192.168.1.9:554: connect: connection refused":         "source …: dial tcp …: connect: connection refused",
		"source rtsp://cam/x: dial tcp [fd00::9%eth0]:554: connect: connection refused":      "source …: dial tcp …: connect: connection refused",
		"source file: open /home/me/secret.mp4: no such file or directory":                   "source file: open …: no such file or directory",
		strings.Repeat("ä", 300): strings.Repeat("ä", maxWhy) + "…",
	} {
		if got := forViewers(errors.New(text)); got != want {
			t.Errorf("%q:\n got %q\nwant %q", text, got, want)
		}
	}
	if got := forViewers(nil); got != "" {
		t.Errorf("no error: got %q", got)
	}
}
