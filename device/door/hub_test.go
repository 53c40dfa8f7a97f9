package door

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// asked is one request as the hub got it.
type asked struct {
	path, authorization, body string
}

// hub answers requests from a script, one handler each, and keeps them.
type hub struct {
	t      *testing.T
	server *httptest.Server
	script chan http.HandlerFunc
	got    chan asked
}

func newHub(t *testing.T, script ...http.HandlerFunc) (*hub, *Dialer) {
	t.Helper()
	h := &hub{t: t, script: make(chan http.HandlerFunc, 64), got: make(chan asked, 64)}
	for _, s := range script {
		h.script <- s
	}
	h.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read a request: %v", err)
		}
		h.got <- asked{r.URL.Path, r.Header.Get("Authorization"), string(body)}
		select {
		case answer := <-h.script:
			answer(w, r)
		default:
			t.Errorf("nobody expected %s %s", r.URL.Path, body)
		}
	}))
	base, err := url.Parse(h.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := NewClient(nil)
	t.Cleanup(func() {
		client.CloseIdleConnections()
		h.server.Close()
	})
	return h, NewDialer(Config{Hub: base, Client: client, Retry: time.Millisecond})
}

// next is the next request.
func (h *hub) next() asked {
	h.t.Helper()
	select {
	case a := <-h.got:
		return a
	case <-time.After(20 * time.Second):
		h.t.Fatal("waited in vain for a request")
		panic("unreachable")
	}
}

// says answers as the hub.
func says(status int, body any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(protocol.ServerHeader, "n-test")
		w.WriteHeader(status)
		if body != nil {
			_ = json.NewEncoder(w).Encode(body)
		}
	}
}

func delivers(response uint64, messages ...string) http.HandlerFunc {
	d := protocol.Delivery{Response: response, Messages: []json.RawMessage{}}
	for _, m := range messages {
		d.Messages = append(d.Messages, json.RawMessage(m))
	}
	return says(http.StatusOK, d)
}

// breaks ends the connection without an answer.
func breaks(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

const welcomeText = `{"type":"welcome","data":{"link":"l-1","key":"k-1","node":"n","ping_s":32,"now":"2026-01-01T00:00:00Z"}}`

func viewer() *protocol.Hello {
	return &protocol.Hello{Version: protocol.Version, Role: protocol.RoleViewer}
}
