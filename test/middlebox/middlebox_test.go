package middlebox

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func TestPassingLetsRequestsUpgradesAndTLSThrough(t *testing.T) {
	s := stand(t, Config{})
	if got := s.get(t, "/page"); got.status != http.StatusOK || got.body != "page" || !got.hub {
		t.Errorf("got %+v, want the hub's page", got)
	}
	s.echoes(t, s.upgrade(t), "hello")
	secure := standTLS(t, Pass)
	if got := get(t, secure.client(), secure.url+"/page"); !got.hub {
		t.Errorf("got %+v, want the hub's page under the hub's certificate", got)
	}
	if s.proxy.Meddled() != 0 {
		t.Errorf("it meddled %d times, want never", s.proxy.Meddled())
	}
}

func TestUpgradesAreAnsweredInTheHubsPlaceAndRequestsAreNot(t *testing.T) {
	for mode, want := range map[Mode]int{Answer: http.StatusOK, Forbid: http.StatusForbidden} {
		t.Run(string(mode), func(t *testing.T) {
			s := stand(t, Config{Mode: mode})
			_, response, err := dialer.Dial(s.link(), nil)
			if !errors.Is(err, websocket.ErrBadHandshake) || response.StatusCode != want || response.Header.Get(hubHeader) != "" {
				t.Errorf("the upgrade: got %v and %+v, want %d and nothing of the hub's", err, response, want)
			}
			if got := s.get(t, "/page"); !got.hub {
				t.Errorf("a request: got %+v, want the hub's page", got)
			}
			s.met(t, 1)
		})
	}
}

func TestARefusedUpgradeIsResetAndRequestsPass(t *testing.T) {
	s := stand(t, Config{Mode: Refuse})
	if _, _, err := dialer.Dial(s.link(), nil); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the upgrade: got %v, want a reset", err)
	}
	if got := s.get(t, "/page"); !got.hub {
		t.Errorf("a request: got %+v, want the hub's page", got)
	}
	s.met(t, 1)
}

func TestASwallowedSocketOpensAndSaysNothing(t *testing.T) {
	s := stand(t, Config{Mode: Swallow})
	conn := s.upgrade(t)
	if conn.Subprotocol() != subprotocol {
		t.Errorf("the subprotocol is %q, want the one asked for", conn.Subprotocol())
	}
	if err := conn.WriteMessage(websocket.TextMessage, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if got := s.get(t, "/page"); !got.hub {
		t.Errorf("a request: got %+v, want the hub's page", got)
	}
	if s.upgrades.Load() != 0 {
		t.Error("the hub has seen an upgrade")
	}
	s.met(t, 1)
}

func TestEveryConnectionIsCutAfterItsTime(t *testing.T) {
	s := stand(t, Config{Mode: Cut, CutAfter: 50 * time.Millisecond})
	conn := s.upgrade(t)
	if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseAbnormalClosure) {
		t.Errorf("got %v, want an end without a close", err)
	}
	s.met(t, 1)
}

func TestAConnectionIsResetWhenItHasCarriedEnough(t *testing.T) {
	s := stand(t, Config{Mode: Reset, ResetBytes: 64 << 10})
	conn := s.upgrade(t)
	s.echoes(t, conn, strings.Repeat("a", 10<<10))
	for range 100 {
		err := conn.WriteMessage(websocket.TextMessage, make([]byte, 10<<10))
		if err == nil {
			_, _, err = conn.ReadMessage()
		}
		if err != nil {
			if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
				t.Errorf("got %v, want a reset", err)
			}
			s.echoes(t, s.upgrade(t), "the next one has its own 64 KiB")
			return
		}
	}
	t.Error("a connection has carried 1 MB")
}

func TestWhatComesFromTheHubIsLate(t *testing.T) {
	const delay = 50 * time.Millisecond
	s := stand(t, Config{Mode: Delay, Delay: delay})
	began := time.Now()
	conn := s.upgrade(t)
	s.echoes(t, conn, "one")
	if took := time.Since(began); took < 2*delay {
		t.Errorf("upgrade and echo took %v, want %v at least", took, 2*delay)
	}
	s.met(t, 1)
}

func TestABufferingProxyPassesWholeAnswersAndNoUpgrades(t *testing.T) {
	s := stand(t, Config{Mode: Buffer})
	got := s.get(t, "/chunks")
	if got.length != int64(len("onetwo")) || got.body != "onetwo" {
		t.Errorf("got %+v, want one answer of six bytes", got)
	}
	_, response, err := dialer.Dial(s.link(), nil)
	if !errors.Is(err, websocket.ErrBadHandshake) || response.StatusCode != http.StatusBadRequest || response.Header.Get(hubHeader) == "" {
		t.Errorf("the upgrade: got %v and %+v, want the hub's own refusal of a request without Upgrade", err, response)
	}
}

func TestAPortalSendsEveryRequestToItsLogin(t *testing.T) {
	s := stand(t, Config{Mode: Portal})
	got := s.get(t, "/page")
	if got.status != http.StatusFound || got.hub || got.location != "http://login.example/?from=%2Fpage" {
		t.Errorf("got %+v, want a redirect", got)
	}
	s.met(t, 1)
}

func TestInterceptionShowsACertificateThatNobodyKnows(t *testing.T) {
	s := standTLS(t, Intercept)
	var unknown x509.UnknownAuthorityError
	if _, err := s.client().Get(s.url + "/page"); !errors.As(err, &unknown) {
		t.Errorf("got %v, want an unknown authority", err)
	}
	careless := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true,
	}}
	if got := get(t, careless, s.url+"/page"); !got.hub {
		t.Errorf("who does not look: got %+v, want the hub's page", got)
	}
}

func TestANewModeHoldsForStandingConnectionsToo(t *testing.T) {
	s := stand(t, Config{})
	conn := s.upgrade(t)
	s.proxy.Set(Forbid)
	if _, _, err := conn.ReadMessage(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the standing socket: got %v, want a reset", err)
	}
	if _, _, err := dialer.Dial(s.link(), nil); !errors.Is(err, websocket.ErrBadHandshake) {
		t.Errorf("a new one: got %v, want a refusal", err)
	}
	s.proxy.Set(Pass)
	s.echoes(t, s.upgrade(t), "hello")
}

func TestAnUnreachableHubIsAReset(t *testing.T) {
	for _, mode := range []Mode{Pass, Buffer} {
		nobody := httptest.NewServer(http.NotFoundHandler())
		nobody.Close()
		url, _ := serve(t, Config{Target: nobody.Listener.Addr().String(), Mode: mode})
		if _, err := plain().Get(url); err == nil {
			t.Errorf("%s: got an answer, want none", mode)
		}
	}
}

const (
	hubHeader   = "X-Hub"
	subprotocol = "test.v1"
)

var dialer = &websocket.Dialer{Subprotocols: []string{subprotocol}, HandshakeTimeout: 10 * time.Second}

// standing is a hub with a proxy in front.
type standing struct {
	url      string
	proxy    *Proxy
	hub      *httptest.Server
	upgrades atomic.Int64
}

func stand(t *testing.T, config Config) *standing {
	t.Helper()
	s := &standing{}
	s.hub = httptest.NewServer(s)
	t.Cleanup(s.hub.Close)
	config.Target = s.hub.Listener.Addr().String()
	s.url, s.proxy = serve(t, config)
	return s
}

func standTLS(t *testing.T, mode Mode) *standing {
	t.Helper()
	s := &standing{}
	s.hub = httptest.NewTLSServer(s)
	t.Cleanup(s.hub.Close)
	url, proxy := serve(t, Config{Target: s.hub.Listener.Addr().String(), Mode: mode})
	s.url, s.proxy = strings.Replace(url, "http", "https", 1), proxy
	return s
}

// serve starts a proxy, which has to end with the test: what it left running would never let Serve return.
func serve(t *testing.T, config Config) (string, *Proxy) {
	t.Helper()
	p, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "http://" + listener.Addr().String(), p
}

// ServeHTTP is the hub: /link echoes, /chunks answers in two pieces.
func (s *standing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set(hubHeader, "1")
	switch r.URL.Path {
	case "/link":
		upgrader := websocket.Upgrader{Subprotocols: []string{subprotocol}}
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return // the upgrader has answered
		}
		defer conn.Close()
		s.upgrades.Add(1)
		for {
			kind, message, err := conn.ReadMessage()
			if err != nil {
				return
			}
			if err := conn.WriteMessage(kind, message); err != nil {
				return
			}
		}
	case "/chunks":
		_, _ = io.WriteString(w, "one")
		_ = http.NewResponseController(w).Flush()
		_, _ = io.WriteString(w, "two")
	default:
		_, _ = io.WriteString(w, strings.TrimPrefix(r.URL.Path, "/"))
	}
}

func (s *standing) link() string { return strings.Replace(s.url, "http", "ws", 1) + "/link" }

func (s *standing) upgrade(t *testing.T) *websocket.Conn {
	t.Helper()
	conn, _, err := dialer.Dial(s.link(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (s *standing) echoes(t *testing.T, conn *websocket.Conn, text string) {
	t.Helper()
	if err := conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		t.Fatal(err)
	}
	if _, got, err := conn.ReadMessage(); err != nil || string(got) != text {
		t.Fatalf("got %q, %v, want the echo", got, err)
	}
}

func (s *standing) met(t *testing.T, want int) {
	t.Helper()
	if got := s.proxy.Meddled(); got != want {
		t.Errorf("the proxy meddled %d times, want %d", got, want)
	}
}

// client trusts the hub's certificate and no other.
func (s *standing) client() *http.Client {
	c := s.hub.Client()
	c.Transport.(*http.Transport).DisableKeepAlives = true
	return c
}

type answer struct {
	status         int
	hub            bool // the hub itself has answered
	body, location string
	length         int64
}

func (s *standing) get(t *testing.T, path string) answer {
	t.Helper()
	return get(t, plain(), s.url+path)
}

func plain() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func get(t *testing.T, client *http.Client, url string) answer {
	t.Helper()
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header.Get(hubHeader) != "", string(body), response.Header.Get("Location"), response.ContentLength}
}
