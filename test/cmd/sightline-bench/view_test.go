//go:build linux

package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"

	"github.com/sightline-rtc/sightline/protocol"
)

// viewNames are the figures of view, which others read by these names.
var viewNames = []string{"viewers", "frames_per_viewer", "first_frame_p50_ms", "first_frame_p95_ms", "freezes", "rtx", "bytes"}

// agentProgram is the agent, built when it is first needed.
var agentProgram = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(program), "sightline-agent")
	return path, exec.Command("go", "build", "-o", path, "github.com/sightline-rtc/sightline/cmd/sightline-agent").Run()
})

func builtAgent(t *testing.T) string {
	t.Helper()
	path, err := agentProgram()
	if err != nil {
		t.Fatalf("build the agent: %v", err)
	}
	return path
}

func TestViewersOfACameraAreCounted(t *testing.T) {
	s, err := startServer(t.Context(), program)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}()
	camera, where, err := s.camera(t.Context(), t.Output(), builtAgent(t))
	if err != nil {
		t.Fatal(err)
	}
	defer camera.Kill()
	view := func(flags ...string) map[string]float64 {
		flags = append([]string{"view", "--viewers", "2", "--seconds", "2", "--spread", "0s"}, flags...)
		return measured(t, viewNames, append(flags, where...)...)
	}
	if got := view(); got["viewers"] != 2 || got["frames_per_viewer"] < 5 || got["bytes"] == 0 || got["rtx"] != 0 || got["first_frame_p50_ms"] <= 0 {
		t.Errorf("these figures cannot be: %v", got)
	}
	device, token := where[slices.Index(where, "--device")+1], where[slices.Index(where, "--token")+1]
	whep := s.URL + protocol.WHEPPath(protocol.DeviceID(device)) + "?token=" + token
	if got := measured(t, viewNames, "view", "--whep", whep, "--seconds", "2"); got["viewers"] != 1 || got["frames_per_viewer"] < 5 {
		t.Errorf("these figures cannot be, of a player of the WHEP door: %v", got)
	}
	if got := view("--loss", "20"); got["frames_per_viewer"] < 5 || got["rtx"] == 0 {
		t.Errorf("these figures cannot be, of packets a fifth of which are lost: %v", got)
	}
}

func TestAWHEPEndpointIsPlayed(t *testing.T) {
	endpoint := httptest.NewServer(whepOf(t))
	defer endpoint.Close()
	figures := measured(t, viewNames, "view", "--whep", endpoint.URL+"/play", "--viewers", "2", "--seconds", "1", "--spread", "0s")
	if figures["frames_per_viewer"] < 2 || figures["viewers"] != 2 {
		t.Errorf("these figures cannot be: %v", figures)
	}
}

// whepOf plays a camera that sends nothing but small keyframes.
func whepOf(t *testing.T) http.Handler {
	track, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeH264}, "video", "whep")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var work sync.WaitGroup
	t.Cleanup(func() { stop(); work.Wait() })
	work.Go(func() {
		for tick := time.Tick(40 * time.Millisecond); ctx.Err() == nil; <-tick {
			_ = track.WriteSample(media.Sample{Data: []byte{0, 0, 0, 1, 0x65, 1, 2, 3}, Duration: 40 * time.Millisecond})
		}
	})
	mux := http.NewServeMux()
	mux.HandleFunc("POST /play", func(w http.ResponseWriter, r *http.Request) {
		offer, _ := io.ReadAll(r.Body)
		api, err := viewerAPI(0)
		if err != nil {
			t.Error(err)
			return
		}
		pc, err := api.NewPeerConnection(webrtc.Configuration{})
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { _ = pc.GracefulClose() })
		gathered := webrtc.GatheringCompletePromise(pc)
		_, err = pc.AddTrack(track)
		if err == nil {
			err = pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: string(offer)})
		}
		if err == nil {
			var answer webrtc.SessionDescription
			if answer, err = pc.CreateAnswer(nil); err == nil {
				err = pc.SetLocalDescription(answer)
			}
		}
		if err != nil {
			t.Error(err)
			return
		}
		<-gathered
		w.Header().Set("Location", "/play/1")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, pc.LocalDescription().SDP)
	})
	mux.HandleFunc("DELETE /play/1", func(http.ResponseWriter, *http.Request) {})
	return mux
}

func TestAViewWithoutAPictureIsRefused(t *testing.T) {
	for want, command := range map[string][]string{
		"--url":                 {"view"},
		"exclude":               {"view", "--whep", "http://127.0.0.1:1", "--url", "http://127.0.0.1:2"},
		"no device":             {"view", "--url", "http://127.0.0.1:1", "--device", "?", "--token", "t"},
		"--viewers is":          {"view", "--whep", "http://127.0.0.1:1", "--viewers", "0"},
		"--loss is":             {"view", "--whep", "http://127.0.0.1:1", "--loss", "95"},
		"--seconds is":          {"view", "--whep", "http://127.0.0.1:1", "--seconds", "0"},
		"answers 404 Not Found": {"view", "--whep", nothing(t)},
	} {
		if err := dispatch(t.Context(), command, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v, want an error with %q", command, err, want)
		}
	}
}

func nothing(t *testing.T) string {
	s := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	return s.URL
}

func TestTheReportOfAViewKeepsItsForm(t *testing.T) {
	seen := []sighting{
		{firstFrame: 100 * time.Millisecond, frames: 300, bytes: 10, rtx: 1},
		{firstFrame: 300 * time.Millisecond, frames: 301, bytes: 20, freezes: 2},
	}
	got, err := json.Marshal(viewReportOf(seen))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"viewers":2,"frames_per_viewer":300.5,"first_frame_p50_ms":100,"first_frame_p95_ms":300,"freezes":2,"rtx":1,"bytes":30}`
	if string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// film plays packets to pictures: k is the one packet of a keyframe, p of another frame, ( and ) begin and end one of
// two, a dot is lost, and a digit is the lost packet of that place, come late. A space is 100 ms.
func film(p *pictures, script string) {
	now, seq := time.Unix(0, 0), uint16(65530)
	p.key = func(b []byte) bool { return b[0] == 'k' }
	for _, c := range script {
		h := rtp.Header{SequenceNumber: seq, Marker: c != '('}
		switch {
		case c == ' ':
			now = now.Add(100 * time.Millisecond)
			continue
		case c >= '0' && c <= '9':
			h.SequenceNumber = 65530 + uint16(c-'0')
			c = 'p'
		default:
			seq++
		}
		if c != '.' {
			p.take(&h, []byte{byte(c)}, now)
		}
	}
	p.rest(now)
}

func TestOnlyFramesThatCouldBeShownCount(t *testing.T) {
	for name, tt := range map[string]struct {
		script          string
		frames, freezes int
	}{
		"all":                          {"k p p () p", 5, 0},
		"none before the keyframe":     {"p p k p", 2, 0},
		"across the wrap":              {"k p p p p p p p p p", 10, 0},
		"one that comes late":          {"k p . p 2 p", 5, 0},
		"one that comes twice":         {"k p p 1 2 p", 4, 0},
		"none after a loss":            {"k p . p p p p p p p p", 2, 1},
		"from the keyframe after it":   {"k p . p p p p p p k p p", 5, 1},
		"not the rest of a torn frame": {"k (. p p p p p p k p", 3, 1},
		"a pause":                      {"k p       p", 3, 1},
		"a pause at the end":           {"k p      ", 2, 1},
	} {
		var p pictures
		if film(&p, tt.script); p.frames != tt.frames || p.freezes != tt.freezes {
			t.Errorf("%s: got %d frames and %d freezes, want %d and %d", name, p.frames, p.freezes, tt.frames, tt.freezes)
		}
	}
}

func TestWhatIsMissingIsAskedForAgainAfterAWhile(t *testing.T) {
	var p pictures
	film(&p, "kp..p.p")
	now := time.Unix(0, 0)
	if got := p.missing(now); len(got) != 3 || got[0] != 65532 || got[2] != 65535 {
		t.Errorf("got %v, want what is missing", got)
	}
	if got := p.missing(now.Add(askAgain / 2)); len(got) != 0 {
		t.Errorf("got %v, want nothing so soon", got)
	}
	if got := p.missing(now.Add(2 * askAgain)); len(got) != 3 {
		t.Errorf("got %v, want the same again", got)
	}
}

func TestKeyframesAreFound(t *testing.T) {
	for _, tt := range []struct {
		mime    string
		payload []byte
		want    bool
	}{
		{webrtc.MimeTypeH264, []byte{0x65, 1}, true},
		{webrtc.MimeTypeH264, []byte{0x41, 1}, false},
		{webrtc.MimeTypeH264, []byte{24, 0, 2, 0x68, 1, 0, 2, 0x67, 1}, true},
		{webrtc.MimeTypeH264, []byte{24, 0, 200, 0x41}, false},
		{webrtc.MimeTypeH264, []byte{28, 0x85, 1}, true},
		{webrtc.MimeTypeH264, []byte{28, 0x45, 1}, false},
		{webrtc.MimeTypeH265, []byte{19 << 1, 1, 0, 0, 0}, true},
		{webrtc.MimeTypeH265, []byte{1 << 1, 1, 0, 0, 0}, false},
		{webrtc.MimeTypeH265, []byte{48 << 1, 1, 0, 2, 32 << 1, 1}, true},
		{webrtc.MimeTypeH265, []byte{49 << 1, 1, 0x80 | 19, 0, 0}, true},
		{webrtc.MimeTypeH265, []byte{49 << 1, 1, 19, 0, 0}, false},
		{webrtc.MimeTypeVP8, []byte{0x10, 0x10, 0, 0}, true},
		{webrtc.MimeTypeVP8, []byte{0x10, 0x11, 0, 0}, false},
		{webrtc.MimeTypeVP8, []byte{0x00, 0x10, 0, 0}, false},
	} {
		if got := keyframes(tt.mime)(tt.payload); got != tt.want {
			t.Errorf("%s % x: got %v, want %v", tt.mime, tt.payload, got, tt.want)
		}
	}
	if keyframes(webrtc.MimeTypeAV1) != nil {
		t.Error("frames of a codec that cannot be read need no keyframe")
	}
}
