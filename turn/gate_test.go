package turn

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	pionturn "github.com/pion/turn/v5"

	"github.com/sightline-rtc/sightline/protocol"
)

func lifetime(seconds uint32) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrLifetime, Value: binary.BigEndian.AppendUint32(nil, seconds)}
}

// build makes an authenticated request.
func (r *raw) build(method stun.Method, attrs ...stun.Setter) *stun.Message {
	key := pionturn.GenerateAuthKey(r.creds.Username, DefaultRealm, r.creds.Password)
	setters := slices.Concat([]stun.Setter{stun.TransactionID, stun.NewType(method, stun.ClassRequest)}, attrs, []stun.Setter{
		stun.NewUsername(r.creds.Username), stun.NewRealm(DefaultRealm), r.nonce, stun.MessageIntegrity(key),
	})
	return stun.MustBuild(setters...)
}

// tell is exchange with an authenticated request.
func (r *raw) tell(method stun.Method, attrs ...stun.Setter) *stun.Message {
	r.t.Helper()
	return r.exchange(r.build(method, attrs...))
}

func codeOf(t *testing.T, answer *stun.Message) int {
	t.Helper()
	if answer.Type.Class == stun.ClassSuccessResponse {
		return 0
	}
	var code stun.ErrorCodeAttribute
	if err := code.GetFrom(answer); err != nil {
		t.Fatalf("no error code in %s: %v", answer, err)
	}
	return int(code.Code)
}

func TestAllocationsLiveTenMinutesWhateverIsAsked(t *testing.T) {
	h := start(t)
	creds := h.credentials(t, grantA, protocol.RoleViewer)
	for _, transport := range []string{transportUDP, transportTCP} {
		for _, asked := range []uint32{0, 1, 599, 600, 601, 3599, 3600, 1 << 31} {
			c := h.dialRaw(t, creds)
			if transport == transportTCP {
				c = newRaw(t, h.dialStream(t), creds)
			}
			for _, method := range []stun.Method{stun.MethodAllocate, stun.MethodRefresh} {
				answer := c.tell(method, lifetime(asked), requestedUDP)
				value, err := answer.Get(stun.AttrLifetime)
				if err != nil {
					t.Fatalf("%s for %d s: %s, %v", method, asked, answer, err)
				}
				want := uint32(600)
				if asked == 0 && method == stun.MethodRefresh {
					want = 0
				}
				if got := binary.BigEndian.Uint32(value); got != want {
					t.Errorf("%s for %d s: got %d s, want %d", method, asked, got, want)
				}
			}
			ended := c.tell(stun.MethodRefresh, lifetime(0))
			if code := codeOf(t, ended); asked == 0 && code != 437 || asked != 0 && code != 0 {
				t.Errorf("end after %d s: got %d", asked, code)
			}
		}
	}
}

var requestedUDP = transport(17)

func TestChannelsAreBounded(t *testing.T) {
	h := start(t, openTen)
	c := h.dialRaw(t, h.credentials(t, grantA, protocol.RoleViewer))
	c.allocate()
	bind := func(i int) int {
		peer := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, 1}), uint16(5000+i))
		return codeOf(t, c.tell(stun.MethodChannelBind, channel(uint16(0x4000+i)), xorPeer(peer)))
	}
	for i := range maxChannels {
		if code := bind(i); code != 0 {
			t.Fatalf("channel %d: got %d", i, code)
		}
	}
	if code := bind(maxChannels); code != 508 {
		t.Errorf("one more: got %d, want 508", code)
	}
	if code := bind(0); code != 0 {
		t.Errorf("renewing one: got %d", code)
	}
}

func TestSixtyPermissionsInOneRequestAreNone(t *testing.T) {
	h := start(t, openTen)
	c := h.dialRaw(t, h.credentials(t, grantA, protocol.RoleViewer))
	c.allocate()
	permissions := func(n int) int {
		var peers []stun.Setter
		for i := range n {
			peers = append(peers, xorPeer(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), 5000)))
		}
		return codeOf(t, c.tell(stun.MethodCreatePermission, peers...))
	}
	if code := permissions(60); code != 508 {
		t.Errorf("sixty: got %d, want 508", code)
	}
	if got := h.permissionsOf(grantA); got != 0 {
		t.Errorf("%d of sixty were given", got)
	}
	if code := permissions(maxPermissions); code != 0 {
		t.Errorf("%d: got %d", maxPermissions, code)
	}
	if got := h.permissionsOf(grantA); got != maxPermissions {
		t.Errorf("got %d permissions, want %d", got, maxPermissions)
	}
}

// permissionsOf counts the permissions of a grant's allocations.
func (h *harness) permissionsOf(grant protocol.GrantID) int {
	h.grants.mu.Lock()
	defer h.grants.mu.Unlock()
	n := 0
	for r := range h.grants.known[grant].relays {
		r.mu.RLock()
		n += len(r.held.peers)
		r.mu.RUnlock()
	}
	return n
}

func TestOneDeniedPeerDeniesTheWholeRequest(t *testing.T) {
	h := start(t, openTen)
	c := h.dialRaw(t, h.credentials(t, grantA, protocol.RoleViewer))
	c.allocate()
	good, bad := netip.MustParseAddrPort("10.0.0.1:5000"), netip.MustParseAddrPort("169.254.169.254:5000")
	if code := codeOf(t, c.tell(stun.MethodCreatePermission, xorPeer(good), xorPeer(bad))); code != 403 {
		t.Errorf("got %d, want 403", code)
	}
	if got := h.permissionsOf(grantA); got != 0 {
		t.Errorf("%d permissions were given", got)
	}
}

func TestRefusalsAreSignedForWhoProvesToBeTheClient(t *testing.T) {
	h := start(t)
	c := h.dialRaw(t, h.credentials(t, grantA, protocol.RoleViewer))
	c.allocate()
	denied := xorPeer(netip.MustParseAddrPort("169.254.169.254:5000"))
	answer := c.tell(stun.MethodCreatePermission, denied)
	key := stun.MessageIntegrity(pionturn.GenerateAuthKey(c.creds.Username, DefaultRealm, c.creds.Password))
	if err := key.Check(answer); err != nil || codeOf(t, answer) != 403 {
		t.Errorf("got %s, %v", answer, err)
	}
	c.creds.Password = "guessed"
	if code := codeOf(t, c.tell(stun.MethodCreatePermission, denied)); code != 400 {
		t.Errorf("with a wrong password: got %d, want 400", code)
	}
}

// A browser asks for all its permissions at once, and on a stream they come together.
func TestARefusalLeavesTheNextRequestOfAStreamAsItIs(t *testing.T) {
	h := start(t, openTen)
	c := newRaw(t, h.dialStream(t), h.credentials(t, grantA, protocol.RoleViewer))
	c.allocate()
	denied := c.build(stun.MethodCreatePermission, xorPeer(netip.MustParseAddrPort("169.254.169.254:5000")))
	granted := c.build(stun.MethodCreatePermission, xorPeer(netip.MustParseAddrPort("10.0.0.1:5000")))
	if _, err := c.conn.Write(slices.Concat(denied.Raw, granted.Raw)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the permission", func() bool { return h.permissionsOf(grantA) == 1 })
}

// What follows a MESSAGE-INTEGRITY was added by somebody else (RFC 8489 section 14.5).
func TestAttributesAfterMessageIntegrityAreIgnored(t *testing.T) {
	h := start(t, openTen)
	c := h.dialRaw(t, h.credentials(t, grantA, protocol.RoleViewer))
	c.allocate()
	added := netip.MustParseAddrPort("10.0.0.66:5000")
	add := func(m *stun.Message, attrs ...stun.Setter) *stun.Message {
		for _, a := range attrs {
			if err := a.AddTo(m); err != nil {
				t.Fatal(err)
			}
		}
		return m
	}
	if code := codeOf(t, c.exchange(add(c.build(stun.MethodCreatePermission), xorPeer(added)))); code != 400 {
		t.Errorf("a permission for what was added: got %d, want 400", code)
	}
	asked := xorPeer(netip.MustParseAddrPort("10.0.0.1:5000"))
	if code := codeOf(t, c.exchange(add(c.build(stun.MethodCreatePermission, asked), xorPeer(added), stun.Fingerprint))); code != 0 {
		t.Errorf("a permission with one more added: got %d", code)
	}
	if got := h.permissionsOf(grantA); got != 1 {
		t.Errorf("got %d permissions, want 1", got)
	}
	if code := codeOf(t, c.exchange(add(c.build(stun.MethodRefresh), lifetime(0)))); code != 0 {
		t.Errorf("refresh: got %d", code)
	}
	if code := codeOf(t, c.tell(stun.MethodRefresh)); code != 0 {
		t.Errorf("the allocation was ended by what was added: got %d", code)
	}
}

func TestRelaysKeepToThePeersOfTheirSession(t *testing.T) {
	known, stranger := netip.MustParseAddrPort("10.0.0.1:5000"), netip.MustParseAddrPort("10.0.0.2:5000")
	for mode, want := range map[PeerMode]int{PeersObserve: 0, PeersEnforce: 403} {
		t.Run(string(mode), func(t *testing.T) {
			h := start(t, openTen, func(c *Config) { c.Peers = mode })
			c := h.dialRaw(t, h.credentials(t, grantA, protocol.RoleViewer))
			c.allocate()
			h.Allow(grantA, netip.MustParseAddrPort("[::ffff:10.0.0.1]:5000"))
			h.Allow(grantB, stranger)
			for peer, want := range map[netip.AddrPort]int{known: 0, netip.AddrPortFrom(known.Addr(), 6000): 0, stranger: want} {
				if code := codeOf(t, c.tell(stun.MethodCreatePermission, xorPeer(peer))); code != want {
					t.Errorf("permission for %s: got %d, want %d", peer, code, want)
				}
				if code := codeOf(t, c.tell(stun.MethodChannelBind, channel(0x4000+peer.Port()%7+uint16(peer.Addr().As4()[3])), xorPeer(peer))); code != want {
					t.Errorf("channel to %s: got %d, want %d", peer, code, want)
				}
			}
			result := map[PeerMode]string{PeersObserve: "unexpected", PeersEnforce: "stranger"}[mode]
			if got := h.metric(t, "sightline_turn_permissions_total", result); got != 2 {
				t.Errorf("%v permissions counted as %s, want 2", got, result)
			}
			if got := h.metric(t, "sightline_turn_permissions_total", "expected"); got != 4 {
				t.Errorf("%v permissions counted as expected, want 4", got)
			}
		})
	}
}

func TestPacketsAreCountedByWhatSignalingSawOfThePeer(t *testing.T) {
	h := start(t, enforcing)
	exact, port := h.peer(t), h.peer(t)
	relayed, err := h.dial(t, transportUDP, h.credentials(t, grantA, protocol.RoleViewer)).Allocate()
	if err != nil {
		t.Fatal(err)
	}
	h.Allow(grantA, addrPort(exact.LocalAddr()))
	for _, peer := range []*net.UDPConn{exact, port} {
		send(t, relayed, "hello", peer.LocalAddr())
		_, from := receive(t, peer)
		send(t, peer, "welcome", from)
		receive(t, relayed)
	}
	for _, label := range []string{"expected", "port"} {
		eventually(t, "two packets each", func() bool { return h.metric(t, "sightline_turn_peer_packets_total", label) == 2 })
	}
}

func TestSessionsThatSignalingDoesNotKnowAreNotBound(t *testing.T) {
	h := start(t, openTen, enforcing, func(c *Config) {
		c.Lookup = lookupAlways
	})
	c := h.dialRaw(t, h.keys.Mint(grantA, protocol.RoleViewer, time.Now().Add(time.Minute)))
	c.allocate()
	peer := xorPeer(netip.MustParseAddrPort("10.0.0.1:5000"))
	if code := codeOf(t, c.tell(stun.MethodCreatePermission, peer)); code != 0 {
		t.Errorf("got %d", code)
	}
	if got := h.metric(t, "sightline_turn_permissions_total", "unbound"); got != 1 {
		t.Errorf("unbound: got %v, want 1", got)
	}
	if _, err := h.Grant(grantA, protocol.RoleViewer); err != nil {
		t.Fatal(err)
	}
	if code := codeOf(t, c.tell(stun.MethodCreatePermission, peer)); code != 403 {
		t.Errorf("once it is a session's: got %d, want 403", code)
	}
}
