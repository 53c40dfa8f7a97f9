package turn

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/test/soak"
)

func TestANonceIsNothingWithoutThePassword(t *testing.T) {
	h := start(t)
	victim := h.dialRaw(t, h.credentials(t, grantA, protocol.RoleViewer))
	request := victim.build(stun.MethodAllocate, requestedUDP)
	if code := codeOf(t, victim.exchange(request)); code != 0 {
		t.Fatalf("got %d", code)
	}
	if code := codeOf(t, victim.exchange(request)); code != 0 {
		t.Errorf("a retransmission: got %d", code)
	}
	// Somebody who has overheard it all.
	thief := h.dialRaw(t, Credentials{Username: victim.creds.Username, Password: "guessed"})
	thief.nonce = victim.nonce
	if code := thief.request(stun.MethodAllocate, requestedUDP); code != 400 {
		t.Errorf("an allocation with the nonce alone: got %d, want 400", code)
	}
	if _, err := thief.conn.Write(request.Raw); err != nil {
		t.Fatal(err)
	}
	if got := thief.exchange(stun.MustBuild(stun.TransactionID, stun.BindingRequest)); got.Type != stun.BindingSuccess {
		t.Errorf("the request sent again was answered with %s", got)
	}
	for _, method := range []stun.Method{stun.MethodRefresh, stun.MethodCreatePermission, stun.MethodChannelBind} {
		if code := codeOf(t, thief.exchange(victim.build(method, xorPeer(addrPort(h.peer(t).LocalAddr())), channel(0x4000)))); code != 437 {
			t.Errorf("%s sent by somebody else: got %d, want 437", method, code)
		}
	}
	if got := h.metric(t, "sightline_turn_allocations", transportUDP); got != 1 {
		t.Errorf("%v allocations, want the victim's", got)
	}
	// A nonce is not bound to an address as long as the password is known: a client may have more sockets than one.
	second := h.dialRaw(t, victim.creds)
	second.nonce = victim.nonce
	if code := second.request(stun.MethodAllocate, requestedUDP); code != 0 {
		t.Errorf("the client's second socket: got %d", code)
	}
}

func TestProofsOfAGrantAreBounded(t *testing.T) {
	g := newGrants(nil, time.Minute)
	if err := g.open(grantA); err != nil {
		t.Fatal(err)
	}
	from := netip.MustParseAddrPort("192.0.2.1:5000")
	for i := range 2 * maxProofs {
		if g.isReplay(grantA, proof{[integrityValue]byte{byte(i), byte(i >> 8)}, from}) {
			t.Fatalf("the first request %d is taken for a replay", i)
		}
	}
	if got := len(g.known[grantA].proofs); got != maxProofs {
		t.Errorf("%d are remembered, want %d", got, maxProofs)
	}
}

var methods = []stun.Method{
	stun.MethodAllocate, stun.MethodRefresh, stun.MethodCreatePermission, stun.MethodChannelBind, stun.MethodConnect, stun.MethodConnectionBind,
}

func TestCredentialsOfAnEndedGrantAreRefusedForEveryMethod(t *testing.T) {
	for _, transport := range []string{transportUDP, transportTCP} {
		t.Run(transport, func(t *testing.T) {
			h := start(t)
			dial := func(creds Credentials) *raw {
				if transport == transportTCP {
					return newRaw(t, h.dialStream(t), creds)
				}
				return h.dialRaw(t, creds)
			}
			creds := h.credentials(t, grantA, protocol.RoleViewer)
			c := dial(creds)
			c.allocate()
			peer := xorPeer(addrPort(h.peer(t).LocalAddr()))
			h.End(grantA)
			if transport == transportTCP {
				wantEnd(t, c.conn) // The stream of an ended grant is closed.
				c = dial(creds)
			}
			for _, method := range methods {
				if code := c.request(method, requestedUDP, peer, channel(0x4000)); code != 400 {
					t.Errorf("%s: got %d, want 400", method, code)
				}
			}
		})
	}
}

func TestExpiredCredentialsServeWhatTheyHaveAllocatedAndNoMore(t *testing.T) {
	h := start(t)
	c := h.dialRaw(t, h.credentials(t, grantA, protocol.RoleViewer))
	c.allocate()
	c.creds = h.keys.Mint(grantA, protocol.RoleViewer, time.Now().Add(-time.Second))
	peer := xorPeer(addrPort(h.peer(t).LocalAddr()))
	for _, method := range []stun.Method{stun.MethodRefresh, stun.MethodCreatePermission, stun.MethodChannelBind} {
		if code := c.request(method, peer, channel(0x4000)); code != 0 {
			t.Errorf("%s: got %d", method, code)
		}
	}
	if code := h.dialRaw(t, c.creds).request(stun.MethodAllocate, requestedUDP); code != 400 {
		t.Errorf("Allocate: got %d, want 400", code)
	}
}

// Strangers who ask for allocations cost no socket, no goroutine and no memory that stays.
func TestAFloodOfAllocationsLeavesNothingBehind(t *testing.T) {
	h := start(t)
	good := h.dialRaw(t, h.credentials(t, grantA, protocol.RoleViewer))
	good.allocate()
	var strangers []*raw
	for i := range 32 {
		c := h.dialRaw(t, h.keys.Mint(protocol.GrantID(fixedGrant(i)), protocol.RoleViewer, time.Now().Add(time.Minute)))
		if i%2 == 1 {
			c.creds.Password = "guessed"
		}
		strangers = append(strangers, c)
	}
	before := runtime.NumGoroutine()
	for i := range soak.Count(3000, 300_000) {
		c := strangers[i%len(strangers)]
		if code := c.request(stun.MethodAllocate, requestedUDP); code != 400 {
			t.Fatalf("got %d, want 400", code)
		}
	}
	if got := runtime.NumGoroutine(); got > before {
		t.Errorf("%d goroutines, %d before", got, before)
	}
	if got := h.metric(t, "sightline_turn_allocations", transportUDP); got != 1 {
		t.Errorf("%v allocations, want 1", got)
	}
	if len(h.grants.known) != 1 {
		t.Errorf("%d grants are remembered, want 1", len(h.grants.known))
	}
	if code := good.request(stun.MethodRefresh); code != 0 {
		t.Errorf("the client that is served: got %d", code)
	}
}

func fixedGrant(i int) string {
	const digits = "0123456789abcdef"
	b := []byte("00000000000000000000000000000000")
	b[0], b[1] = digits[i>>4&15], digits[i&15]
	return string(b)
}

// Every special range in every encoding, by each way to name a peer. The relay has the family of the address.
func TestNoEncodingOfADeniedAddressIsEverAPeer(t *testing.T) {
	peers := map[string][]netip.Addr{"127.0.0.1:0": nil, "[::1]:0": nil}
	for _, s := range deniedV4 {
		inner := netip.MustParseAddr(s)
		peers["127.0.0.1:0"] = append(peers["127.0.0.1:0"], inner)
		for name, encode := range encodings {
			outer := netip.AddrFrom16(encode(inner.As4()))
			if name == "mapped" {
				peers["127.0.0.1:0"] = append(peers["127.0.0.1:0"], outer) // IPv4 to pion/turn
			}
			peers["[::1]:0"] = append(peers["[::1]:0"], outer)
		}
	}
	for _, s := range deniedV6 {
		peers["[::1]:0"] = append(peers["[::1]:0"], netip.MustParseAddr(s))
	}
	for listen, addrs := range peers {
		t.Run(listen, func(t *testing.T) {
			h := start(t, func(c *Config) { c.Listen = listen })
			// The lists say what is own and what is a relay.
			h.lab.judge = testPolicy()
			c := h.dialRaw(t, h.credentials(t, grantA, protocol.RoleViewer))
			c.allocate()
			for _, addr := range addrs {
				peer := xorPeer(netip.AddrPortFrom(addr, 5000))
				for _, method := range []stun.Method{stun.MethodCreatePermission, stun.MethodChannelBind} {
					if code := c.request(method, peer, channel(0x4000)); code != 403 && code != 443 {
						t.Errorf("%s, %s: got %d, want 403, or 443 for the other family", method, addr, code)
					}
				}
				if _, err := c.conn.Write(sendIndication(peer).Raw); err != nil {
					t.Fatal(err)
				}
			}
			if code := c.request(stun.MethodRefresh); code != 0 { // All before has been served.
				t.Fatalf("refresh: got %d", code)
			}
			if got := h.metric(t, "sightline_turn_packets_total", "up", transportUDP); got != 0 {
				t.Errorf("%v packets were sent", got)
			}
			if got := h.permissionsOf(grantA); got != 0 {
				t.Errorf("%d permissions were given", got)
			}
		})
	}
}

func sendIndication(peer stun.Setter) *stun.Message {
	return stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodSend, stun.ClassIndication), peer,
		stun.RawAttribute{Type: stun.AttrData, Value: []byte("payload")})
}

// Whatever a client sends, in any order, no packet arrives where the policy denies it. A socket on a port of all
// addresses of 127.0.0.0/8 stands for the denied ones; the address of the one open peer is among them.
func TestNoDeniedAddressIsEverWrittenToWhateverIsSent(t *testing.T) {
	h := start(t)
	denied, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4zero})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = denied.Close() })
	open := h.peer(t)
	port := addrPort(denied.LocalAddr()).Port()
	targets := []netip.AddrPort{addrPort(open.LocalAddr()), h.Addr()}
	for _, s := range []string{"127.0.0.1", "127.1.2.3", "127.255.255.254", "0.0.0.0", "::ffff:127.0.0.1", "::1", "::127.0.0.1", "64:ff9b::7f00:1"} {
		targets = append(targets, netip.AddrPortFrom(netip.MustParseAddr(s), port))
	}
	random := rand.New(rand.NewPCG(1, 2))
	pick := func() xorPeer { return xorPeer(targets[random.IntN(len(targets))]) }
	sent := 0
	var clients []*raw
	for i := range 4 {
		c := h.dialRaw(t, h.credentials(t, protocol.GrantID(fixedGrant(i)), protocol.RoleViewer))
		c.allocate()
		clients = append(clients, c)
	}
	for range soak.Count(4000, 400_000) {
		c := clients[random.IntN(len(clients))]
		switch random.IntN(6) {
		case 0:
			c.tell(stun.MethodCreatePermission, pick(), pick())
		case 1:
			c.tell(stun.MethodChannelBind, channel(uint16(0x4000+random.IntN(20))), pick())
		case 2:
			c.tell(stun.MethodCreatePermission, pick())
		case 3:
			write(t, c.conn, sendIndication(pick()).Raw)
		case 4:
			write(t, c.conn, channelData(uint16(0x4000+random.IntN(20)), "payload"))
		case 5:
			write(t, c.conn, mangled(random, sendIndication(pick()).Raw, c.build(stun.MethodCreatePermission, pick()).Raw))
			c.drain()
		}
	}
	for _, c := range clients {
		c.drain()
	}
	if err := denied.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if n, from, err := denied.ReadFrom(make([]byte, 2048)); err == nil {
		t.Errorf("%d bytes from %s arrived at a denied address", n, from)
	}
	if err := open.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for {
		if _, _, err := open.ReadFrom(make([]byte, 2048)); err != nil {
			break
		}
		sent++
	}
	if sent < 10 {
		t.Errorf("only %d packets arrived at the open peer: the test has shown nothing", sent)
	}
}

func write(t *testing.T, conn net.Conn, b []byte) {
	t.Helper()
	if _, err := conn.Write(b); err != nil {
		t.Fatal(err)
	}
}

// mangled changes some bytes of one of the messages, or cuts it.
func mangled(random *rand.Rand, messages ...[]byte) []byte {
	b := slices.Clone(messages[random.IntN(len(messages))])
	for range 1 + random.IntN(4) {
		b[random.IntN(len(b))] = byte(random.Uint32())
	}
	if random.IntN(4) == 0 {
		b = b[:random.IntN(len(b))]
	}
	return b
}

// drain waits until the server has served all that the client has sent: what came before the answer to a Binding request is
// thrown away.
func (r *raw) drain() {
	r.t.Helper()
	request := stun.MustBuild(stun.TransactionID, stun.BindingRequest)
	write(r.t, r.conn, request.Raw)
	if err := r.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		r.t.Fatal(err)
	}
	buf := make([]byte, 2048)
	for {
		n, err := r.conn.Read(buf)
		if err != nil {
			r.t.Fatalf("no answer: %v", err)
		}
		if n >= stunHeader && [12]byte(buf[8:stunHeader]) == request.TransactionID && binary.BigEndian.Uint16(buf) == 0x0101 {
			return
		}
	}
}
