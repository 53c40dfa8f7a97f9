package front

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// patience bounds what a test waits for; nothing is measured by it.
const patience = 20 * time.Second

// binding is the beginning of a STUN Binding request, request that of an HTTP one.
const (
	binding = "\x00\x01\x00\x00"
	request = "GET "
)

var silent = slog.New(slog.DiscardHandler)

// authority signs the certificates of tests.
type authority struct {
	dir  string
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	return &authority{dir: t.TempDir(), pool: x509.NewCertPool()}
}

// issue writes a certificate for 127.0.0.1 and its key, in place of those before.
func (a *authority) issue(t *testing.T, serial int64) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a.pool.AddCert(cert)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(a.dir, "cert.pem"), filepath.Join(a.dir, "key.pem")
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

func (a *authority) certificate(t *testing.T) *Certificate {
	t.Helper()
	certFile, keyFile := a.issue(t, 1)
	c, err := LoadCertificate(certFile, keyFile, silent)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// run runs a port on loopback until the test ends. Nothing of it may be left then.
func run(t *testing.T, config Config) *Port {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	config.Logger = silent
	p := New(listener, config)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if now, _ := p.Waiting(); now != 0 {
			t.Errorf("%d clients wait after the end", now)
		}
	})
	return p
}

// announce accepts and greets with a name, until the listener closes.
func announce(t *testing.T, l net.Listener, name string) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			first := make([]byte, 4)
			_, _ = io.ReadFull(conn, first)
			_, _ = io.WriteString(conn, name+" "+string(first))
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
}

// say opens a connection, sends words and returns what comes back.
func say(t *testing.T, p *Port, secure *tls.Config, words string) (string, error) {
	t.Helper()
	conn, err := net.Dial("tcp", p.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if secure != nil {
		conn = tls.Client(conn, secure)
	}
	if _, err := io.WriteString(conn, words); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(conn)
	return string(answer), err
}

func TestClientsComeToThoseWhoServeThem(t *testing.T) {
	a := newAuthority(t)
	plain := run(t, Config{HTTP: true, TURN: true})
	secure := run(t, Config{HTTP: true, TURN: true, Certificate: a.certificate(t)})
	web := run(t, Config{HTTP: true, Certificate: a.certificate(t)})
	relay := run(t, Config{TURN: true, Certificate: a.certificate(t)})
	for _, p := range []*Port{plain, secure, web, relay} {
		if l := p.HTTP(); l != nil {
			announce(t, l, "http")
		}
		if l := p.TURN(); l != nil {
			announce(t, l, "turn")
		}
	}
	settings := func(protocols ...string) *tls.Config {
		return &tls.Config{RootCAs: a.pool, ServerName: "127.0.0.1", NextProtos: protocols}
	}
	for name, test := range map[string]struct {
		port   *Port
		secure *tls.Config
		words  string
		want   string
	}{
		"HTTP":                       {plain, nil, request, "http " + request},
		"HTTP after an empty line":   {plain, nil, "\r\nGE", "http \r\nGE"},
		"TURN":                       {plain, nil, binding, "turn " + binding},
		"TLS where there is none":    {plain, nil, "\x16\x03\x01\x00", "http \x16\x03\x01\x00"},
		"HTTPS":                      {secure, settings(), request, "http " + request},
		"HTTPS that says so":         {secure, settings("h2", "http/1.1"), request, "http " + request},
		"TURN over TLS":              {secure, settings(), binding, "turn " + binding},
		"TURN over TLS that says so": {secure, settings("stun.turn"), binding, "turn " + binding},
		"TURN among others":          {secure, settings("http/1.1", "stun.turn"), binding, "turn " + binding},
		"HTTPS alone":                {web, settings(), request, "http " + request},
		"HTTPS alone, any words":     {web, settings(), binding, "http " + binding},
		"TURN over TLS alone":        {relay, settings(), binding, "turn " + binding},
	} {
		if got, err := say(t, test.port, test.secure, test.words); err != nil || got != test.want {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, test.want)
		}
	}
	if _, err := say(t, relay, settings("http/1.1"), request); err == nil {
		t.Error("a port of TURN alone let in a client of HTTP")
	}
	if _, err := say(t, secure, nil, request+"/ HTTP/1.1\r\n\r\n"); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !strings.Contains(err.Error(), "reset") {
		t.Errorf("plain words on a port of TLS: %v", err)
	}
}

func TestHTTPServerServesADoor(t *testing.T) {
	a := newAuthority(t)
	p := run(t, Config{HTTP: true, TURN: true, Certificate: a.certificate(t)})
	server := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RemoteAddr) }),
		ReadHeaderTimeout: patience,
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(p.HTTP()) }()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.pool}}}
	response, err := client.Get("https://" + p.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || !strings.HasPrefix(string(body), "127.0.0.1:") {
		t.Errorf("got %q, %v", body, err)
	}
	_ = response.Body.Close()
	client.CloseIdleConnections()
	if err := server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve: %v", err)
	}
	// Newcomers of both kinds are sent away, while TURN's own listener goes on with those it has.
	if conn, err := net.Dial("tcp", p.listener.Addr().String()); err == nil {
		_ = conn.Close()
		t.Error("the port is open after one listener was closed")
	}
	select {
	case <-p.doors[kindTURN].done:
		t.Error("the other listener is closed")
	default:
	}
}

// halfOpen is how many connections a crowd makes: 10,000 where the process may have so many open files.
func halfOpen(t *testing.T) int {
	t.Helper()
	limit := openFiles(t)
	return min(10_000, int(limit/2)-100)
}

func TestCrowdThatSaysNothingCostsLittleAndKeepsNobodyOut(t *testing.T) {
	a := newAuthority(t)
	p := run(t, Config{HTTP: true, TURN: true, Certificate: a.certificate(t)})
	announce(t, p.HTTP(), "http")
	announce(t, p.TURN(), "turn")
	before := footprint()
	crowd := halfOpen(t)
	for i := range crowd {
		// From many addresses: one alone has fewer places.
		from := &net.TCPAddr{IP: net.IPv4(127, 1, byte(i>>6), 1)}
		conn, err := (&net.Dialer{LocalAddr: from}).Dial("tcp", p.listener.Addr().String())
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if i%2 == 0 {
			_, _ = conn.Write([]byte{0x16, 3, 1, 2}) // the beginning of a ClientHello; the server may have closed
		}
	}
	now, _ := p.Waiting()
	if now > maxWaiting {
		t.Errorf("%d connections wait, want %d at most", now, maxWaiting)
	}
	t.Logf("%d half-open connections: %d wait and take %d KB each", crowd, now, (footprint()-before)/1024/max(uint64(now), 1))
	settings := &tls.Config{RootCAs: a.pool, ServerName: "127.0.0.1"}
	eventually(t, "somebody who speaks is heard", func() bool {
		answer, err := say(t, p, settings, binding)
		return err == nil && strings.HasPrefix(answer, "turn")
	})
}

// footprint is the memory of heap and stacks in use.
func footprint() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for !condition() {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			t.Fatalf("still waiting: %s", what)
		}
	}
}
