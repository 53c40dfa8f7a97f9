package webhook

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
)

// refused are URLs to which nothing may be sent, whatever the development flag says.
var refused = []string{
	"", "partner.example", "//partner.example/", "https:partner.example", "https://", "https:///hook", "ftp://partner.example/", "file:///etc/passwd",
	"http://partner.example/", "http://1.1.1.1/", "https://user@partner.example/", "https://user:secret@partner.example/", "https://:@partner.example/",
	"https://partner.example/#fragment", "https://partner.example/#", "https://partner.example/a b", "https://partner.example/\r\nX-Evil: 1",
	"https://partner.example\n.evil/", "https://pärtner.example/", "https://partner.example:22/", "https://partner.example:80/", "https://partner.example:0/",
	"https://partner.example:/", "https://partner.example:99999/", "https://partner.example:x/", "https://partner/", "https://partner.example./",
	"https://10.0.0.1/", "https://172.16.5.5/", "https://192.168.1.1/", "https://169.254.169.254/latest/meta-data", "https://100.64.0.1/", "https://0.0.0.0/",
	"https://224.0.0.1/", "https://255.255.255.255/", "https://[fe80::1]/", "https://[fe80::1%25eth0]/", "https://[fd00:ec2::254]/", "https://[fc00::1]/",
	"https://[::]/", "https://[::ffff:10.0.0.1]/", "https://[::ffff:169.254.169.254]/", "https://[64:ff9b::a00:1]/", "https://[64:ff9b:1::1]/", "https://[2002:a00:1::]/",
	"https://[2001:db8::1]/", "https://[::10.0.0.1]/", "https://2130706433/", "https://0x7f000001/", "https://0x7f.1/", "https://127.1/", "https://0177.0.0.1/",
	"https://1.2.3.4.5/", "https://a..b.example/", "https://-/", "https://" + strings.Repeat("a.", 130) + "example/", "https://partner.example/" + strings.Repeat("x", 2048),
}

// local are of this host: they are for development.
var local = []string{
	"https://localhost/", "https://127.0.0.1/", "http://127.0.0.1:8080/hook", "http://localhost:8080/", "https://[::1]/", "http://[::ffff:127.0.0.1]:9000/",
}

func TestOnlyPublicHTTPSIsTaken(t *testing.T) {
	for _, development := range []bool{false, true} {
		guard := &Guard{Loopback: development, Resolver: names(t, nil).resolver}
		for _, text := range refused {
			if err := guard.Check(t.Context(), text); !errors.Is(err, &protocol.Error{Code: protocol.CodeInvalid}) {
				t.Errorf("%q: got %v, want it refused", text, err)
			}
		}
		for _, text := range local {
			if err := guard.Check(t.Context(), text); (err == nil) != development {
				t.Errorf("%q with development %v: got %v", text, development, err)
			}
		}
	}
	guard := &Guard{Resolver: names(t, map[string]string{"partner.example.": "1.1.1.1", "half.example.": "10.0.0.1"}).resolver}
	for text, want := range map[string]bool{
		"https://partner.example/hook?token=1": true, "https://PARTNER.example:8443": true, "https://1.1.1.1/": true, "https://[2606:4700::1111]:1024/x": true,
		"https://half.example/": false, "https://nowhere.example/": false,
	} {
		if err := guard.Check(t.Context(), text); (err == nil) != want {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestTheHostsOwnAddressesAreRefused(t *testing.T) {
	own, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range own {
		prefix := netip.MustParsePrefix(a.String())
		if !isOwn(prefix.Addr().Unmap()) || (&Guard{}).allows(prefix.Addr()) {
			t.Errorf("%s is not refused", prefix)
		}
	}
}

// nameServer answers with addresses that a test changes.
type nameServer struct {
	resolver *net.Resolver
	// mu guards what follows.
	mu        sync.Mutex
	addresses map[string]string
	asked     int
}

func (n *nameServer) set(name, address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.addresses[name] = address
}

func (n *nameServer) questions() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked
}

// names runs a name server on loopback.
func names(t *testing.T, addresses map[string]string) *nameServer {
	t.Helper()
	if addresses == nil {
		addresses = map[string]string{}
	}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &nameServer{addresses: addresses}
	n.resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	var group sync.WaitGroup
	group.Go(func() {
		buffer := make([]byte, 512)
		for {
			size, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(n.respond(buffer[:size]), from)
		}
	})
	t.Cleanup(func() { _ = conn.Close(); group.Wait() })
	return n
}

// respond answers one question (RFC 1035 section 4): with an address of type A, or that there is none, or no such name.
func (n *nameServer) respond(query []byte) []byte {
	end := 12
	var labels []string
	for query[end] != 0 {
		size := int(query[end])
		labels = append(labels, strings.ToLower(string(query[end+1:end+1+size])))
		end += size + 1
	}
	end++
	kind := binary.BigEndian.Uint16(query[end:])
	answer := append([]byte(nil), query[:end+4]...)
	copy(answer[2:], []byte{0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0})
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked++
	address, ok := n.addresses[strings.Join(labels, ".")+"."]
	switch {
	case !ok:
		answer[3] |= 3 // NXDOMAIN
	case kind == 1:
		answer[7] = 1
		answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
		answer = append(answer, netip.MustParseAddr(address).AsSlice()...)
	}
	return answer
}

func TestANameThatMovesToAPrivateAddressIsNotConnectedTo(t *testing.T) {
	reached := false
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer server.Close()
	to, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	resolver := names(t, map[string]string{"partner.example.": "1.1.1.1"})
	worker, err := New(Config{Store: newMemory(), Guard: Guard{Resolver: resolver.resolver}})
	if err != nil {
		t.Fatal(err)
	}
	w := newMemory().add("a", "https://partner.example:"+to.Port()+"/")
	if err := worker.Check(t.Context(), w.URL); err != nil {
		t.Fatal(err)
	}
	for _, moved := range []string{"127.0.0.1", "10.1.2.3", "169.254.169.254"} {
		resolver.set("partner.example.", moved)
		asked := resolver.questions()
		if d := worker.Test(t.Context(), w); d.Err != "the URL leads to an address that is not public" || d.Status != 0 || strings.Contains(d.Err, moved) {
			t.Errorf("%s: got %+v", moved, d)
		}
		if resolver.questions() == asked {
			t.Errorf("%s: the name was not looked up again", moved)
		}
	}
	if reached {
		t.Error("a private address was connected to")
	}
}

func TestConnectionsAreJudgedByTheirAddress(t *testing.T) {
	guard := &Guard{}
	for address, want := range map[string]bool{
		"1.1.1.1:443": true, "1.1.1.1:8443": true, "[2606:4700::1111]:443": true, "[64:ff9b::808:808]:443": true,
		"1.1.1.1:25": false, "127.0.0.1:443": false, "[::1]:443": false, "[::ffff:10.0.0.1]:443": false, "[64:ff9b::7f00:1]:443": false,
		"[2002:7f00:1::]:443": false, "[fe80::1%eth0]:443": false, "nonsense": false,
	} {
		for network, tcp := range map[string]bool{"tcp4": true, "tcp6": true, "udp4": false} {
			if err := guard.control(t.Context(), network, address, nil); (err == nil) != (want && tcp) {
				t.Errorf("%s %s: got %v", network, address, err)
			}
		}
	}
}

func FuzzURL(f *testing.F) {
	for _, text := range append(append(refused, local...), "https://partner.example/hook", "https://1.1.1.1:8443/?a=b") {
		f.Add(text)
	}
	guard := &Guard{}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := guard.parse(text)
		if err != nil {
			if !errors.Is(err, &protocol.Error{Code: protocol.CodeInvalid}) {
				t.Fatalf("%q: got %v, which is not for the client", text, err)
			}
			return
		}
		if u.Scheme != "https" || u.User != nil || u.Fragment != "" || strings.ContainsAny(text, "\r\n\x00 ") || len(text) > maxURLBytes {
			t.Fatalf("%q is taken", text)
		}
		if port := u.Port(); port != "" && port != "443" && len(port) < 4 {
			t.Fatalf("%q is taken with port %s", text, port)
		}
		host := u.Hostname()
		if _, err := netip.ParseAddr(host); err != nil && (!strings.Contains(host, ".") || strings.ContainsAny(host, "%:@/\\")) {
			t.Fatalf("%q is taken with host %q", text, host)
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, text, http.NoBody)
		if err != nil || request.URL.Host != u.Host {
			t.Fatalf("%q: the request goes to %v, %v", text, request, err)
		}
	})
}
