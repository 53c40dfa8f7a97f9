//go:build linux

package e2e

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/sightline-rtc/sightline/test/rig"
)

// turnClient is as much of a TURN client (RFC 8656) as it takes to ask for what a good one never would.
type turnClient struct {
	t           *testing.T
	conn        net.Conn
	credentials rig.Credentials
	auth        []stun.Setter // after the first 401
}

func (s *stage) turnClient() *turnClient {
	s.t.Helper()
	return s.turnClientBy("udp")
}

func (s *stage) turnClientBy(network string) *turnClient {
	s.t.Helper()
	c := &turnClient{t: s.t, credentials: need(s.hub.Credentials(s.t.Context()))(s.t)}
	c.conn = need(s.Viewer.Dial(s.t.Context(), network, s.hub.RelayAddr()))(s.t)
	s.t.Cleanup(func() { _ = c.conn.Close() })
	return c
}

// requestedUDP asks for an allocation of UDP.
var requestedUDP = attribute{stun.AttrRequestedTransport, []byte{17, 0, 0, 0}}

// greet asks without credentials, as one must, and learns how to use them.
func (c *turnClient) greet() {
	c.t.Helper()
	challenge := c.request(stun.MethodAllocate, requestedUDP)
	var (
		realm stun.Realm
		nonce stun.Nonce
	)
	must(c.t, challenge.Parse(&realm, &nonce))
	u, p := c.credentials.Username, c.credentials.Password
	c.auth = []stun.Setter{stun.NewUsername(u), realm, nonce, stun.NewLongTermIntegrity(u, realm.String(), p)}
}

// allocate makes an allocation of IPv4 and returns the relay's address.
func (c *turnClient) allocate() netip.AddrPort {
	c.t.Helper()
	c.greet()
	response := c.request(stun.MethodAllocate, requestedUDP)
	if response.Type.Class != stun.ClassSuccessResponse {
		c.t.Fatalf("the relay answered %v", response)
	}
	var relayed stun.XORMappedAddress
	must(c.t, relayed.GetFromAs(response, stun.AttrXORRelayedAddress))
	addr, _ := netip.AddrFromSlice(relayed.IP)
	return netip.AddrPortFrom(addr.Unmap(), uint16(relayed.Port))
}

// permit asks for a permission and returns the code of the refusal, 0 for none.
func (c *turnClient) permit(peer netip.AddrPort) stun.ErrorCode {
	c.t.Helper()
	return c.refusal(stun.MethodCreatePermission, peerAddress(peer))
}

// refusal asks for something and returns the code of the refusal, 0 for none.
func (c *turnClient) refusal(method stun.Method, attributes ...stun.Setter) stun.ErrorCode {
	c.t.Helper()
	response := c.request(method, attributes...)
	if response.Type.Class == stun.ClassSuccessResponse {
		return 0
	}
	var refusal stun.ErrorCodeAttribute
	must(c.t, refusal.GetFrom(response))
	return refusal.Code
}

// send hands the relay data for a peer (RFC 8656 section 11.1). There is no answer.
func (c *turnClient) send(peer netip.AddrPort, data string) {
	c.t.Helper()
	m := need(stun.Build(stun.TransactionID, stun.NewType(stun.MethodSend, stun.ClassIndication),
		peerAddress(peer), attribute{stun.AttrData, []byte(data)}))(c.t)
	_, err := c.conn.Write(m.Raw)
	must(c.t, err)
}

func (c *turnClient) request(method stun.Method, attributes ...stun.Setter) *stun.Message {
	c.t.Helper()
	setters := append([]stun.Setter{stun.TransactionID, stun.NewType(method, stun.ClassRequest)}, attributes...)
	m := need(stun.Build(append(setters, c.auth...)...))(c.t)
	_, err := c.conn.Write(m.Raw)
	must(c.t, err)
	must(c.t, c.conn.SetReadDeadline(time.Now().Add(soon)))
	for {
		b := make([]byte, 2048)
		n := need(c.conn.Read(b))(c.t)
		response := &stun.Message{Raw: b[:n]}
		if response.Decode() == nil && response.TransactionID == m.TransactionID {
			return response
		}
	}
}

// attribute is a STUN attribute as raw bytes.
type attribute struct {
	kind  stun.AttrType
	value []byte
}

func (a attribute) AddTo(m *stun.Message) error {
	m.Add(a.kind, a.value)
	return nil
}

// peerAddress is an XOR-PEER-ADDRESS exactly as it is asked for: an IPv4 address in IPv6 dress stays dressed.
type peerAddress netip.AddrPort

func (p peerAddress) AddTo(m *stun.Message) error {
	addr := netip.AddrPort(p)
	family := byte(1)
	if addr.Addr().Is6() {
		family = 2
	}
	// RFC 8489 section 14.2: the port and the address are XORed with the magic cookie and the transaction ID.
	mask := append([]byte{0x21, 0x12, 0xa4, 0x42}, m.TransactionID[:]...)
	value := binary.BigEndian.AppendUint16([]byte{0, family}, addr.Port()^0x2112)
	for i, b := range addr.Addr().AsSlice() {
		value = append(value, b^mask[i])
	}
	m.Add(stun.AttrXORPeerAddress, value)
	return nil
}
