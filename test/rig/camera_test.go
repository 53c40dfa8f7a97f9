//go:build linux

package rig

import (
	"os"
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/test/natlab"
)

func TestTheCameraSendsWhatItPromises(t *testing.T) {
	r := stage(t)
	camera, err := r.RTSPCamera(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	probe := r.Camera.Command(t.Context(), "ffprobe", "-v", "error", "-rtsp_transport", "tcp",
		"-show_entries", "stream=codec_name,width,height,profile,has_b_frames", "-of", "compact", camera.URL)
	out, err := probe.Output()
	if err != nil {
		t.Fatalf("probe the stream: %v%s", err, stderr(err))
	}
	want := "stream|codec_name=h264|profile=High|width=1280|height=720|has_b_frames=0"
	if got := strings.TrimSpace(string(out)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// stage opens the lab of a rig only: its programs are not needed here.
func stage(t *testing.T) *Rig {
	t.Helper()
	if err := natlab.Usable(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	r, err := openLab(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			_, _ = r.Log.WriteTo(t.Output())
		}
	})
	return r
}
