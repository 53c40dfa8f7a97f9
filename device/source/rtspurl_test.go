package source

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/test/camera"
)

func TestOptionsOfASourceAreNotToldToTheCamera(t *testing.T) {
	for spec, want := range map[string]string{
		"rtsp://camera/live":               "rtsp://camera/live",
		"rtsp://camera/live?transport=tcp": "rtsp://camera/live",
		"rtsp://camera/cam/realmonitor?channel=1&transport=udp&subtype=0&transport=tcp": "rtsp://camera/cam/realmonitor?channel=1&subtype=0",
		"rtsps://camera/live?x&fingerprint=" + strings.Repeat("AB:", 31) + "ab":         "rtsps://camera/live?x",
	} {
		got, err := parseRTSP(spec)
		if err != nil || got.url.String() != want {
			t.Errorf("%s: got %v, %v; want %s", spec, got, err, want)
		}
	}
}

func TestWrongOptionsOfACameraAreToldInWords(t *testing.T) {
	for spec, want := range map[string]string{
		"rtsp://camera/live?transport=quic":                          `transport is tcp or udp, not "quic"`,
		"rtsps://camera/live?fingerprint=abc":                        "64 hexadecimal digits",
		"rtsp://camera/live?fingerprint=" + strings.Repeat("ab", 32): "is of rtsps:// only",
		"rtsp://": "write it as rtsp://host/path",
	} {
		if _, err := parseRTSP(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", spec, err, want)
		}
	}
}

// selfSigned writes a certificate for 127.0.0.1 and its key.
func selfSigned(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "camera"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, block := range map[string]*pem.Block{
		"certificate": {Type: "CERTIFICATE", Bytes: der}, "key": {Type: "PRIVATE KEY", Bytes: pkcs8},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "certificate"), filepath.Join(dir, "key")
}

// A camera's own certificate is not believed, but its fingerprint is told, and with that it is.
func TestOwnCertificateOfACameraIsBelievedByItsFingerprint(t *testing.T) {
	t.Parallel()
	certificate, key := selfSigned(t)
	address, _ := camera.Start(t, small(camera.Options{Certificate: certificate, Key: key}))
	err := openSource(t, address, nil).Run(t.Context(), newSink())
	if err == nil {
		t.Fatal("a certificate that nobody signed was believed")
	}
	option := regexp.MustCompile(`fingerprint=[0-9a-f]{64}`).FindString(err.Error())
	if option == "" {
		t.Fatalf("the fingerprint is not told: %v", err)
	}
	out := newSink()
	out.wait(t, runSource(t, openSource(t, with(t, address, nil, "", option), nil), out), func() bool { return len(out.units) > 0 })

	wrong := "fingerprint=" + strings.Repeat("00", 32)
	err = openSource(t, with(t, address, nil, "", wrong), nil).Run(t.Context(), newSink())
	if err == nil || !strings.Contains(err.Error(), errFingerprint.Error()) {
		t.Errorf("got %v, want %v", err, errFingerprint)
	}
}

// A camera that answers DESCRIBE with a redirect is followed to its own other paths, and nowhere else.
func TestCameraSendsTheAgentNowhereElse(t *testing.T) {
	for location, want := range map[string]string{
		"rtsp://elsewhere.example/live":         `"rtsp://elsewhere.example/live"`,
		"rtsp://admin:hunter2@127.0.0.2:1/live": `"rtsp://127.0.0.2:1/live"`,
		"http://127.0.0.1/":                     "a place that is none",
		"rtsp://127.0.0.1:PORT/again":           "/again", // for ever
	} {
		asked, address := redirecting(t, location)
		err := openSource(t, with(t, address, nil, "/live", ""), nil).Run(t.Context(), newSink())
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v, want %q", location, err, want)
		}
		if n := asked(); n > maxRedirects+1 {
			t.Errorf("%s: the camera was asked %d times", location, n)
		}
	}
}

// redirecting is an RTSP server that answers every DESCRIBE with a redirect.
func redirecting(t *testing.T, location string) (asked func() int, address string) {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := l.Addr().String()
	_, port, err := net.SplitHostPort(host)
	if err != nil {
		t.Fatal(err)
	}
	location = strings.Replace(location, "PORT", port, 1)
	count := make(chan int, 1)
	count <- 0
	serve := func(c net.Conn) {
		defer c.Close()
		buf := make([]byte, 4096)
		for {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			request := string(buf[:n])
			cseq := regexp.MustCompile(`CSeq: (\d+)`).FindStringSubmatch(request)
			status := "200 OK\r\nPublic: DESCRIBE"
			if strings.HasPrefix(request, "DESCRIBE") {
				count <- <-count + 1
				status = "302 Moved\r\nLocation: " + location
			}
			if len(cseq) == 2 {
				fmt.Fprintf(c, "RTSP/1.0 %s\r\nCSeq: %s\r\n\r\n", status, cseq[1])
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	context.AfterFunc(ctx, func() { l.Close() })
	t.Cleanup(func() { cancel(); <-done })
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serve(c)
		}
	}()
	return func() int { n := <-count; count <- n; return n }, "rtsp://" + host
}

func TestPacketsComeFromTheCameraItself(t *testing.T) {
	res := &base.Response{StatusCode: base.StatusOK, Header: base.Header{"Transport": base.HeaderValue{
		"RTP/AVP;unicast;client_port=1-2;Source=192.0.2.7;server_port=3-4",
	}}}
	(&rtspGuard{host: "camera"}).judge(res)
	want := base.HeaderValue{"RTP/AVP;unicast;client_port=1-2;server_port=3-4"}
	if diff := cmp.Diff(want, res.Header["Transport"]); diff != "" {
		t.Error(diff)
	}
}

func TestPasswordsInPathAndQueryAreNotTold(t *testing.T) {
	for spec, want := range map[string]string{
		"rtsp://u:p@cam/user=admin&password=hunter2&channel=1.sdp": "rtsp://cam/user=admin&password=…&channel=1.sdp",
		"rtsp://cam/live?channel=1&Pwd=hunter2&x=2":                "rtsp://cam/live?channel=1&Pwd=…&x=2",
		"rtsp://cam/live?channel=1":                                "rtsp://cam/live?channel=1",
	} {
		src, err := openRTSP(spec, Config{})
		if err != nil {
			t.Fatal(err)
		}
		if got := src.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got := src.(*rtspSource).scrub(errors.New("no answer from " + spec)).Error(); strings.Contains(got, "hunter2") {
			t.Errorf("an error says %q", got)
		}
	}
}
