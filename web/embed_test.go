package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func pages() fstest.MapFS {
	return fstest.MapFS{
		".gitkeep":               {},
		"index.html":             {Data: []byte("<h1>landing</h1>")},
		"watch.html":             {Data: []byte("<h1>watch</h1>")},
		"doctor.html":            {Data: []byte("<h1>doctor</h1>")},
		"sightline-camera.js":    {Data: []byte("customElements")},
		"assets/watch-abc123.js": {Data: []byte(strings.Repeat("export {};\n", 100))},
		"assets/icon-abc123.svg": {Data: []byte("<svg/>")},
	}
}

func get(t *testing.T, h http.Handler, path string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func built(t *testing.T) http.Handler {
	t.Helper()
	h, err := handler(pages())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestPagesAndAssetsAreServedWithTheirTypesAndCaching(t *testing.T) {
	h := built(t)
	tests := []struct {
		path, contentType, cache, contains string
	}{
		{"/", "text/html; charset=utf-8", "no-cache", "landing"},
		{"/watch/front_door-1", "text/html; charset=utf-8", "no-cache", "watch"},
		{"/watch/front_door-1?ice=relay", "text/html; charset=utf-8", "no-cache", "watch"},
		{"/doctor", "text/html; charset=utf-8", "no-cache", "doctor"},
		{"/sightline-camera.js", "text/javascript; charset=utf-8", "no-cache", "customElements"},
		{"/assets/watch-abc123.js", "text/javascript; charset=utf-8", immutable, "export"},
		{"/assets/icon-abc123.svg", "image/svg+xml", immutable, "svg"},
	}
	for _, tt := range tests {
		res := get(t, h, tt.path)
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: got status %d, want 200", tt.path, res.StatusCode)
		}
		if got := res.Header.Get("Content-Type"); got != tt.contentType {
			t.Errorf("%s: got type %q, want %q", tt.path, got, tt.contentType)
		}
		if got := res.Header.Get("Cache-Control"); got != tt.cache {
			t.Errorf("%s: got caching %q, want %q", tt.path, got, tt.cache)
		}
		if got := body(t, res.Body); !strings.Contains(got, tt.contains) {
			t.Errorf("%s: got %q, want it to contain %q", tt.path, got, tt.contains)
		}
	}
}

func TestUnknownPathsAreNotFound(t *testing.T) {
	h := built(t)
	for _, path := range []string{"/nothing", "/doctor/", "/doctor.html", "/watch", "/watch/", "/watch/a/b", "/assets/", "/assets/none.js", "/watch.html", "/.gitkeep"} {
		if res := get(t, h, path); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: got status %d, want 404", path, res.StatusCode)
		}
	}
}

func TestEveryAnswerCarriesTheSecurityHeaders(t *testing.T) {
	h := built(t)
	for _, path := range []string{"/", "/watch/d", "/doctor", "/assets/watch-abc123.js", "/nothing"} {
		header := get(t, h, path).Header
		if got := header.Get("Referrer-Policy"); got != "no-referrer" {
			t.Errorf("%s: got referrer policy %q, want no-referrer", path, got)
		}
		if got := header.Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("%s: got %q, want nosniff", path, got)
		}
		csp := header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'self'", "ws://example.com"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: the policy %q lacks %q", path, csp, want)
			}
		}
		if strings.Contains(csp, "unsafe") {
			t.Errorf("%s: the policy %q allows something unsafe", path, csp)
		}
	}
}

func TestAHostThatIsNoneStaysOutOfThePolicy(t *testing.T) {
	for _, host := range []string{"a; script-src *", "a b", "", "a,b", "a/b"} {
		if got := policyFor(host); got != policy {
			t.Errorf("host %q: got %q, want the policy without it", host, got)
		}
	}
	if got := policyFor("[::1]:8080"); !strings.HasSuffix(got, " ws://[::1]:8080 wss://[::1]:8080") {
		t.Errorf("got %q, want it to name the host", got)
	}
}

func TestAssetsAreCompressedForWhoeverTakesIt(t *testing.T) {
	h := built(t)
	plain := get(t, h, "/assets/watch-abc123.js")
	for _, refused := range []string{"br", "gzip;q=0", "gzip; q=0.0"} {
		if got := get(t, h, "/assets/watch-abc123.js", "Accept-Encoding", refused).Header.Get("Content-Encoding"); got != "" {
			t.Errorf("Accept-Encoding %q: got encoding %q, want none", refused, got)
		}
	}
	zipped := get(t, h, "/assets/watch-abc123.js", "Accept-Encoding", "br, gzip;q=0.8")
	if got := zipped.Header.Get("Content-Encoding"); got != "gzip" {
		t.Fatalf("got encoding %q, want gzip", got)
	}
	if zipped.Header.Get("ETag") == plain.Header.Get("ETag") {
		t.Error("both encodings have one ETag")
	}
	r, err := gzip.NewReader(zipped.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := body(t, r), body(t, plain.Body); got != want {
		t.Errorf("got %d bytes, want the plain %d", len(got), len(want))
	}
}

func TestAPageThatTheBrowserHasIsNotSentAgain(t *testing.T) {
	h := built(t)
	etag := get(t, h, "/watch/d").Header.Get("ETag")
	if res := get(t, h, "/watch/d", "If-None-Match", etag); res.StatusCode != http.StatusNotModified {
		t.Errorf("got status %d, want 304", res.StatusCode)
	}
}

func TestABinaryWithoutPagesSaysHowToBuildThem(t *testing.T) {
	h, err := handler(fstest.MapFS{".gitkeep": {}})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/watch/d", "/doctor"} {
		res := get(t, h, path)
		if res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s: got status %d, want 503", path, res.StatusCode)
		}
		if got := body(t, res.Body); !strings.Contains(got, "make web") {
			t.Errorf("%s: got %q, want it to name make web", path, got)
		}
	}
	if res := get(t, h, "/assets/x.js"); res.StatusCode != http.StatusNotFound {
		t.Errorf("got status %d, want 404", res.StatusCode)
	}
}

func TestTheEmbeddedPagesMatchWhatBuiltSays(t *testing.T) {
	h, err := Handler()
	if err != nil {
		t.Fatal(err)
	}
	want := http.StatusServiceUnavailable
	if Built() {
		want = http.StatusOK
	}
	if res := get(t, h, "/watch/d"); res.StatusCode != want {
		t.Errorf("got status %d, want %d", res.StatusCode, want)
	}
}

func TestPagesOfOtherSitesMayLoadTheElement(t *testing.T) {
	if got := get(t, built(t), "/sightline-camera.js").Header.Get("Access-Control-Allow-Origin"); got != "*" {
		t.Errorf("Access-Control-Allow-Origin is %q, want *", got)
	}
}
