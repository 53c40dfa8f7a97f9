package source

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
)

// python is Debian's own, which has GStreamer's bindings; others on the path do not.
const python = "/usr/bin/python3"

// camera is a GStreamer RTSP server in a process of its own.
type camera struct {
	port string
	stop func()
}

// needGStreamer skips on machines without GStreamer's RTSP server, where CI must have it.
func needGStreamer(t *testing.T) {
	t.Helper()
	check := exec.CommandContext(t.Context(), python, "-c",
		"import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer")
	if out, err := check.CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("GStreamer's RTSP server is not installed: make test installs it: %v\n%s", err, out)
		}
		t.Skipf("GStreamer's RTSP server is not installed: %v", err)
	}
}

// startCamera runs testdata/camera.py until the test ends or stop is called.
func startCamera(t *testing.T, port, sound, user, password string) camera {
	t.Helper()
	needGStreamer(t)
	cmd := exec.CommandContext(t.Context(), python, "testdata/camera.py", port, sound, user, password)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	t.Cleanup(stop)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the camera did not start: %v", err)
	}
	return camera{strings.TrimSpace(line), stop}
}

func (c camera) url(credentials, path string) string {
	return "rtsp://" + credentials + "127.0.0.1:" + c.port + path
}

// runSource runs a source until the test ends; ended gets why it ended before.
func runSource(t *testing.T, s Source, out Sink) (ended <-chan error) {
	t.Helper()
	result := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { result <- s.Run(ctx, out) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return result
}

func openSource(t *testing.T, spec string, log *slog.Logger) Source {
	t.Helper()
	s, err := Open(spec, Config{Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func openCamera(t *testing.T, spec string) *rtspSource {
	t.Helper()
	s, ok := openSource(t, spec, nil).(*rtspSource)
	if !ok {
		t.Fatalf("%s is no camera", spec)
	}
	return s
}

func TestCameraOverRTSPGivesPicturesAndSound(t *testing.T) {
	for sound, want := range map[string]*media.AudioFormat{
		"none": nil,
		"pcma": {Codec: media.CodecPCMA, ClockRate: 8000, Channels: 1},
		"opus": {Codec: media.CodecOpus, ClockRate: 48000, Channels: 2},
	} {
		for _, tcp := range []bool{false, true} {
			t.Run(sound+" tcp "+strconv.FormatBool(tcp), func(t *testing.T) {
				cam := startCamera(t, "0", sound, "", "")
				s := openCamera(t, cam.url("", "/live"))
				s.tcp.Store(tcp)
				out := newSink()
				out.wait(t, runSource(t, s, out), func() bool {
					return len(out.units) >= 70 && (want == nil || len(out.sound) >= 50)
				})
				out.mu.Lock()
				defer out.mu.Unlock()
				if len(out.started) != 1 || len(out.started[0].ParameterSets) != 2 {
					t.Errorf("started %+v", out.started)
				}
				if got := out.started[0].Sound; (got == nil) != (want == nil) || got != nil && *got != *want {
					t.Errorf("announced sound %+v, want %+v", got, want)
				}
				checkPictures(t, out.units)
			})
		}
	}
}

// checkPictures wants 30 a second, the first and every 60th of them a keyframe.
func checkPictures(t *testing.T, units []media.AccessUnit) {
	t.Helper()
	for i, u := range units {
		if want := i%60 == 0; u.Key != want {
			t.Errorf("picture %d: key %t, want %t", i, u.Key, want)
		}
		if i == 0 {
			continue
		}
		if step := u.PTS - units[i-1].PTS; step < 20*time.Millisecond || step > 50*time.Millisecond {
			t.Errorf("picture %d comes %s after the one before", i, step)
		}
	}
}

func TestCameraThatIsKilledComesBack(t *testing.T) {
	cam := startCamera(t, "0", "none", "", "")
	f := NewFeed(FeedConfig{Source: openSource(t, cam.url("", "/live"), nil), Warm: true})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = f.Run(ctx) })
	defer wg.Wait()
	defer cancel()

	// keyframe waits for the next one that passes the pipeline.
	keyframe := func() {
		t.Helper()
		before := f.Stream().Stats().Keyframes
		limit, tick := time.After(30*time.Second), time.NewTicker(10*time.Millisecond)
		defer tick.Stop()
		for f.Stream().Stats().Keyframes == before {
			select {
			case <-limit:
				t.Fatalf("no keyframe came in 30 s: %+v", f.Status())
			case <-tick.C:
			}
		}
	}
	keyframe()
	cam.stop()
	startCamera(t, cam.port, "none", "", "")
	keyframe()
	keyframe()
	format, err := f.Stream().Format(ctx)
	if err != nil || format.Width != 1280 || format.Height != 720 || format.Profile[0] != 0x64 {
		t.Errorf("got %+v, %v; want 1280x720 High", format, err)
	}
}

func TestCameraWantsDigestCredentials(t *testing.T) {
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cam := startCamera(t, "0", "none", "admin", "s@cret/1")
	out := newSink()
	good := openSource(t, cam.url("admin:s%40cret%2F1@", "/live"), logger)
	out.wait(t, runSource(t, good, out), func() bool { return len(out.units) > 0 })

	for credentials, words := range map[string]string{
		"":                 "wants a user name and a password",
		"admin:wr0ngword@": "refuses this user name and password",
	} {
		err := openSource(t, cam.url(credentials, "/live"), logger).Run(t.Context(), newSink())
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: got %v, want %q", credentials, err, words)
		}
		if strings.Contains(err.Error()+log.String(), "wr0ngword") {
			t.Errorf("the password is told: %v", err)
		}
	}
	if strings.Contains(log.String(), "cret") {
		t.Errorf("the password is logged: %s", log.String())
	}
}

func TestCameraRefusalsAreToldInWords(t *testing.T) {
	cam := startCamera(t, "0", "none", "", "")
	err := openSource(t, cam.url("", "/other"), nil).Run(t.Context(), newSink())
	if err == nil || !strings.Contains(err.Error(), "no stream at this path (404)") {
		t.Errorf("wrong path: got %v", err)
	}
	for path, codec := range map[string]string{"/mjpeg": "Motion JPEG", "/h265": "H.265"} {
		err = openSource(t, cam.url("", path), nil).Run(t.Context(), newSink())
		if !errors.Is(err, protocol.Errorf(protocol.CodeCodec, "")) || !strings.Contains(err.Error(), codec) {
			t.Errorf("%s: got %v, want code %s", path, err, protocol.CodeCodec)
		}
	}
	cam.stop()
	err = openSource(t, cam.url("user:hidden@", "/live"), nil).Run(t.Context(), newSink())
	if err == nil || !strings.Contains(err.Error(), "refused") || strings.Contains(err.Error(), "hidden") {
		t.Errorf("nobody listens: got %v", err)
	}
}

func TestErrorsOfACameraHideThePassword(t *testing.T) {
	s := openCamera(t, "rtsp://admin:hunter2@camera/live")
	for _, cause := range []string{"bad rtsp://admin:hunter2@camera/live", "hunter2"} {
		if got := s.explain(errors.New(cause)).Error(); strings.Contains(got, "hunter2") {
			t.Errorf("got %q", got)
		}
	}
	if got := s.explain(io.EOF).Error(); !strings.Contains(got, "closed the connection") {
		t.Errorf("got %q", got)
	}
}
