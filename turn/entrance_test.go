package turn

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"testing"

	"github.com/pion/stun/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

// startWithEntrance runs a server with one more way in, which listens on all addresses, and returns a client's connection.
func startWithEntrance(t *testing.T, secure bool) (*harness, net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	h := start(t, func(c *Config) {
		c.Entrances = []Entrance{{Listener: listener, TLS: secure, URLs: []string{"turns:relay.example.org:443?transport=tcp"}}}
	})
	port := addrPort(listener.Addr()).Port()
	conn, err := net.Dial("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return h, conn
}

func TestEntranceRelaysAsTheServersOwnPortDoes(t *testing.T) {
	for secure, transport := range map[bool]string{false: transportTCP, true: transportTLS} {
		t.Run(transport, func(t *testing.T) {
			h, conn := startWithEntrance(t, secure)
			r := newRaw(t, conn, h.credentials(t, grantA, protocol.RoleViewer))
			r.allocate()
			peer := h.peer(t)
			at := addrPort(peer.LocalAddr())
			if code := r.request(stun.MethodChannelBind, channel(0x4000), xorPeer(at)); code != 0 {
				t.Fatalf("bind a channel: %d", code)
			}
			if _, err := conn.Write(channelData(0x4000, "hello")); err != nil {
				t.Fatal(err)
			}
			got, relayed := receive(t, peer)
			if from := addrPort(relayed).Addr(); got != "hello" || from != netip.MustParseAddr("127.0.0.1") {
				t.Errorf("the peer got %q from %s", got, from)
			}
			eventually(t, "the count of the transport", func() bool {
				return h.metric(t, "sightline_turn_packets_total", "up", transport) == 1
			})
			h.End(grantA)
			wantEnd(t, conn)
		})
	}
}

func TestEntranceIsToldToClients(t *testing.T) {
	h, _ := startWithEntrance(t, true)
	if urls := h.URLs(); !slices.Contains(urls, "turns:relay.example.org:443?transport=tcp") {
		t.Errorf("got %v", urls)
	}
}

func TestClientWithoutAFamilyGetsIPv4(t *testing.T) {
	listener, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6:", err)
	}
	h := start(t, func(c *Config) { c.Entrances = []Entrance{{Listener: listener}} })
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	newRaw(t, conn, h.credentials(t, grantA, protocol.RoleViewer)).allocate()
}
