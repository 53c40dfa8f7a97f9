package programs

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/test/middlebox"
)

func TestCheckSaysInPlainWordsWhatIsInBetween(t *testing.T) {
	s := serves(t, t.TempDir())
	dir := t.TempDir()
	certificate(t, dir, "127.0.0.1:0")
	secure := serves(t, t.TempDir(), "--tls-cert", filepath.Join(dir, "chain.pem"), "--tls-key", filepath.Join(dir, "key.pem"))
	code := answers[codeLine](t, "enroll", "create", "--data", s.data, "--name", "garden", "--json")[0].Code
	for _, tt := range []struct {
		mode      middlebox.Mode
		hub, want string
		status    int
	}{
		{middlebox.Pass, s.URL, "ok   server     reached at URL, WebSocket and long poll work", 0},
		{middlebox.Answer, s.URL, "ok   server     reached at URL, the long poll works and is used; no WebSocket gets through: " +
			"something other than a Sightline hub answered 200 OK: a proxy, a captive portal or a wrong URL", 0},
		{middlebox.Portal, s.URL, `BAD  server     something other than a Sightline hub answered 302 Found, to ` +
			`"http://login.example/?from=%2Freadyz": a captive portal wants a login there, or the server has moved to that URL`, 1},
		{middlebox.Intercept, secure.URL, "BAD  server     the hub's certificate is of an unknown authority: " +
			"something in between (a firewall, a virus scanner) opens the connection, or --ca is missing", 1},
	} {
		t.Run(string(tt.mode), func(t *testing.T) {
			t.Parallel()
			scheme, address, _ := strings.Cut(tt.hub, "://")
			url := scheme + "://" + behind(t, address, tt.mode)
			r := ends(t, "sightline-agent", "check", "--hub", url, "--state", t.TempDir(), "--enroll", code, "--source", "test:",
				"--port-mapping", "off", "--media-listen", "127.0.0.1:0")
			first, _, _ := strings.Cut(r.stdout, "\n")
			if want := strings.ReplaceAll(tt.want, "URL, ", url+", "); first != want || r.status != tt.status {
				t.Errorf("status %d and first\n%s\nwant %d and\n%s\nstderr: %s", r.status, first, tt.status, want, r.stderr)
			}
		})
	}
}

// behind returns the address of a middlebox in front of a hub's.
func behind(t *testing.T, hub string, mode middlebox.Mode) string {
	t.Helper()
	proxy, err := middlebox.New(middlebox.Config{Target: hub, Mode: mode})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- proxy.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}
