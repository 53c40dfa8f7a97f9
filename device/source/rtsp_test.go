package source

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/test/camera"
)

// small is the least that a test's camera has to encode.
func small(o camera.Options) camera.Options {
	o.Width, o.Height, o.Bitrate = 320, 180, 300
	return o
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

// with puts credentials, a path and a query into a URL.
func with(t *testing.T, camera string, user *url.Userinfo, path, query string) string {
	t.Helper()
	u, err := url.Parse(camera)
	if err != nil {
		t.Fatal(err)
	}
	if u.User = user; path != "" {
		u.Path = path
	}
	u.RawQuery = query
	return u.String()
}

func TestCamerasOfEveryKindGivePicturesAndSound(t *testing.T) {
	pcm := func(codec media.Codec, rate uint32) *media.AudioFormat {
		return &media.AudioFormat{Codec: codec, ClockRate: rate, Channels: 1}
	}
	for name, test := range map[string]struct {
		options camera.Options
		query   string
		codec   media.Codec
		profile string // of H.264, how it begins
		sets    int
		sound   *media.AudioFormat
		note    string
		tcp     bool
	}{
		"baseline":         {camera.Options{Profile: "baseline"}, "", media.CodecH264, "42", 2, nil, "", false},
		"main":             {camera.Options{Profile: "main"}, "", media.CodecH264, "4d", 2, nil, "", false},
		"high":             {camera.Options{Profile: "high", Sound: "pcma"}, "", media.CodecH264, "64", 2, pcm(media.CodecPCMA, 8000), "", false},
		"B-frames":         {camera.Options{BFrames: 2}, "", media.CodecH264, "4d", 2, nil, "", false},
		"10 s GOP":         {camera.Options{GOP: 300}, "", media.CodecH264, "64", 2, nil, "", false},
		"sets in SDP":      {camera.Options{SetsInSDP: true}, "", media.CodecH264, "64", 2, nil, "", false},
		"H.265":            {camera.Options{Codec: "h265"}, "", media.CodecH265, "", 3, nil, "", false},
		"H.265 SDP":        {camera.Options{Codec: "h265", SetsInSDP: true}, "", media.CodecH265, "", 3, nil, "", false},
		"VP8":              {camera.Options{Codec: "vp8"}, "", media.CodecVP8, "", 0, nil, "", false},
		"VP9":              {camera.Options{Codec: "vp9"}, "", media.CodecVP9, "", 0, nil, "", false},
		"G.711 of America": {camera.Options{Sound: "pcmu"}, "", media.CodecH264, "64", 2, pcm(media.CodecPCMU, 8000), "", false},
		"Opus":             {camera.Options{Sound: "opus"}, "", media.CodecH264, "64", 2, &media.AudioFormat{Codec: media.CodecOpus, ClockRate: 48000, Channels: 2}, "", false},
		"linear PCM":       {camera.Options{Sound: "l16"}, "", media.CodecH264, "64", 2, pcm(media.CodecL16, 16000), "", false},
		"AAC":              {camera.Options{Sound: "aac"}, "", media.CodecH264, "64", 2, nil, "the camera's sound is AAC", false},
		"TCP asked":        {camera.Options{Sound: "pcma"}, "transport=tcp", media.CodecH264, "64", 2, pcm(media.CodecPCMA, 8000), "", false},
		"UDP asked":        {camera.Options{}, "transport=udp", media.CodecH264, "64", 2, nil, "", false},
		"TCP only":         {camera.Options{Transport: "tcp"}, "", media.CodecH264, "64", 2, nil, "", true},
		"UDP only":         {camera.Options{Transport: "udp"}, "", media.CodecH264, "64", 2, nil, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, _ := camera.Start(t, small(test.options))
			s := openCamera(t, with(t, address, nil, "", test.query))
			out := newSink()
			out.wait(t, runSource(t, s, out), func() bool {
				return len(out.units) >= 35 && (test.sound == nil || len(out.sound) >= 20)
			})
			out.mu.Lock()
			defer out.mu.Unlock()
			started := out.started[len(out.started)-1]
			if diff := cmp.Diff(test.sound, started.Sound); diff != "" {
				t.Errorf("sound: %s", diff)
			}
			if len(started.ParameterSets) != test.sets || started.Codec != test.codec {
				t.Errorf("%d parameter sets of %s are announced, want %d of %s", len(started.ParameterSets), started.Codec, test.sets, test.codec)
			}
			if test.note != "" && (len(started.Notes) != 1 || !strings.Contains(started.Notes[0].Message, test.note)) {
				t.Errorf("notes are %+v, want %q", started.Notes, test.note)
			}
			if s.tcp.Load() != test.tcp {
				t.Errorf("TCP is remembered: %t, want %t", s.tcp.Load(), test.tcp)
			}
			checkPictures(t, out.units, test.codec)
			if test.profile != "" {
				if got, err := media.FormatOf(started.ParameterSets[0]); err != nil || !strings.HasPrefix(got.Profile.String(), test.profile) {
					t.Errorf("profile %s (%v), want %s…", got.Profile, err, test.profile)
				}
			}
		})
	}
}

// checkPictures wants a keyframe first, and 30 pictures a second.
func checkPictures(t *testing.T, units []media.AccessUnit, codec media.Codec) {
	t.Helper()
	if !units[0].Key || !media.IsKey(codec, units[0].NALUs) {
		t.Error("the first picture is no keyframe")
	}
	latest := units[0].PTS
	for _, u := range units {
		if u.Codec != codec {
			t.Fatalf("a picture is %s, want %s", u.Codec, codec)
		}
		latest = max(latest, u.PTS)
	}
	per := (latest - units[0].PTS) / time.Duration(len(units)-1)
	if per < 25*time.Millisecond || per > 45*time.Millisecond {
		t.Errorf("a picture takes %s, want 33 ms", per)
	}
}

// runCamera runs a feed on a camera until the test ends.
func runCamera(t *testing.T, spec string) *Feed {
	t.Helper()
	f := NewFeed(FeedConfig{Source: openSource(t, spec, nil), Warm: true})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = f.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return f
}

// until waits for something of a feed.
func until(t *testing.T, f *Feed, what string, reached func() bool) {
	t.Helper()
	limit, tick := time.After(60*time.Second), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for !reached() {
		select {
		case <-limit:
			t.Fatalf("%s did not come: %+v, %+v", what, f.Status(), f.Stream().Stats())
		case <-tick.C:
		}
	}
}

// keyframes waits for the next n that pass the pipeline.
func keyframes(t *testing.T, f *Feed, n uint64) {
	t.Helper()
	want := f.Stream().Stats().Keyframes + n
	until(t, f, "a keyframe", func() bool { return f.Stream().Stats().Keyframes >= want })
}

func TestCameraThatIsKilledComesBack(t *testing.T) {
	t.Parallel()
	address, stop := camera.Start(t, small(camera.Options{}))
	f := runCamera(t, address)
	keyframes(t, f, 1)
	stop()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	again := small(camera.Options{})
	if again.Port, err = strconv.Atoi(u.Port()); err != nil {
		t.Fatal(err)
	}
	camera.Start(t, again)
	keyframes(t, f, 2)
}

func TestCameraWithAFaultIsDialledAgain(t *testing.T) {
	for name, test := range map[string]struct {
		fault camera.Options
		query string
		words string
	}{
		"stalls over UDP": {camera.Options{StallAfterMS: 2000}, "transport=udp", "for 5s"},
		"stalls over TCP": {camera.Options{StallAfterMS: 2000}, "transport=tcp", "for 5s"},
		"drops":           {camera.Options{DropAfterMS: 5000, GOP: 30}, "", "closed the connection"},
		"no keyframe":     {camera.Options{NoKeyframe: true}, "", "no keyframe came for 22s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, _ := camera.Start(t, small(test.fault))
			f := runCamera(t, with(t, address, nil, "", test.query))
			until(t, f, "the fault", func() bool { s := f.Status(); return s.State == StateDown })
			if got := f.Status().Err; !strings.Contains(got.Error(), test.words) {
				t.Errorf("got %v, want %q", got, test.words)
			}
			if !test.fault.NoKeyframe {
				keyframes(t, f, 1)
			}
		})
	}
}

func TestCameraMayChangeItsResolution(t *testing.T) {
	t.Parallel()
	o := small(camera.Options{ResizeAfterMS: 2000})
	address, _ := camera.Start(t, o)
	f := runCamera(t, address)
	until(t, f, "the smaller picture", func() bool {
		format, err := f.Stream().Format(t.Context())
		return err == nil && format.Width == o.Width/2 && format.Height == o.Height/2
	})
	keyframes(t, f, 1)
	if err := f.Status().Err; err != nil {
		t.Errorf("the source went down: %v", err)
	}
}

func TestCameraWantsCredentials(t *testing.T) {
	for _, basic := range []bool{false, true} {
		t.Run("basic "+strconv.FormatBool(basic), func(t *testing.T) {
			t.Parallel()
			var log strings.Builder
			logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			address, _ := camera.Start(t, small(camera.Options{User: "admin", Password: "s@cret/1", Basic: basic}))
			for _, test := range []struct {
				user  *url.Userinfo
				words string
			}{
				{nil, "wants a user name and a password"},
				{url.UserPassword("admin", "wr0ngword"), "refuses this user name and password"},
			} {
				err := openSource(t, with(t, address, test.user, "", ""), logger).Run(t.Context(), newSink())
				if err == nil || !strings.Contains(err.Error(), test.words) {
					t.Fatalf("%v: got %v, want %q", test.user, err, test.words)
				}
				if strings.Contains(err.Error()+log.String(), "wr0ngword") {
					t.Errorf("the password is told: %v", err)
				}
			}
			out := newSink()
			good := openSource(t, with(t, address, url.UserPassword("admin", "s@cret/1"), "", ""), logger)
			out.wait(t, runSource(t, good, out), func() bool { return len(out.units) > 0 })
			if strings.Contains(log.String(), "cret") {
				t.Errorf("the password is logged: %s", log.String())
			}
		})
	}
}

func TestCameraRefusalsAreToldInWords(t *testing.T) {
	t.Parallel()
	address, stop := camera.Start(t, small(camera.Options{Codec: "mjpeg"}))
	err := openSource(t, with(t, address, nil, "/other", ""), nil).Run(t.Context(), newSink())
	if err == nil || !strings.Contains(err.Error(), "no stream at this path (404)") {
		t.Errorf("wrong path: got %v", err)
	}
	err = openSource(t, address, nil).Run(t.Context(), newSink())
	if !errors.Is(err, protocol.Errorf(protocol.CodeCodec, "")) || !strings.Contains(err.Error(), "Motion JPEG") {
		t.Errorf("Motion JPEG: got %v, want code %s", err, protocol.CodeCodec)
	}
	stop()
	err = openSource(t, with(t, address, url.UserPassword("user", "hidden"), "", ""), nil).Run(t.Context(), newSink())
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
