package camera

import (
	"context"
	_ "embed"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
)

// Python is Debian's own: the GStreamer bindings are installed for no other.
const Python = "/usr/bin/python3"

// Options say what a camera sends and what is wrong with it. The zero value is what common cameras do: H.264 High without
// B-frames, 1280x720 at 30 frames a second, a keyframe every two seconds, about 2 Mbit/s, no sound, no password, the running
// time in digits in the upper left corner.
type Options struct {
	// Codec is h264, h265, vp8, vp9 or mjpeg; Profile that of H.264: baseline, main or high.
	Codec   string `json:"codec,omitempty"`
	Profile string `json:"profile,omitempty"`
	Width   int    `json:"width,omitempty"`
	Height  int    `json:"height,omitempty"`
	// GOP is the distance of keyframes, BFrames how many B-frames stand between two others; both in frames.
	GOP     int `json:"gop,omitempty"`
	BFrames int `json:"b_frames,omitempty"`
	// Bitrate is in kbit/s.
	Bitrate int `json:"bitrate,omitempty"`
	// Busy makes a picture that moves everywhere: it fills its bitrate, and is encoded in one slice, as network cameras do.
	Busy bool `json:"busy,omitempty"`
	// Sound is pcma, pcmu, opus, aac or l16 (at 16 kHz).
	Sound string `json:"sound,omitempty"`
	// Speaker is the file to which the camera's loudspeaker writes what it is sent, as mu-law at 8 kHz; empty means that there
	// is none. It is a back channel as of ONVIF.
	Speaker string `json:"speaker,omitempty"`
	// SetsInSDP leaves the parameter sets out of the stream.
	SetsInSDP bool `json:"sets_in_sdp,omitempty"`

	// Port is a free one if 0.
	Port int `json:"port,omitempty"`
	// Transport is the only one that the camera offers, tcp or udp.
	Transport string `json:"transport,omitempty"`
	// User and Password are wanted as a digest, or with Basic in plain text.
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`
	Basic    bool   `json:"basic,omitempty"`
	// Certificate and Key are PEM files, with which the camera speaks TLS.
	Certificate string `json:"certificate,omitempty"`
	Key         string `json:"key,omitempty"`

	// StallAfterMS is when no packet comes any more, though the connection stays; ResizeAfterMS when the picture becomes half
	// as wide and high; both since the first viewer came. DropAfterMS is when a connection is closed, since it was opened.
	StallAfterMS  int `json:"stall_after_ms,omitempty"`
	ResizeAfterMS int `json:"resize_after_ms,omitempty"`
	DropAfterMS   int `json:"drop_after_ms,omitempty"`
	// NoKeyframe leaves out every keyframe.
	NoKeyframe bool `json:"no_keyframe,omitempty"`
}

//go:embed testdata/camera.py
var script string

// Arguments are those with which Python is to be started for a camera. Its first line is {"ready":true,"url":URL}.
func (o Options) Arguments() []string {
	options, err := json.Marshal(o)
	if err != nil {
		panic(err) // numbers and strings only
	}
	return []string{"-c", script, string(options)}
}

// Need skips a test on machines without GStreamer's RTSP server, where CI must have it.
func Need(t *testing.T) {
	t.Helper()
	check := exec.CommandContext(t.Context(), Python, "-c",
		"import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer")
	if out, err := check.CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("GStreamer's RTSP server is not installed: make test installs it: %v\n%s", err, out)
		}
		t.Skipf("GStreamer's RTSP server is not installed: %v", err)
	}
}

// Start runs a camera on this machine until the test ends or stop is called, and returns its URL.
func Start(t *testing.T, o Options) (url string, stop func()) {
	t.Helper()
	Need(t)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, Python, o.Arguments()...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	stop = func() {
		cancel()
		if !ended {
			_ = cmd.Wait() // it was killed
			ended = true
		}
	}
	t.Cleanup(stop)
	var ready struct{ URL string }
	if err := json.NewDecoder(out).Decode(&ready); err != nil {
		t.Fatalf("the camera did not start: %v", err)
	}
	return ready.URL, stop
}
