package statuspage

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/device"
	"github.com/sightline-rtc/sightline/device/source"
	"github.com/sightline-rtc/sightline/device/uplink"
	"github.com/sightline-rtc/sightline/protocol"
)

// fixed is an agent that does not change.
type fixed struct {
	status device.Status
	stuck  error
}

// Status implements Agent.
func (f fixed) Status() device.Status { return f.status }

// Stuck implements Agent.
func (f fixed) Stuck() error { return f.stuck }

// busy is an agent with one camera that serves and one that cannot.
func busy() fixed {
	since := time.Now().Add(-90 * time.Minute)
	return fixed{status: device.Status{
		Version: "v1", Network: "All is well.", MediaPort: 40000,
		Cameras: []device.CameraStatus{
			{
				ID: "door", Device: "cam-1",
				Link: uplink.Status{
					Up: true, Transport: protocol.TransportLongPoll, Since: since,
					Fallback: &protocol.Fallback{Reason: protocol.FallbackStatus, Detail: "HTTP 200 from <nginx>"},
				},
				Sources: []device.SourceStatus{
					{
						FeedStatus: source.FeedStatus{Name: "main", Source: "rtsp://192.0.2.7/a", Status: source.Status{State: source.StateUp, Since: since}},
						Codec:      "H264", Width: 1920, Height: 1080,
					},
					{FeedStatus: source.FeedStatus{Name: "sub", Source: "rtsp://192.0.2.7/b", Status: source.Status{
						State: source.StateDown, Since: since, Err: errors.New("it is off <script>"), Retry: time.Now().Add(time.Minute),
					}}},
				},
				Sessions: []device.SessionStatus{{
					Session: "s-1", Since: since, Path: protocol.Path{Kind: protocol.PathDirect, Means: protocol.MeansICE},
					Stats: protocol.Stats{Rendition: "main", BitrateKbps: 812.7},
				}},
			},
			{ID: "yard", Err: errors.New("the code is refused")},
		},
	}}
}

func ask(agent Agent, method, host, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://"+host+path, http.NoBody)
	w := httptest.NewRecorder()
	Handler(agent).ServeHTTP(w, r)
	return w
}

func TestPageSaysHowEverythingIs(t *testing.T) {
	w := ask(busy(), http.MethodGet, "127.0.0.1:8484", "/")
	page := w.Body.String()
	for _, want := range []string{
		"v1", "All is well.", "Camera door", "cam-1", "long_poll, for 1 h 30 min", "HTTP 200 from &lt;nginx&gt;", "H264 1920×1080",
		"it is off &lt;script&gt;; tried again in ", "Sessions: 1", "direct (ice), main, 812 kbit/s", "Camera yard", "the code is refused",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control: got %q", got)
	}
	if strings.Contains(page, "<script") {
		t.Error("a text became markup")
	}
}

func TestStatusIsToldToPrograms(t *testing.T) {
	w := ask(busy(), http.MethodGet, "localhost", "/status.json")
	var got struct {
		Version   string `json:"version"`
		MediaPort int    `json:"media_port"`
		Cameras   []struct {
			ID, Device, Error string
			Link              struct {
				Up        bool
				Transport string
				Fallback  map[string]string
			}
			Sources []struct {
				Rendition, State, Error, Codec string
				Retry                          *time.Time
			}
			Sessions []struct {
				Path, Means, Rendition string
				Kbps                   int
			}
		} `json:"cameras"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Version != "v1" || got.MediaPort != 40000 || len(got.Cameras) != 2 {
		t.Fatalf("got %+v", got)
	}
	door := got.Cameras[0]
	if !door.Link.Up || door.Link.Transport != "long_poll" || door.Link.Fallback["reason"] == "" {
		t.Errorf("link: got %+v", door.Link)
	}
	if len(door.Sources) != 2 || door.Sources[0].Codec != "H264" || door.Sources[1].Retry == nil || door.Sources[1].State != "down" {
		t.Errorf("sources: got %+v", door.Sources)
	}
	if len(door.Sessions) != 1 || door.Sessions[0].Kbps != 812 || door.Sessions[0].Path != "direct" {
		t.Errorf("sessions: got %+v", door.Sessions)
	}
	if got.Cameras[1].Error != "the code is refused" {
		t.Errorf("the second camera: got %+v", got.Cameras[1])
	}
}

func TestWatchdogIsToldWhatIsStuck(t *testing.T) {
	for _, stuck := range []error{nil, errors.New("the link is dead")} {
		w := ask(fixed{stuck: stuck}, http.MethodGet, "127.0.0.1", "/healthz")
		want, words := http.StatusOK, "ok\n"
		if stuck != nil {
			want, words = http.StatusServiceUnavailable, "the link is dead\n"
		}
		if w.Code != want || w.Body.String() != words {
			t.Errorf("got %d %q, want %d %q", w.Code, w.Body, want, words)
		}
	}
}

func TestPageAnswersOnlyThisMachinesNames(t *testing.T) {
	got := map[string]int{}
	for _, host := range []string{
		"127.0.0.1:8484", "127.0.0.1", "[::1]:8484", "[::1]", "localhost:1", "rebound.example:8484", "127.0.0.1.example", "192.168.1.5:8484", "a]",
	} {
		for _, path := range []string{"/", "/status.json", "/healthz"} {
			r := httptest.NewRequest(http.MethodGet, "http://x"+path, http.NoBody)
			r.Host = host
			w := httptest.NewRecorder()
			Handler(busy()).ServeHTTP(w, r)
			got[host] = w.Code
		}
	}
	want := map[string]int{
		"127.0.0.1:8484": 200, "127.0.0.1": 200, "[::1]:8484": 200, "[::1]": 200, "localhost:1": 200,
		"rebound.example:8484": 403, "127.0.0.1.example": 403, "192.168.1.5:8484": 403, "a]": 403,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status by host (-want +got):\n%s", diff)
	}
}

func TestPageOnlyAnswersWhatItKnows(t *testing.T) {
	for _, tt := range []struct {
		method, path string
		want         int
	}{
		{http.MethodHead, "/", 200}, {http.MethodPost, "/", 405}, {http.MethodPut, "/status.json", 405}, {http.MethodGet, "/x", 404},
	} {
		if w := ask(busy(), tt.method, "localhost", tt.path); w.Code != tt.want {
			t.Errorf("%s %s: got %d, want %d", tt.method, tt.path, w.Code, tt.want)
		}
	}
}

func TestStatusPageIsOfThisMachineAlone(t *testing.T) {
	for address, good := range map[string]bool{
		"127.0.0.1:8484": true, "[::1]:0": true, "localhost:80": true, "127.9.9.9:80": true,
		"": false, "0.0.0.0:8484": false, ":8484": false, "192.0.2.1:80": false, "example.org:80": false, "127.0.0.1": false,
	} {
		if err := CheckAddress(address); (err == nil) != good {
			t.Errorf("%q: got %v", address, err)
		}
	}
}

func TestServerServesUntilItsContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s, err := Listen(ctx, "127.0.0.1:0", busy(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	var ended error
	work.Go(func() { ended = s.Run(ctx) })
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Address().String()+"/healthz", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil || string(body) != "ok\n" {
		t.Errorf("got %q and %v", body, err)
	}
	cancel()
	work.Wait()
	if ended != nil {
		t.Errorf("it ended with %v", ended)
	}
	http.DefaultClient.CloseIdleConnections()
}
