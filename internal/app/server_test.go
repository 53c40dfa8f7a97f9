package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/internal/config"
	"github.com/sightline-rtc/sightline/protocol"
)

// patience bounds what a test waits for; nothing is asserted about how long things take.
const patience = 20 * time.Second

var silent = slog.New(slog.DiscardHandler)

func settings(t *testing.T, changes ...func(*config.Serve)) config.Serve {
	t.Helper()
	c := config.Serve{
		Data: config.Data{Data: t.TempDir()}, Listen: "127.0.0.1:0", TurnListen: "127.0.0.1:0", MetricsListen: "127.0.0.1:0",
		AcceptRate: 500, AddressRate: 20, QueueMemory: 256 << 20, DrainDeadline: time.Minute,
		APIKeyRate: 100, APIProjectRate: 400,
	}
	for _, change := range changes {
		change(&c)
	}
	return c
}

// running is a server under Run.
type running struct {
	*Server
	t    *testing.T
	stop context.CancelFunc
	done chan error
}

// serve runs a server until the test or stop ends it. Nothing of it may be left then.
func serve(t *testing.T, c config.Serve) *running {
	t.Helper()
	alone := len(goroutines()) == 0
	s, err := Open(t.Context(), c, silent)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &running{Server: s, t: t, stop: stop, done: make(chan error, 1)}
	go func() { r.done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-r.done:
			if err != nil {
				t.Errorf("the server ended with %v", err)
			}
		case <-time.After(patience):
			t.Fatal("the server does not end")
		}
		if alone {
			settled(t)
		}
	})
	return r
}

// settled waits until no goroutine of a server is left.
func settled(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(patience); len(goroutines()) > 0; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines are left:\n%s", len(goroutines()), strings.Join(goroutines(), "\n\n"))
		}
	}
}

// goroutines are the stacks that have begun in a server and are in no test.
func goroutines() []string {
	buffer := make([]byte, 4<<20)
	var left []string
	for stack := range strings.SplitSeq(string(buffer[:runtime.Stack(buffer, true)]), "\n\n") {
		ours := strings.Contains(stack, "sightline-rtc/sightline/") || strings.Contains(stack, "pion/") || strings.Contains(stack, "database/sql")
		if ours && !strings.Contains(stack, "_test.go") {
			left = append(left, stack)
		}
	}
	return left
}

// get asks the server and returns the status, the header and the body.
func (r *running) get(method, path string) (int, http.Header, string) {
	r.t.Helper()
	return fetch(r.t, method, r.url+path)
}

func fetch(t *testing.T, method, url string) (int, http.Header, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(body)
}

func TestEveryAnswerNamesTheServer(t *testing.T) {
	r := serve(t, settings(t))
	tests := []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/healthz", 200, "ok\n"},
		{"GET", "/readyz", 200, "ok\n"},
		{"HEAD", "/readyz", 200, ""},
		{"GET", "/openapi.json", 200, `"openapi"`},
		{"GET", "/v1/devices", 401, `"bad_token"`},
		{"GET", "/v1/nothing", 404, ""},
		{"POST", "/v1/link", 404, ""},
		{"GET", "/v1/link", 400, ""}, // no upgrade
		{"POST", "/v1/link/send", 400, "hello"},
		{"POST", "/v1/link/poll", 410, `"unknown_link"`},
		{"GET", "/v1/link/poll", 405, ""},
		{"GET", "/nothing", 404, ""},
		{"GET", "/metrics", 404, ""}, // not for the public
	}
	for _, tt := range tests {
		status, header, body := r.get(tt.method, tt.path)
		if status != tt.status || !strings.Contains(body, tt.body) {
			t.Errorf("%s %s: got %d %q, want %d with %q", tt.method, tt.path, status, body, tt.status, tt.body)
		}
		if got := header.Get(protocol.ServerHeader); got != string(r.node) {
			t.Errorf("%s %s: the header %s is %q, want %q", tt.method, tt.path, protocol.ServerHeader, got, r.node)
		}
	}
}

func TestReadinessEndsBeforeLife(t *testing.T) {
	r := serve(t, settings(t))
	r.ready.Store(false)
	if status, _, body := r.get("GET", "/readyz"); status != http.StatusServiceUnavailable || body != "not ready\n" {
		t.Errorf("readyz: got %d %q", status, body)
	}
	if status, _, _ := r.get("GET", "/healthz"); status != http.StatusOK {
		t.Errorf("healthz: got %d", status)
	}
}

func TestMetricsHaveAnAddressOfTheirOwn(t *testing.T) {
	r := serve(t, settings(t))
	status, _, body := fetch(t, "GET", "http://"+r.metricsListener.Addr().String()+"/metrics")
	for _, want := range []string{"sightline_device_links 0", "sightline_sessions 0", `sightline_refused_total{cause="node"} 0`, "go_goroutines"} {
		if status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("got %d, want %q in it", status, want)
		}
	}
}

func TestMetricsMoveAsideAndCanBeOff(t *testing.T) {
	one := serve(t, settings(t, func(c *config.Serve) { c.MetricsListen = "" }))
	other := serve(t, settings(t, func(c *config.Serve) { c.MetricsListen = "" }))
	if one.metricsListener.Addr().String() == other.metricsListener.Addr().String() {
		t.Error("two servers have one address of metrics")
	}
	if off := serve(t, settings(t, func(c *config.Serve) { c.MetricsListen = "off" })); off.metricsListener != nil {
		t.Error("metrics that are off have an address")
	}
}

func TestReadyTellsWhereTheServerIs(t *testing.T) {
	r := serve(t, settings(t))
	ready := r.Ready()
	if !ready.Ready || ready.URL != "http://"+r.listener.Addr().String() || ready.Node == "" {
		t.Errorf("ready: %+v", ready)
	}
	if len(ready.Turn) != 2 || !strings.HasSuffix(ready.Turn[0], "?transport=udp") || !strings.HasSuffix(ready.Turn[1], "?transport=tcp") ||
		strings.TrimSuffix(ready.Turn[0], "udp") != strings.TrimSuffix(ready.Turn[1], "tcp") {
		t.Errorf("the relay is at %v, want one address over UDP and TCP", ready.Turn)
	}
}

func TestOpenThatFailsLeavesNothing(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	regular := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(regular, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	free := freePort(t)
	tests := []struct {
		name   string
		change func(*config.Serve)
		want   string
	}{
		{"data", func(c *config.Serve) { c.Data.Data = filepath.Join(regular, "x") }, "cannot write to data directory " + regular + "/x: not a directory"},
		{"listen", func(c *config.Serve) { c.Listen = taken.Addr().String() }, "--listen: tcp " + taken.Addr().String() + ": address already in use"},
		{"turn-listen", func(c *config.Serve) { c.TurnListen = taken.Addr().String() }, "--turn-listen: tcp4 " + taken.Addr().String() + ": address already in use"},
		{"metrics-listen", func(c *config.Serve) { c.MetricsListen = taken.Addr().String() }, "--metrics-listen: tcp " + taken.Addr().String() + ": address already in use"},
		{"a host that is none", func(c *config.Serve) { c.Listen = "nowhere.invalid:0" }, "--listen: "},
		{"tls", func(c *config.Serve) { c.TLSCert, c.TLSKey = regular, regular }, "--tls-cert and --tls-key: "},
		{"public-ip", func(c *config.Serve) { c.PublicIP = []netip.Addr{netip.IPv4Unspecified()} }, "configure relay: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := settings(t)
			c.Listen = free
			tt.change(&c)
			s, err := Open(t.Context(), c, silent)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want one line with %q", err, tt.want)
			}
			if s != nil {
				t.Error("a server came with the error")
			}
			settled(t)
			// What it had opened is free again.
			good := settings(t)
			good.Listen = free
			if !strings.Contains(c.Data.Data, regular) {
				good.Data = c.Data
			}
			again, err := Open(t.Context(), good, silent)
			if err != nil {
				t.Fatalf("the next start: %v", err)
			}
			if err := again.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
			settled(t)
		})
	}
}

// freePort is an address that nothing else uses.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestServerSpeaksTLS(t *testing.T) {
	c := settings(t)
	var pool *x509.CertPool
	c.TLSCert, c.TLSKey, pool = certificate(t)
	r := serve(t, c)
	if !strings.HasPrefix(r.url, "https://127.0.0.1:") {
		t.Errorf("the URL is %s", r.url)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	response, err := client.Get(r.url + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || response.ProtoMajor != 1 {
		t.Errorf("got %s over %s, want 200 over HTTP/1.1, which a WebSocket needs", response.Status, response.Proto)
	}
}

// certificate makes one for 127.0.0.1 and returns its files and who trusts it.
func certificate(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AddCert(parsed)
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", private), pool
}

func TestSlowRequestIsCutOffAtTheEnd(t *testing.T) {
	r := serve(t, settings(t))
	conn, err := net.Dial("tcp", r.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// A body that never comes holds a request open.
	if _, err := io.WriteString(conn, "POST /v1/enroll HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 512)); err != nil {
		t.Fatalf("the request is not under way: %v", err)
	}
	r.stop() // the clean-up wants a server that ends, without an error
}
