package app

import (
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
)

func TestServerKnowsItsNames(t *testing.T) {
	public := []netip.Addr{netip.MustParseAddr("198.51.100.7")}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	own := ownAddress(t)
	tests := []struct {
		configured, listen, audience string
		want                         bool
	}{
		{"https://c.example.org", "0.0.0.0:8080", "https://c.example.org", true},
		{"https://c.example.org", "0.0.0.0:8080", "https://C.EXAMPLE.ORG:443/", true},
		{"https://c.example.org", "0.0.0.0:8080", "http://c.example.org:443", true}, // a proxy may speak TLS for us
		{"https://c.example.org", "0.0.0.0:8080", "http://c.example.org", false},
		{"https://c.example.org", "0.0.0.0:8080", "https://c.example.org.evil.example", false},
		{"https://c.example.org", "0.0.0.0:8080", "https://evil.example/https://c.example.org", false},
		{"https://c.example.org", "0.0.0.0:8080", "https://c.example.org@evil.example", false},
		{"", "0.0.0.0:8080", "http://127.0.0.1:8080", true},
		{"", "0.0.0.0:8080", "http://localhost:8080", true},
		{"", "0.0.0.0:8080", "http://" + own + ":8080", true},
		{"", "0.0.0.0:8080", "http://" + own + ":8081", false},
		{"", "0.0.0.0:8080", "http://" + own, false},
		{"", "0.0.0.0:8080", "http://" + host + ":8080", true},
		{"", "0.0.0.0:8080", "http://" + strings.ToUpper(host) + ":8080", true},
		{"", "0.0.0.0:8080", "http://203.0.113.9:8080", false},
		{"", "[::]:8080", "http://[::1]:8080", true},
		{"", "[::]:8080", "http://127.0.0.1:8080", true},
		{"", "192.0.2.1:8080", "http://192.0.2.1:8080", true},
		{"", "192.0.2.1:8080", "http://127.0.0.1:8080", false},
		{"", "192.0.2.1:8080", "http://localhost:8080", false},
		{"", "192.0.2.1:8080", "http://198.51.100.7:8080", true},
		{"", "127.0.0.1:80", "http://localhost", true},
		{"", "0.0.0.0:8080", "", false},
		{"", "0.0.0.0:8080", "://", false},
		{"", "0.0.0.0:8080", "http://", false},
	}
	for _, tt := range tests {
		n := newNames(tt.configured, netip.MustParseAddrPort(tt.listen), public)
		if got := n.has(tt.audience); got != tt.want {
			t.Errorf("--url %q on %s: is %q its name? got %v, want %v", tt.configured, tt.listen, tt.audience, got, tt.want)
		}
	}
}

// ownAddress is one of the machine's that others can reach, or loopback where there is none.
func ownAddress(t *testing.T) string {
	t.Helper()
	for _, ip := range bound(netip.IPv4Unspecified()) {
		if ip.Is4() && !ip.IsLoopback() {
			return ip.String()
		}
	}
	return "127.0.0.1"
}

func TestURLOfAListenAddressCanBeReached(t *testing.T) {
	tests := []struct {
		listen string
		tls    bool
		want   string
	}{
		{"127.0.0.1:80", false, "http://127.0.0.1:80"},
		{"192.0.2.1:8443", true, "https://192.0.2.1:8443"},
		{"[2001:db8::1]:1", false, "http://[2001:db8::1]:1"},
		{"[::1]:1", false, "http://[::1]:1"},
		{"0.0.0.0:8080", false, "http://" + ownAddress(t) + ":8080"},
		{"[::]:8080", false, "http://" + ownAddress(t) + ":8080"},
	}
	for _, tt := range tests {
		if got := urlOf(netip.MustParseAddrPort(tt.listen), tt.tls); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.listen, got, tt.want)
		}
	}
}

func TestClientIsTheLastThatNoTrustedProxyNamed(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
	tests := []struct {
		name, remote string
		forwarded    []string
		want         string
	}{
		{"nobody between", "192.0.2.1:5", nil, "192.0.2.1"},
		{"a client that lies", "192.0.2.1:5", []string{"198.51.100.1"}, "192.0.2.1"},
		{"one proxy", "10.0.0.1:5", []string{"192.0.2.1"}, "192.0.2.1"},
		{"a lie before the proxy", "10.0.0.1:5", []string{"198.51.100.1, 192.0.2.1"}, "192.0.2.1"},
		{"two proxies", "10.0.0.1:5", []string{"192.0.2.1, 10.0.0.2"}, "192.0.2.1"},
		{"two headers", "10.0.0.1:5", []string{"192.0.2.1", "10.0.0.2"}, "192.0.2.1"},
		{"a proxy that says nothing", "10.0.0.1:5", nil, "10.0.0.1"},
		{"a proxy that says garbage", "10.0.0.1:5", []string{"unknown"}, "10.0.0.1"},
		{"garbage before a proxy", "10.0.0.1:5", []string{"_hidden, 10.0.0.2"}, "10.0.0.2"},
		{"only proxies", "10.0.0.1:5", []string{"10.0.0.3,10.0.0.2"}, "10.0.0.3"},
		{"with ports", "10.0.0.1:5", []string{"192.0.2.1:4711"}, "192.0.2.1"},
		{"IPv6 with a port", "10.0.0.1:5", []string{"[2001:db9::1]:4711"}, "2001:db9::1"},
		{"IPv6", "[2001:db8::1]:5", []string{"2001:db9::1"}, "2001:db9::1"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:5", []string{"::ffff:192.0.2.1"}, "192.0.2.1"},
		{"no address at all", "@", nil, "invalid IP"},
	}
	for _, tt := range tests {
		r := &http.Request{RemoteAddr: tt.remote, Header: http.Header{"X-Forwarded-For": tt.forwarded}}
		if got := clientAddress(r, proxies).String(); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func FuzzForwardedFor(f *testing.F) {
	f.Add("10.0.0.1:5", "192.0.2.1, 10.0.0.2")
	f.Add("[::1]:5", "[2001:db8::1%eth0]:1,")
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, remote, forwarded string) {
		header := http.Header{"X-Forwarded-For": {forwarded}}
		got := clientAddress(&http.Request{RemoteAddr: remote, Header: header}, trusted)
		if peer, err := netip.ParseAddrPort(remote); err == nil && !isTrusted(peer.Addr().Unmap(), trusted) && got != peer.Addr().Unmap() {
			t.Errorf("a stranger at %s became %s by %q", remote, got, forwarded)
		}
	})
}
