package programs

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/test/soak"
)

// idle is longer than the default time-outs of the proxies: 60 s for nginx (proxy_read_timeout), 50 s for HAProxy as
// Debian sets it (timeout client and server).
var idle = soak.Duration(70*time.Second, 3*time.Minute)

// proxies are the samples of docs/operations.md, and how each program is run with one.
var proxies = map[string]struct {
	program string
	// around is what the sample stands in: the program's own defaults, and an address to the hub that tells the
	// proxy from the clients.
	around func(t *testing.T, dir, sample string) string
	args   func(file string) []string
}{
	"nginx": {
		"nginx",
		func(_ *testing.T, dir, sample string) string {
			return "daemon off;\nmaster_process off;\nuser root;\npid " + dir + "/pid;\nerror_log stderr warn;\n" +
				"events {}\nhttp {\naccess_log off;\nproxy_bind " + proxyAddress + ";\n" +
				"client_body_temp_path " + dir + "/body;\nproxy_temp_path " + dir + "/proxy;\nfastcgi_temp_path " + dir + "/fastcgi;\n" +
				"uwsgi_temp_path " + dir + "/uwsgi;\nscgi_temp_path " + dir + "/scgi;\n" + sample + "}\n"
		},
		func(file string) []string { return []string{"-c", file, "-e", "stderr"} },
	},
	"haproxy": {
		"haproxy",
		func(t *testing.T, _, sample string) string {
			debian, err := os.ReadFile("/etc/haproxy/haproxy.cfg")
			if err != nil {
				t.Fatal(err)
			}
			_, defaults, ok := strings.Cut(string(debian), "\ndefaults\n")
			if !ok {
				t.Fatalf("Debian's configuration has no defaults: %s", debian)
			}
			return "defaults\n" + defaults + "\n\tsource " + proxyAddress + "\n" + sample
		},
		func(file string) []string { return []string{"-db", "-f", file} },
	},
}

// proxyAddress is where a proxy's connections to the hub come from.
const proxyAddress = "127.0.0.2"

func TestLinksIdleBehindProxiesWithDefaultTimeouts(t *testing.T) {
	t.Parallel()
	var all []*idler
	for name := range proxies {
		for door, transport := range map[string]string{"websocket": "websocket", "poll": "long_poll"} {
			all = append(all, newIdler(t, name, door, transport))
		}
	}
	<-time.After(idle)
	for _, i := range all {
		i.check(t)
	}
}

// idler is an agent that has nothing to do behind a proxy, and its server.
type idler struct {
	*server
	name, key, device, transport string
	began                        []connection
}

func newIdler(t *testing.T, proxy, door, transport string) *idler {
	t.Helper()
	front, back := freeAddress(t), freeAddress(t)
	s := serves(t, t.TempDir(), "--listen", back, "--url", "https://"+front, "--trusted-proxies", proxyAddress+"/32")
	authority := proxied(t, proxy, front, back)
	code := answers[codeLine](t, "enroll", "create", "--data", s.data, "--name", "garden", "--json")[0].Code
	_, device := s.agent("--state", t.TempDir(), "--enroll", code, "--ca", authority, "--door", door)
	s.URL = "http://" + back // the test has no need of the proxy
	key := s.key()
	return &idler{s, proxy + " " + door, key, device, transport, s.history(device, key, open)}
}

func (i *idler) check(t *testing.T) {
	t.Helper()
	after := i.history(i.device, i.key, open)
	if len(i.began) != 1 || len(after) != 1 || after[0] != i.began[0] {
		t.Errorf("%s: the connections %+v became %+v in %v, want one that stays", i.name, i.began, after, idle)
	}
	if got := after[0]; got.Address != "127.0.0.1" || got.Transport != i.transport {
		t.Errorf("%s: the connection is from %s over %s, want the agent's address and %s", i.name, got.Address, got.Transport, i.transport)
	}
}

// proxied runs a proxy with its sample, and returns the file with the authority of its certificate.
func proxied(t *testing.T, name, front, hub string) string {
	t.Helper()
	p := proxies[name]
	program, err := exec.LookPath(p.program)
	if err != nil {
		program = "/usr/sbin/" + p.program // not in everybody's PATH
	}
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	dir := t.TempDir()
	certificate(t, dir, front)
	sample := sampleOf(t, name)
	sample = strings.NewReplacer(
		" :443 ssl", " "+front+" ssl", " 443 ssl", " "+front+" ssl", "/etc/ssl/cameras", dir, "127.0.0.1:8080", hub,
	).Replace(sample)
	file := filepath.Join(dir, "config")
	if err := os.WriteFile(file, []byte(p.around(t, dir, sample)), 0o600); err != nil {
		t.Fatal(err)
	}
	accompanies(t, program, p.args(file)...)
	return filepath.Join(dir, "chain.pem")
}

// accompanies runs somebody else's program until the test ends.
func accompanies(t *testing.T, program string, args ...string) {
	t.Helper()
	var said bytes.Buffer
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program, args...)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", program, said.String())
		}
	})
}

// sampleOf returns the configuration that docs/operations.md shows.
func sampleOf(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```" + name + "\n(.*?)```").FindStringSubmatch(string(text))
	if block == nil {
		t.Fatalf("docs/operations.md has no sample for %s", name)
	}
	return block[1]
}

// freeAddress is one that nobody else on this machine uses, for programs that cannot choose a port themselves.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.77.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// certificate writes a certificate for an address, signed by itself, in the files that the samples name.
func certificate(t *testing.T, dir, address string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.ParseIP(host)}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	chainPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	for name, content := range map[string][]byte{
		"chain.pem": chainPEM, "key.pem": keyPEM, "chain-and-key.pem": append(chainPEM, keyPEM...),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
