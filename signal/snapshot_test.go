package signal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
)

// jpegOf is as much of a JPEG as the hub looks at.
func jpegOf(size int) []byte {
	picture := bytes.Repeat([]byte{0x55}, size)
	copy(picture, []byte{0xff, 0xd8, 0xff, 0xe0})
	return picture
}

// snapshots has the paths of the snapshot door.
func (s *stage) snapshots() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT "+protocol.SnapshotPath, func(w http.ResponseWriter, r *http.Request) { s.hub.ServeCapture(w, r) })
	mux.HandleFunc(protocol.SnapshotPath+"/{device}", func(w http.ResponseWriter, r *http.Request) { s.hub.ServeSnapshot(w, r) })
	return mux
}

// do makes a request without a network.
func (s *stage) do(t *testing.T, method, path, authorization, kind string, body io.Reader) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, body)
	r.Header.Set("Authorization", authorization)
	r.Header.Set("Content-Type", kind)
	w := httptest.NewRecorder()
	s.snapshots().ServeHTTP(w, r)
	return w
}

// look asks for a picture with a viewer's token.
func (s *stage) look(t *testing.T, device protocol.DeviceID, token string) *httptest.ResponseRecorder {
	t.Helper()
	return s.do(t, http.MethodGet, protocol.SnapshotPath+"/"+string(device), "Bearer "+token, "", nil)
}

// put brings a picture, or the lack of one.
func (p *peer) put(request, kind string, body []byte) *httptest.ResponseRecorder {
	p.t.Helper()
	return p.stage.do(p.t, http.MethodPut, protocol.SnapshotPath+"?request="+request,
		protocol.Authorization(p.welcome.Link, p.welcome.Key), kind, bytes.NewReader(body))
}

// captured waits until the device is asked for a picture.
func (p *peer) captured() string {
	p.t.Helper()
	return body[*protocol.Capture](p.t, p.await(protocol.TypeCapture)).Request
}

// asked returns how often the device was asked for a picture before the hub has handled everything that it sent.
func (p *peer) asked() (n int) {
	p.t.Helper()
	for id := p.ask(protocol.TypeExtend, "", &protocol.Extend{}); ; {
		switch m := p.next(); {
		case m.Re == id:
			return n
		case m.Type == protocol.TypeCapture:
			n++
		}
	}
}

// codeOf is the error of an answer.
func codeOf(t *testing.T, w *httptest.ResponseRecorder) protocol.Code {
	t.Helper()
	var answer struct {
		Error protocol.Error `json:"error"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("status %d with %q: %v", w.Code, w.Body, err)
	}
	return answer.Error.Code
}

func want(t *testing.T, what string, w *httptest.ResponseRecorder, status int, code protocol.Code) {
	t.Helper()
	if w.Code != status {
		t.Errorf("%s: got status %d with %s, want %d", what, w.Code, w.Body, status)
		return
	}
	if got := codeOf(t, w); got != code {
		t.Errorf("%s: got %s, want %s", what, got, code)
	}
}

// view starts to ask for a picture; the function that it returns waits for the answer.
func (s *stage) view(t *testing.T) func() *httptest.ResponseRecorder {
	t.Helper()
	token, answer := s.token(t, nil), make(chan *httptest.ResponseRecorder, 1)
	s.pumps.Go(func() { answer <- s.look(t, camera, token) })
	return func() *httptest.ResponseRecorder { return <-answer }
}

func TestDeviceIsAskedOnceForAllWhoWantItsPicture(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d := s.device(t, camera)
		var answers []func() *httptest.ResponseRecorder
		for range 20 {
			answers = append(answers, s.view(t))
		}
		synctest.Wait() // they all wait
		picture := jpegOf(100_000)
		if w := d.put(d.captured(), "image/jpeg", picture); w.Code != http.StatusNoContent {
			t.Fatalf("put: got %d %s", w.Code, w.Body)
		}
		for _, answer := range answers {
			if w := answer(); w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), picture) {
				t.Fatalf("got %d with %d bytes, want the picture", w.Code, w.Body.Len())
			}
		}
		time.Sleep(9 * time.Second)
		w := s.view(t)()
		for name, want := range map[string]string{
			"Content-Type": "image/jpeg", "Age": "9", "Cache-Control": "private, max-age=10", "X-Content-Type-Options": "nosniff",
			"Content-Length": "100000",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
		if got := d.asked(); got != 0 {
			t.Errorf("the device was asked %d times more", got)
		}
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(s.hub.Collectors()...)
		wantFigures(t, registry, map[string]float64{"sightline_snapshots_total camera": 20, "sightline_snapshots_total memory": 1})
		time.Sleep(2 * time.Second)
		answer := s.view(t)
		d.put(d.captured(), "image/jpeg", jpegOf(10))
		if w := answer(); w.Body.Len() != 10 {
			t.Errorf("a picture that is too old is given away: %d bytes", w.Body.Len())
		}
	})
}

func TestSnapshotThatCannotBeHad(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		want(t, "offline", s.view(t)(), http.StatusServiceUnavailable, protocol.CodeOffline)
		d := s.device(t, camera)
		start := time.Now()
		want(t, "silent", s.view(t)(), http.StatusGatewayTimeout, protocol.CodeTimeout)
		if took := time.Since(start); took != protocol.SnapshotWait {
			t.Errorf("waited %s, want %s", took, protocol.SnapshotWait)
		}
		d.put(d.captured(), "image/jpeg", jpegOf(10)) // too late for that one
		if w := s.view(t)(); w.Code != http.StatusOK {
			t.Errorf("the next: got %d, want the picture that came late", w.Code)
		}
		time.Sleep(protocol.SnapshotAge)
		answer := s.view(t)
		none, _ := json.Marshal(protocol.Errorf(protocol.CodeNotFound, "no such <b>thing</b>"))
		if w := d.put(d.captured(), "application/json", none); w.Code != http.StatusNoContent {
			t.Errorf("put of none: got %d %s", w.Code, w.Body)
		}
		want(t, "none", answer(), http.StatusNotFound, protocol.CodeNotFound)
		want(t, "none, from memory", s.view(t)(), http.StatusNotFound, protocol.CodeNotFound)
		if got := d.asked(); got != 0 {
			t.Errorf("the device was asked %d times more", got)
		}
	})
}

func TestWhoMaySeeASnapshot(t *testing.T) {
	s := onSockets(t, nil)
	d, neighbor := s.device(t, camera), s.device(t, foreign)
	for name, test := range map[string]struct {
		device protocol.DeviceID
		token  string
		status int
		code   protocol.Code
	}{
		"no token":       {camera, "", http.StatusUnauthorized, protocol.CodeBadToken},
		"garbage":        {camera, "a.b.c", http.StatusUnauthorized, protocol.CodeBadToken},
		"another camera": {other, s.token(t, nil), http.StatusForbidden, protocol.CodeForbidden},
		"no right to view": {
			camera, s.token(t, func(v *auth.Viewer) { v.Rights = []protocol.Right{protocol.RightAudio} }),
			http.StatusForbidden, protocol.CodeForbidden,
		},
		"a camera of another project": {
			foreign, s.token(t, func(v *auth.Viewer) { v.Device = foreign }), http.StatusNotFound, protocol.CodeNotFound,
		},
		"a camera that never was": {
			"ghost", s.token(t, func(v *auth.Viewer) { v.Device = "ghost" }), http.StatusNotFound, protocol.CodeNotFound,
		},
	} {
		want(t, name, s.look(t, test.device, test.token), test.status, test.code)
	}
	s.hub.RevokeKey(t.Context(), "key2")
	want(t, "revoked", s.look(t, camera, s.token(t, func(v *auth.Viewer) { v.Key = "key2" })), http.StatusForbidden, protocol.CodeRevoked)
	if got := d.asked() + neighbor.asked(); got != 0 {
		t.Errorf("devices were asked %d times", got)
	}
	s.hub.RevokeDevice(t.Context(), camera)
	want(t, "removed", s.look(t, camera, s.token(t, nil)), http.StatusForbidden, protocol.CodeRevoked)
}

func TestHostileDevicePutsWhatNobodyAskedFor(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d, evil := s.device(t, camera), s.device(t, other)
		v := s.viewer(t, nil)
		answer := s.view(t)
		request := d.captured()
		picture := jpegOf(100)
		for name, test := range map[string]struct {
			by      *peer
			request string
			kind    string
			body    []byte
			status  int
			code    protocol.Code
		}{
			"another's request": {evil, request, "image/jpeg", picture, http.StatusNotFound, protocol.CodeNotFound},
			"no request":        {d, "", "image/jpeg", picture, http.StatusNotFound, protocol.CodeNotFound},
			"made up":           {d, strings.Repeat("0", 32), "image/jpeg", picture, http.StatusNotFound, protocol.CodeNotFound},
			"a viewer":          {v, request, "image/jpeg", picture, http.StatusUnauthorized, protocol.CodeUnknownLink},
			"a page":            {d, request, "text/html", []byte("<script>"), http.StatusUnsupportedMediaType, protocol.CodeInvalid},
			"a page as picture": {d, request, "image/jpeg", []byte("<script>"), http.StatusUnsupportedMediaType, protocol.CodeInvalid},
			"nothing":           {d, request, "image/jpeg", nil, http.StatusUnsupportedMediaType, protocol.CodeInvalid},
			"huge":              {d, request, "image/jpeg", jpegOf(protocol.MaxSnapshotBytes + 1), http.StatusRequestEntityTooLarge, protocol.CodeTooLarge},
			"a huge refusal":    {d, request, "application/json", make([]byte, maxRefusalBytes+1), http.StatusRequestEntityTooLarge, protocol.CodeTooLarge},
			"no refusal":        {d, request, "application/json", []byte("{}"), http.StatusBadRequest, protocol.CodeBadMessage},
		} {
			want(t, name, test.by.put(test.request, test.kind, test.body), test.status, test.code)
		}
		if w := s.do(t, http.MethodPut, protocol.SnapshotPath+"?request="+request, "Link x.y", "image/jpeg", nil); w.Code != http.StatusUnauthorized {
			t.Errorf("without a link: got %d, want 401", w.Code)
		}
		if w := d.put(request, "image/jpeg; charset=binary", picture); w.Code != http.StatusNoContent {
			t.Errorf("the device itself: got %d %s", w.Code, w.Body)
		}
		want(t, "twice", d.put(request, "image/jpeg", picture), http.StatusNotFound, protocol.CodeNotFound)
		if w := answer(); !bytes.Equal(w.Body.Bytes(), picture) {
			t.Errorf("the viewer got %d with %d bytes", w.Code, w.Body.Len())
		}
	})
}

func TestTokenThatAsksForPictureAfterPictureHasToWait(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		token := s.token(t, nil)
		for range posterPace.Burst {
			want(t, "within the burst", s.look(t, camera, token), http.StatusServiceUnavailable, protocol.CodeOffline)
		}
		w := s.look(t, camera, token)
		want(t, "over it", w, http.StatusTooManyRequests, protocol.CodeRateLimited)
		if w.Header().Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		want(t, "another token", s.look(t, camera, s.token(t, nil)), http.StatusServiceUnavailable, protocol.CodeOffline)
	})
}

func TestPagesOfAllowedOriginsMayReadSnapshots(t *testing.T) {
	s := newStage(t, func(c *Config) { c.Origins = []string{"https://partner.example"} })
	s.start(t)
	t.Cleanup(func() {
		s.stop(t)
		s.pumps.Wait()
	})
	for origin, status := range map[string]int{"https://partner.example": http.StatusNoContent, "https://evil.example": http.StatusForbidden} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodOptions, protocol.SnapshotPath+"/camera", nil)
		r.Header.Set("Origin", origin)
		w := httptest.NewRecorder()
		s.snapshots().ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("preflight from %s: got %d, want %d", origin, w.Code, status)
		}
		if got := w.Header().Get("Access-Control-Allow-Methods"); status == http.StatusNoContent && got != http.MethodGet {
			t.Errorf("methods: got %q, want GET", got)
		}
	}
}

func TestAlbumKeepsWithinItsBounds(t *testing.T) {
	const most = 1 << 20
	a, now := newAlbum(most), time.Now()
	for n := range 100 {
		device := protocol.DeviceID(fmt.Sprint("device ", n))
		_, c, _ := a.look(device, now)
		if _, err := a.claim(c.request, device, project); err != nil {
			t.Fatal(err)
		}
		a.settle(c, &photo{device: device, jpeg: jpegOf(100_000), at: now})
		if held, asked := a.size(); held > most || asked != 0 {
			t.Fatalf("got %d bytes and %d captures, want %d and 0 at most", held, asked, most)
		}
	}
	if p, _, _ := a.look("device 99", now); p == nil {
		t.Error("the newest picture is gone")
	}
	if p, _, _ := a.look("device 0", now); p != nil {
		t.Error("the oldest picture is still there")
	}
	a.sweep(now.Add(captureLife))
	if held, asked := a.size(); held != 0 || asked != 0 {
		t.Errorf("after the sweep: got %d bytes and %d captures, want none", held, asked)
	}
}

func TestAlbumTakesAFewUploadsAtOnce(t *testing.T) {
	a, now := newAlbum(1<<20), time.Now()
	upload := func(device protocol.DeviceID, project protocol.ProjectID) (*capture, error) {
		_, c, _ := a.look(device, now)
		return a.claim(c.request, device, project)
	}
	var first *capture
	for n := range 2 * maxUploads {
		project := protocol.ProjectID(fmt.Sprint("project ", n/(2*maxProjectUploads)))
		c, err := upload(protocol.DeviceID(fmt.Sprint("device ", n)), project)
		if over := n%(2*maxProjectUploads) >= maxProjectUploads; over != (err != nil) {
			t.Fatalf("upload %d, of %s: got %v", n, project, err)
		}
		if n == 0 {
			first = c
		}
	}
	if _, err := upload("one more", "of another project"); err == nil {
		t.Errorf("over %d: got none refused", maxUploads)
	}
	a.settle(first, nil)
	if _, err := upload("one more", "of another project"); err != nil {
		t.Errorf("after one has come: got %v", err)
	}
}

func TestManyViewersAndAStoppingHub(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		s.patience = time.Hour
		s.start(t)
		var viewers sync.WaitGroup
		token := s.token(t, nil)
		for range 5 {
			viewers.Go(func() { s.look(t, camera, token) })
		}
		s.stop(t)
		viewers.Wait()
		want(t, "after the end", s.look(t, camera, token), http.StatusServiceUnavailable, protocol.CodeGoingAway)
		s.pumps.Wait()
	})
}
