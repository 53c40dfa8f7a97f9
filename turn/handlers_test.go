package turn

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	pionturn "github.com/pion/turn/v5"

	"github.com/sightline-rtc/sightline/protocol"
)

func TestCredentialLifeIsCheckedOnlyOnAllocate(t *testing.T) {
	h := start(t)
	h.credentials(t, grantA, protocol.RoleViewer)
	expired := h.keys.Mint(grantA, protocol.RoleViewer, time.Now().Add(-time.Second))
	fresh := h.keys.Mint(grantA, protocol.RoleViewer, time.Now().Add(time.Minute))
	for name, test := range map[string]struct {
		creds  Credentials
		method stun.Method
		want   bool
	}{
		"fresh allocate":      {fresh, stun.MethodAllocate, true},
		"expired allocate":    {expired, stun.MethodAllocate, false},
		"expired refresh":     {expired, stun.MethodRefresh, true},
		"expired permission":  {expired, stun.MethodCreatePermission, true},
		"expired channel":     {expired, stun.MethodChannelBind, true},
		"TCP connect":         {fresh, stun.MethodConnect, false},
		"TCP connection bind": {fresh, stun.MethodConnectionBind, false},
	} {
		user, _, ok := h.authenticate(&pionturn.RequestAttributes{Username: test.creds.Username, Method: test.method})
		if ok != test.want {
			t.Errorf("%s: got %v", name, ok)
		}
		if want := string(grantA) + ".viewer"; ok && user != want {
			t.Errorf("%s: user %q, want %q", name, user, want)
		}
	}
}

func TestAllocateIsRefusedWithoutGoodCredentials(t *testing.T) {
	h := start(t)
	good := h.credentials(t, grantA, protocol.RoleViewer)
	other := h.keys.Mint(grantB, protocol.RoleViewer, time.Now().Add(time.Minute))
	for name, creds := range map[string]Credentials{
		"wrong password":     {good.Username, "wrong"},
		"other role":         {strings.Replace(good.Username, "viewer", "device", 1), good.Password},
		"unknown grant":      other,
		"unknown key":        {strings.Replace(good.Username, "k1", "k2", 1), good.Password},
		"none of our format": {"user", "password"},
		"expired":            h.keys.Mint(grantA, protocol.RoleViewer, time.Now().Add(-time.Second)),
	} {
		if code := h.dialRaw(t, creds).request(stun.MethodAllocate, transport(17)); code != 400 {
			t.Errorf("%s: got %d, want 400", name, code)
		}
	}
	if code := h.dialRaw(t, good).request(stun.MethodAllocate, transport(17)); code != 0 {
		t.Errorf("good credentials: got %d", code)
	}
}

func TestRenewedCredentialsGoOnWithTheAllocation(t *testing.T) {
	h := start(t)
	c := h.dialRaw(t, h.keys.Mint(grantA, protocol.RoleViewer, time.Now().Add(time.Minute)))
	if _, err := h.Grant(grantA, protocol.RoleViewer); err != nil {
		t.Fatal(err)
	}
	c.allocate()
	c.creds = h.keys.Mint(grantA, protocol.RoleViewer, time.Now().Add(2*time.Minute))
	if code := c.request(stun.MethodRefresh); code != 0 {
		t.Errorf("refresh: got %d", code)
	}
}

func TestGrantHasAtMostSixteenAllocations(t *testing.T) {
	h := start(t)
	creds := h.credentials(t, grantA, protocol.RoleViewer)
	for range maxAllocations {
		h.dialRaw(t, creds).allocate()
	}
	if code := h.dialRaw(t, creds).request(stun.MethodAllocate, transport(17)); code != 486 {
		t.Errorf("one more: got %d, want 486", code)
	}
	if got := h.metric(t, "sightline_turn_allocations", transportUDP); got != maxAllocations {
		t.Errorf("allocations: got %v", got)
	}
}

func TestTCPRelaysAreRefused(t *testing.T) {
	h := start(t)
	creds := h.credentials(t, grantA, protocol.RoleViewer)
	if code := h.dialRaw(t, creds).request(stun.MethodAllocate, transport(6)); code != 442 {
		t.Errorf("a TCP allocation: got %d, want 442", code)
	}
	c := h.dialRaw(t, creds)
	c.allocate()
	peer := xorPeer(addrPort(h.peer(t).LocalAddr()))
	if code := c.request(stun.MethodConnect, peer); code != 400 {
		t.Errorf("connect: got %d, want 400", code)
	}
}

func TestRefusedPeersGetNoPermissionAndNoPacket(t *testing.T) {
	h := start(t)
	c := h.dialRaw(t, h.credentials(t, grantA, protocol.RoleViewer))
	c.allocate()
	hub := h.Addr()
	for _, s := range []string{
		"127.0.0.2:5000", "[::ffff:127.0.0.2]:5000", "[::ffff:7f00:1]:5000", "169.254.169.254:5000", "10.0.0.1:5000", "0.0.0.0:5000",
		"[::1]:5000", "[::]:5000", "255.255.255.255:5000", hub.String(),
	} {
		peer := xorPeer(netip.MustParseAddrPort(s))
		// 443 where the family is not the allocation's (RFC 8656 section 10.2).
		if code := c.request(stun.MethodCreatePermission, peer); code != 403 && code != 443 {
			t.Errorf("permission for %s: got %d, want 403 or 443", s, code)
		}
		if code := c.request(stun.MethodChannelBind, channel(0x4000), peer); code != 403 && code != 443 {
			t.Errorf("channel to %s: got %d, want 403 or 443", s, code)
		}
	}
}

// The address of one open peer is the address of every socket on loopback: only the data plane sees the port.
func TestRefusedPortsGetNoPacket(t *testing.T) {
	h := start(t)
	peer, stranger := h.peer(t), h.stranger(t)
	relayed, err := h.dial(t, transportUDP, h.credentials(t, grantA, protocol.RoleViewer)).Allocate()
	if err != nil {
		t.Fatal(err)
	}
	send(t, relayed, "refused", stranger.LocalAddr())
	send(t, relayed, "refused", net.UDPAddrFromAddrPort(h.Addr()))
	send(t, relayed, "allowed", peer.LocalAddr())
	if got, _ := receive(t, peer); got != "allowed" {
		t.Errorf("got %q", got)
	}
	if got := h.metric(t, "sightline_turn_dropped_packets_total", string(refusedSpecial)); got != 2 {
		t.Errorf("dropped: got %v, want 2", got)
	}
	eventually(t, "one packet is counted", func() bool {
		return h.metric(t, "sightline_turn_packets_total", "up", transportUDP) == 1
	})
}

func TestPermissionsAreBounded(t *testing.T) {
	h := start(t, openTen)
	c := h.dialRaw(t, h.credentials(t, grantA, protocol.RoleViewer))
	c.allocate()
	ask := func(i int) int {
		return c.request(stun.MethodCreatePermission, xorPeer(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 5000)))
	}
	for i := range maxPermissions {
		if code := ask(i); code != 0 {
			t.Fatalf("permission %d: got %d", i, code)
		}
	}
	if code := ask(maxPermissions); code != 508 {
		t.Errorf("one more: got %d, want 508", code)
	}
	if code := ask(0); code != 0 {
		t.Errorf("renewing one: got %d", code)
	}
}

// pion/turn would stop a timer that it has not started yet: see window.
func TestAllocationsMayEndWhilePermissionsAreAdded(t *testing.T) {
	h := start(t, openTen)
	for i := range 40 {
		grant := protocol.GrantID(fmt.Sprintf("%032x", i))
		c := h.dialRaw(t, h.credentials(t, grant, protocol.RoleViewer))
		c.allocate()
		key := pionturn.GenerateAuthKey(c.creds.Username, DefaultRealm, c.creds.Password)
		setters := []stun.Setter{stun.TransactionID, stun.NewType(stun.MethodCreatePermission, stun.ClassRequest)}
		for n := range byte(maxPermissions) {
			setters = append(setters, xorPeer(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, n}), 5000)))
		}
		setters = append(setters, stun.NewUsername(c.creds.Username), stun.NewRealm(DefaultRealm), c.nonce, stun.MessageIntegrity(key))
		if _, err := c.conn.Write(stun.MustBuild(setters...).Raw); err != nil {
			t.Fatal(err)
		}
		h.End(grant)
		eventually(t, "the allocation's end", func() bool {
			usage := h.ledger.of(grant)
			return len(usage) == 1 && !usage[0].Ended.IsZero()
		})
	}
}

// GHSA-34rh-wp3j-6cxc: pion/stun before v3.1.5 panicked here.
func TestEmptyPeerAddressIsABadRequest(t *testing.T) {
	h := start(t)
	c := h.dialRaw(t, h.credentials(t, grantA, protocol.RoleViewer))
	c.allocate()
	for size := range 9 {
		for family := range byte(4) {
			value := make([]byte, size)
			if size > 1 {
				value[1] = family
			}
			want := 400
			if size > 4 {
				want = 0 // pion/stun reads the bytes that are missing as zeros, and the policy judges that address.
			}
			short := stun.RawAttribute{Type: stun.AttrXORPeerAddress, Value: value}
			if code := c.request(stun.MethodCreatePermission, short); code != want && want != 0 {
				t.Errorf("permission for %x: got %d, want %d", value, code, want)
			}
			if code := c.request(stun.MethodChannelBind, channel(0x4000), short); code != want && want != 0 {
				t.Errorf("channel to %x: got %d, want %d", value, code, want)
			}
			send := stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodSend, stun.ClassIndication), short,
				stun.RawAttribute{Type: stun.AttrData, Value: []byte("x")})
			if _, err := c.conn.Write(send.Raw); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := c.exchange(stun.MustBuild(stun.TransactionID, stun.BindingRequest)); got.Type != stun.BindingSuccess {
		t.Errorf("afterwards a binding request got %s", got)
	}
}

func TestBindingTellsTheMappedAddress(t *testing.T) {
	h := start(t)
	for _, network := range []string{"udp", "tcp"} {
		conn, err := net.Dial(network, h.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		c := &raw{t: t, conn: conn}
		var mapped stun.XORMappedAddress
		if err := mapped.GetFrom(c.exchange(stun.MustBuild(stun.TransactionID, stun.BindingRequest))); err != nil {
			t.Fatal(err)
		}
		if got, want := mapped.String(), conn.LocalAddr().String(); got != want {
			t.Errorf("%s: got %s, want %s", network, got, want)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
