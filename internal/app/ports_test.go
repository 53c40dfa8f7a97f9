package app

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/internal/config"
	"github.com/sightline-rtc/sightline/turn"
)

func TestOnePortServesHTTPSAndTURN(t *testing.T) {
	var pool *x509.CertPool
	c := settings(t, func(c *config.Serve) {
		c.TLSCert, c.TLSKey, pool = certificate(t)
		c.TurnOnListen, c.TurnTLSListen = true, "127.0.0.1:0"
	})
	r := serve(t, c)
	shared := "turns:" + strings.TrimPrefix(r.url, "https://") + "?transport=tcp"
	urls := r.Ready().Turn
	if len(urls) != 4 || !slices.Contains(urls, shared) {
		t.Errorf("the relay is at %v, want UDP, TCP, %s and another port of TLS", urls, shared)
	}
	for _, uri := range urls {
		if _, err := turn.Probe(t.Context(), uri, &tls.Config{RootCAs: pool}); err != nil {
			t.Errorf("%s: %v", uri, err)
		}
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	defer client.CloseIdleConnections()
	response, err := client.Get(r.url + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("pages: %s", response.Status)
	}
}

func TestOnePortServesHTTPAndTURN(t *testing.T) {
	r := serve(t, settings(t, func(c *config.Serve) { c.TurnOnListen = true }))
	shared := "turn:" + strings.TrimPrefix(r.url, "http://") + "?transport=tcp"
	if urls := r.Ready().Turn; !slices.Contains(urls, shared) {
		t.Errorf("the relay is at %v, want %s among them", urls, shared)
	}
	if _, err := turn.Probe(t.Context(), shared, nil); err != nil {
		t.Error(err)
	}
	if status, _, _ := r.get(http.MethodGet, "/readyz"); status != http.StatusOK {
		t.Errorf("pages: %d", status)
	}
}

func TestSharedPortIsToldWhereClientsGetThrough(t *testing.T) {
	certFile, keyFile, _ := certificate(t)
	for name, test := range map[string]struct {
		change func(*config.Serve)
		want   []string
	}{
		"by name": {func(c *config.Serve) {
			c.URL, c.TLSCert, c.TLSKey = "https://cameras.example.org", certFile, keyFile
		}, []string{"turns:cameras.example.org:443?transport=tcp"}},
		"without TLS": {func(c *config.Serve) { c.URL = "http://cameras.example.org:81" }, []string{"turn:cameras.example.org:81?transport=tcp"}},
		"past a proxy": {func(c *config.Serve) {
			c.URL, c.PublicIP = "https://cameras.example.org", []netip.Addr{netip.MustParseAddr("192.0.2.1")}
		}, []string{"turn:192.0.2.1:PORT?transport=tcp"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := settings(t, test.change)
			c.TurnOnListen = true
			s, err := Open(t.Context(), c, silent)
			if err != nil {
				t.Fatal(err)
			}
			port := portOf(s.listener.Addr())
			var got []string
			for _, uri := range s.entrances[0].URLs {
				got = append(got, strings.Replace(uri, ":"+port+"?", ":PORT?", 1))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
