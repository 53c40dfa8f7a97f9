package source

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
)

// webCamera is a camera's web server with ONVIF services that believe everybody, or nobody. It keeps what it was asked.
type webCamera struct {
	refuses bool
	news    chan struct{}

	mu  sync.Mutex // guards got
	got []string
}

var action = regexp.MustCompile(`<s:Body><(\w+)`)

func (c *webCamera) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	asked := r.URL.Path
	if m := action.FindSubmatch(body); m != nil {
		asked = string(m[1])
	}
	c.mu.Lock()
	c.got = append(c.got, asked)
	c.mu.Unlock()
	select {
	case c.news <- struct{}{}:
	default:
	}
	if c.refuses {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	answers := map[string]string{
		"GetCapabilities": `<Capabilities><Media><XAddr>http://x/media</XAddr></Media><PTZ><XAddr>http://x/ptz</XAddr></PTZ></Capabilities>`,
		"GetProfiles":     `<Profiles token="1"><VideoEncoderConfiguration/><PTZConfiguration/></Profiles>`,
		"GetSnapshotUri":  `<MediaUri><Uri>http://x/onvif.jpg</Uri></MediaUri>`,
	}
	if strings.HasSuffix(asked, ".jpg") {
		_, _ = w.Write([]byte{0xff, 0xd8, 0xff, 0xe0, byte(len(asked))})
		return
	}
	fmt.Fprintf(w, `<s:Envelope xmlns:s="s"><s:Body><Response>%s</Response></s:Body></s:Envelope>`, answers[asked])
}

// wait returns once something was asked n times.
func (c *webCamera) wait(t *testing.T, what string, n int) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		c.mu.Lock()
		count := strings.Count(strings.Join(c.got, " ")+" ", what+" ")
		c.mu.Unlock()
		if count >= n {
			return
		}
		select {
		case <-c.news:
		case <-limit:
			t.Fatalf("%s was not asked for: %v", what, c.got)
		}
	}
}

// runWeb runs a camera with a web server until the test ends.
func runWeb(t *testing.T, web *webCamera, cfg func(url string) CameraConfig) *Camera {
	t.Helper()
	web.news = make(chan struct{}, 1)
	server := httptest.NewServer(web)
	t.Cleanup(server.Close)
	c, err := OpenCamera(cfg(strings.Replace(server.URL, "http://", "http://admin:hunter2@", 1)))
	if err != nil {
		t.Fatal(err)
	}
	able := make(chan struct{}, 1)
	c.Subscribe(func() {
		select {
		case able <- struct{}{}:
		default:
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = c.Run(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	if !web.refuses && c.onvif != nil {
		<-able
	}
	return c
}

func TestCameraTellsByONVIFWhatItCan(t *testing.T) {
	web := &webCamera{}
	c := runWeb(t, web, func(url string) CameraConfig {
		return CameraConfig{Source: "file:" + blank(t), ONVIF: url + "/onvif/device_service", Snapshot: ""}
	})
	if diff := cmp.Diff(Abilities{PTZ: true, Snapshot: true}, c.Abilities()); diff != "" {
		t.Error(diff)
	}
	if jpeg, err := c.Snapshot(t.Context()); err != nil || len(jpeg) == 0 {
		t.Errorf("snapshot: %v", err)
	}
	web.wait(t, "/onvif.jpg", 1)
	if err := c.Move(t.Context(), protocol.PTZ{Pan: 1}); err != nil {
		t.Error(err)
	}
	web.wait(t, "ContinuousMove", 1)
	web.wait(t, "Stop", 1) // by itself
	c.onvif.want(0)
	web.wait(t, "SetSynchronizationPoint", 1)
}

func TestConfiguredStillComesBeforeONVIF(t *testing.T) {
	web := &webCamera{}
	c := runWeb(t, web, func(url string) CameraConfig {
		return CameraConfig{Source: "file:" + blank(t), ONVIF: url + "/onvif/device_service", Snapshot: url + "/configured.jpg"}
	})
	jpeg, err := c.Snapshot(t.Context())
	if err != nil || int(jpeg[4]) != len("/configured.jpg") {
		t.Errorf("got %v, %v", jpeg, err)
	}
}

func TestPasswordThatTheWebServerRefusesIsLeftAlone(t *testing.T) {
	web := &webCamera{refuses: true}
	c := runWeb(t, web, func(url string) CameraConfig {
		return CameraConfig{Source: "file:" + blank(t), Snapshot: url + "/still.jpg"}
	})
	for range 5 {
		if _, err := c.Snapshot(t.Context()); err == nil || !strings.Contains(err.Error(), refusedWords) {
			t.Errorf("got %v, want %q", err, refusedWords)
		}
	}
	web.mu.Lock()
	defer web.mu.Unlock()
	if len(web.got) != 1 {
		t.Errorf("the camera was asked %d times with a wrong password, want 1", len(web.got))
	}
}

// blank is a file with a picture.
func blank(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "blank.h264")
	if err := os.WriteFile(path, cardStream(224, 128, 10, 10), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPasswordOfTheCameraGoesToNoOtherHost(t *testing.T) {
	camera := &url.URL{Scheme: "rtsp", Host: "camera:554", User: url.UserPassword("admin", "hunter2")}
	for spec, want := range map[string]string{
		"http://camera:8080/still.jpg":    "admin:hunter2",
		"http://recorder/still.jpg":       "",
		"http://me:mine@camera/still.jpg": "me:mine",
	} {
		w, err := openWebServer("snapshot", spec, camera, patiences{})
		if err != nil {
			t.Fatal(err)
		}
		if got := w.web.User().String(); got != want {
			t.Errorf("%s: got the user %q, want %q", spec, got, want)
		}
	}
}
