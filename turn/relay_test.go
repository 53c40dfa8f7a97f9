package turn

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func TestRelayCarriesBothWaysAndCountsExactly(t *testing.T) {
	for _, transport := range []string{transportUDP, transportTCP} {
		t.Run(transport, func(t *testing.T) {
			h := start(t)
			peer := h.peer(t)
			c := h.dial(t, transport, h.credentials(t, grantA, protocol.RoleViewer))
			relayed, err := c.Allocate()
			if err != nil {
				t.Fatal(err)
			}
			var want record.Traffic
			// Lengths around the padding, the smallest frames, and the largest that a browser sends.
			for _, size := range []int{1, 2, 3, 4, 5, 7, 8, 9, 100, 1199, 1200, 1201} {
				data := strings.Repeat("x", size)
				send(t, relayed, data, peer.LocalAddr())
				got, from := receive(t, peer)
				if got != data || from.String() != relayed.LocalAddr().String() {
					t.Fatalf("peer got %d bytes from %s, want %d from %s", len(got), from, size, relayed.LocalAddr())
				}
				// Not the smallest: over TCP pion's client has the fault that filler mends on our side.
				data += "12345678"
				send(t, peer, data, from)
				if got, _ := receive(t, relayed); got != data {
					t.Fatalf("client got %d bytes, want %d", len(got), len(data))
				}
				want.UpBytes += uint64(size)
				want.DownBytes += uint64(size) + 8
				want.UpPackets++
				want.DownPackets++
			}
			if err := relayed.Close(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the last count", func() bool {
				usage := h.ledger.of(grantA)
				return len(usage) == 1 && !usage[0].Ended.IsZero()
			})
			got := h.ledger.of(grantA)[0]
			if diff := cmp.Diff(want, got.Traffic); diff != "" {
				t.Errorf("traffic (-want +got):\n%s", diff)
			}
			if got.Transport != transport || got.Role != protocol.RoleViewer || got.Started.IsZero() || got.Allocation == "" {
				t.Errorf("usage: got %+v", got)
			}
		})
	}
}

func TestRelayServesIPv6(t *testing.T) {
	h := start(t, func(c *Config) { c.Listen = "[::1]:0" })
	peer := h.peer(t)
	c := h.dial(t, transportUDP, h.credentials(t, grantA, protocol.RoleViewer))
	relayed, err := c.Allocate()
	if err != nil {
		t.Fatal(err)
	}
	send(t, relayed, "six", peer.LocalAddr())
	if got, _ := receive(t, peer); got != "six" {
		t.Errorf("got %q", got)
	}
}

func TestRelayCarriesBetweenTwoRelays(t *testing.T) {
	h := start(t)
	viewer, err := h.dial(t, transportUDP, h.credentials(t, grantA, protocol.RoleViewer)).Allocate()
	if err != nil {
		t.Fatal(err)
	}
	device, err := h.dial(t, transportTCP, h.credentials(t, grantB, protocol.RoleDevice)).Allocate()
	if err != nil {
		t.Fatal(err)
	}
	h.betweenRelays(t, viewer, device)
}

func TestRelaysBehindNATFindEachOther(t *testing.T) {
	public := netip.MustParseAddr("8.8.4.4")
	h := start(t, func(c *Config) { c.PublicIPs = []netip.Addr{public} })
	viewer, err := h.dial(t, transportUDP, h.credentials(t, grantA, protocol.RoleViewer)).Allocate()
	if err != nil {
		t.Fatal(err)
	}
	device, err := h.dial(t, transportUDP, h.credentials(t, grantB, protocol.RoleDevice)).Allocate()
	if err != nil {
		t.Fatal(err)
	}
	if got := addrPort(device.LocalAddr()).Addr(); got != public {
		t.Fatalf("the client is told %s, want %s", got, public)
	}
	h.betweenRelays(t, viewer, device)
}

// betweenRelays sends to each other's relayed address.
func (h *harness) betweenRelays(t *testing.T, viewer, device net.PacketConn) {
	t.Helper()
	// Sending asks for the permission first; what the other sends before is dropped.
	send(t, viewer, "too early", device.LocalAddr())
	eventually(t, "the drop", func() bool { return h.metric(t, "sightline_turn_dropped_packets_total", "permission") == 1 })
	send(t, device, "to viewer", viewer.LocalAddr())
	if got, from := receive(t, viewer); got != "to viewer" || from.String() != device.LocalAddr().String() {
		t.Errorf("viewer got %q from %s", got, from)
	}
	send(t, viewer, "to device", device.LocalAddr())
	if got, from := receive(t, device); got != "to device" || from.String() != viewer.LocalAddr().String() {
		t.Errorf("device got %q from %s", got, from)
	}
}

func TestRelayPortsStayInTheirRange(t *testing.T) {
	low := freeRange(t)
	h := start(t, func(c *Config) { c.MinRelayPort, c.MaxRelayPort = low, low+1 })
	creds := h.credentials(t, grantA, protocol.RoleViewer)
	seen := map[uint16]bool{}
	for range 2 {
		relayed, err := h.dial(t, transportUDP, creds).Allocate()
		if err != nil {
			t.Fatal(err)
		}
		seen[addrPort(relayed.LocalAddr()).Port()] = true
	}
	if !seen[low] || !seen[low+1] {
		t.Errorf("ports: got %v, want %d and %d", seen, low, low+1)
	}
	if _, err := h.dial(t, transportUDP, creds).Allocate(); err == nil || !strings.Contains(err.Error(), "508") {
		t.Errorf("a third allocation in a range of two: got %v, want 508", err)
	}
}

// freeRange returns the first of two ports that nobody has, below those that systems give away by themselves.
func freeRange(t *testing.T) uint16 {
	t.Helper()
	for low := uint16(21100); low < 31000; low += 2 {
		free := 0
		for _, port := range []uint16{low, low + 1} {
			conn, err := net.ListenUDP("udp", &net.UDPAddr{Port: int(port)})
			if err != nil {
				break
			}
			free++
			if err := conn.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if free == 2 {
			return low
		}
	}
	t.Fatal("no two ports are free")
	return 0
}

func TestPacketsWithoutPermissionAreNotCounted(t *testing.T) {
	h := start(t)
	peer, other := h.peer(t), h.stranger(t)
	c := h.dial(t, transportUDP, h.credentials(t, grantA, protocol.RoleViewer))
	relayed, err := c.Allocate()
	if err != nil {
		t.Fatal(err)
	}
	send(t, peer, "before any permission", relayed.LocalAddr())
	eventually(t, "the drop", func() bool { return h.metric(t, "sightline_turn_dropped_packets_total", "permission") == 1 })
	send(t, relayed, "hello", peer.LocalAddr())
	receive(t, peer)
	send(t, other, "from a port that the policy refuses", relayed.LocalAddr())
	send(t, peer, strings.Repeat("x", 3000), relayed.LocalAddr())
	send(t, peer, "welcome", relayed.LocalAddr())
	if got, _ := receive(t, relayed); got != "welcome" {
		t.Errorf("client got %q", got)
	}
	h.End(grantA)
	eventually(t, "the last count", func() bool {
		usage := h.ledger.of(grantA)
		return len(usage) == 1 && !usage[0].Ended.IsZero()
	})
	want := record.Traffic{UpBytes: 5, UpPackets: 1, DownBytes: 7, DownPackets: 1}
	if diff := cmp.Diff(want, h.ledger.of(grantA)[0].Traffic); diff != "" {
		t.Errorf("traffic (-want +got):\n%s", diff)
	}
}
