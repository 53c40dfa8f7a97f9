//go:build linux

package e2e

import (
	"fmt"
	"slices"
	"testing"
)

// TestNarrowNetworksRelayThePicture has a browser behind firewalls that let out less and less. The page comes over HTTPS on
// port 443 throughout.
func TestNarrowNetworksRelayThePicture(t *testing.T) {
	for _, test := range []struct {
		name string
		// flags are the server's, besides those of HTTPS.
		flags []string
		// open is what the firewall lets out, in nftables' words.
		open string
	}{
		{"UDP", nil, "tcp dport 443 accept; udp dport 3478 accept"},
		{"TCP only", nil, "tcp dport { 443, 3478 } accept"},
		{"TLS on a port of its own", []string{"--turn-tls-listen", "10.77.2.2:5349"}, "tcp dport { 443, 5349 } accept"},
		{"TLS to port 443 only", []string{"--turn-on-listen"}, "tcp dport 443 accept"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := bare(t)
			certificate := need(s.Certificate())(t)
			s.hub = need(s.Hub(t.Context(), slices.Concat(
				certificate.Flags(), []string{"--listen", s.Server.Addr.String() + ":443"}, test.flags,
			)...))(t)
			// A browser believes an authority of ours for pages and for TURN alike if it knows the key.
			s.chromium = need(s.Browser(t.Context(), "--ignore-certificate-errors-spki-list="+certificate.Pin))(t)
			a := s.agent("agent", "test:", "--ca", certificate.Cert)
			must(t, s.Viewer.Filter(t.Context(), fmt.Sprintf(`table inet firewall {
	chain output {
		type filter hook output priority 0; policy drop;
		oif lo accept
		%s
	}
}`, test.open)))
			s.watch("viewer", a, "?ice=relay", "relay")
		})
	}
}
