package app

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/internal/config"
	"github.com/sightline-rtc/sightline/protocol"
)

// checked returns what a check says, line by line, and its error.
func checked(t *testing.T, c config.Serve) ([]string, error) {
	t.Helper()
	var out strings.Builder
	err := Check(t.Context(), c, &out, silent)
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n"), err
}

// matches wants one line for each pattern.
func matches(t *testing.T, got []string, want ...string) {
	t.Helper()
	for i, pattern := range want {
		if i >= len(got) || !regexp.MustCompile("^"+pattern+"$").MatchString(got[i]) {
			t.Errorf("got\n%s\nwant its line %d to match %s", strings.Join(got, "\n"), i+1, pattern)
			return
		}
	}
	if len(got) != len(want) {
		t.Errorf("got\n%s\nwant %d lines", strings.Join(got, "\n"), len(want))
	}
}

func TestCheckBeforeAStart(t *testing.T) {
	c := settings(t)
	got, err := checked(t, c)
	if err != nil {
		t.Error(err)
	}
	matches(t, got,
		`ok   settings   make sense`, `ok   data       .* can be used`, `ok   listen     127.0.0.1:0 is free`,
		`ok   relay      127.0.0.1:0 is free, UDP and TCP`, `ok   TLS        not used: .*`, `ok   NAT        .*--turn-alt-port 3479 lets them .*`)

	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c.TurnListen = taken.Addr().String()
	c.Data.Data = filepath.Join(t.TempDir(), "new")
	c.TLSCert, c.TLSKey = "/nowhere/c.pem", "/nowhere/k.pem"
	c.TurnAltPort = freeUDPPort(t)
	got, err = checked(t, c)
	if err == nil || err.Error() != "2 of 6 checks failed" {
		t.Errorf("got %v", err)
	}
	matches(t, got,
		`ok   settings   make sense`, `ok   data       .*/new does not exist yet; a start makes it`, `ok   listen .*`,
		`BAD  relay      tcp 127.0.0.1:\d+: address already in use`, `BAD  TLS        open /nowhere/c.pem: no such file or directory`,
		`ok   NAT        127.0.0.1:\d+ is free, UDP: cameras learn .*`)
}

// freeUDPPort is a UDP port that nothing uses.
func freeUDPPort(t *testing.T) uint16 {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return netip.MustParseAddrPort(conn.LocalAddr().String()).Port()
}

func TestCheckOfWrongSettingsGoesNoFurther(t *testing.T) {
	c := settings(t)
	c.URL = "nonsense"
	got, err := checked(t, c)
	if err == nil || err.Error() != "1 of 1 checks failed" {
		t.Errorf("got %v", err)
	}
	matches(t, got, `BAD  settings   --url: "nonsense" is no URL .*`)
}

func TestCheckOfARunningServer(t *testing.T) {
	c := settings(t)
	c.TurnAltPort = freeUDPPort(t)
	r := serve(t, c)
	c = r.config
	c.URL = r.url + "/"
	c.TurnListen = strings.TrimPrefix(strings.TrimSuffix(r.Ready().Turn[0], "?transport=udp"), "turn:")
	want := []string{
		`ok   settings   make sense`, `ok   server     http://127.0.0.1:\d+ is ready, node n-.*`, `ok   WebSocket  links open`,
		`ok   relay      turn:.*udp answers, and saw us as .*`, `ok   relay      turn:.*tcp answers, and saw us as .*`,
		`ok   NAT        stun:.* answers, and saw us as .*`,
	}
	got, err := checked(t, c)
	if err != nil {
		t.Error(err)
	}
	matches(t, got, want...)

	c.Listen, c.URL = r.listener.Addr().String(), "" // with the server's own settings it finds it by itself
	if got, err = checked(t, c); err != nil {
		t.Error(err)
	}
	matches(t, got, want...)

	r.ready.Store(false)
	got, err = checked(t, c)
	if err == nil || err.Error() != "1 of 6 checks failed" {
		t.Errorf("got %v", err)
	}
	matches(t, got, want[0], `BAD  server     the server is up and not ready`, want[2], want[3], want[4], want[5])
}

func TestCheckToldSomethingElseFromAServer(t *testing.T) {
	header := ""
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if header != "" {
			w.Header().Set(protocol.ServerHeader, header)
		}
	}))
	defer other.Close()
	c := settings(t)
	c.URL = other.URL
	got, err := checked(t, c)
	if err == nil {
		t.Error("got no error")
	}
	matches(t, got, `ok   settings .*`, `BAD  server     something other than a Sightline server answered 200 OK`,
		`BAD  WebSocket  the upgrade was answered 200 OK instead of 101: does a proxy in front pass WebSockets on\?`)

	header = "n-1"
	got, err = checked(t, c)
	if err == nil || err.Error() != "1 of 3 checks failed" {
		t.Errorf("got %v", err)
	}
	matches(t, got, `ok   settings .*`, `ok   server .*`, `BAD  WebSocket .*`)
}

func TestCheckOfAnUnreachableServerIsInPlainWords(t *testing.T) {
	c := settings(t)
	c.URL = "http://127.0.0.1:1"
	got, err := checked(t, c)
	if err == nil {
		t.Error("got no error")
	}
	matches(t, got, `ok   settings .*`, `BAD  server     tcp 127.0.0.1:1: connection refused`, `BAD  WebSocket  tcp 127.0.0.1:1: connection refused`)
}
