package turn

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	pionturn "github.com/pion/turn/v5"
)

// raw is a client that sends what no library would. Each of its messages is answered before the next, or has no answer.
type raw struct {
	t     *testing.T
	conn  net.Conn
	creds Credentials
	nonce stun.Nonce
}

// newRaw authenticates over a connection by sending an Allocate without credentials, which brings a nonce.
func newRaw(t *testing.T, conn net.Conn, creds Credentials) *raw {
	t.Helper()
	r := &raw{t: t, conn: conn, creds: creds}
	m := r.exchange(stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest), transport(17)))
	if err := r.nonce.GetFrom(m); err != nil {
		t.Fatalf("no nonce in %s: %v", m, err)
	}
	return r
}

func (h *harness) dialRaw(t *testing.T, creds Credentials) *raw {
	t.Helper()
	conn, err := net.Dial("udp", h.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return newRaw(t, conn, creds)
}

func (r *raw) exchange(m *stun.Message) *stun.Message {
	r.t.Helper()
	if _, err := r.conn.Write(m.Raw); err != nil {
		r.t.Fatal(err)
	}
	if err := r.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		r.t.Fatal(err)
	}
	buf := make([]byte, 2048)
	n, err := r.conn.Read(buf)
	if err != nil {
		r.t.Fatalf("no answer to %s: %v", m, err)
	}
	answer := &stun.Message{Raw: buf[:n]}
	if err := answer.Decode(); err != nil {
		r.t.Fatal(err)
	}
	return answer
}

// request sends an authenticated request and returns the error code of the answer, 0 for success.
func (r *raw) request(method stun.Method, attrs ...stun.Setter) int {
	r.t.Helper()
	setters := append([]stun.Setter{stun.TransactionID, stun.NewType(method, stun.ClassRequest)}, attrs...)
	key := pionturn.GenerateAuthKey(r.creds.Username, DefaultRealm, r.creds.Password)
	setters = append(setters, stun.NewUsername(r.creds.Username), stun.NewRealm(DefaultRealm), r.nonce,
		stun.MessageIntegrity(key))
	answer := r.exchange(stun.MustBuild(setters...))
	if answer.Type.Class == stun.ClassSuccessResponse {
		return 0
	}
	var code stun.ErrorCodeAttribute
	if err := code.GetFrom(answer); err != nil {
		r.t.Fatalf("no error code in %s: %v", answer, err)
	}
	return int(code.Code)
}

func (r *raw) allocate() {
	r.t.Helper()
	if code := r.request(stun.MethodAllocate, transport(17)); code != 0 {
		r.t.Fatalf("allocate: %d", code)
	}
}

// transport is a REQUESTED-TRANSPORT attribute: 17 is UDP, 6 TCP.
func transport(protocol byte) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrRequestedTransport, Value: []byte{protocol, 0, 0, 0}}
}

// channel is a CHANNEL-NUMBER attribute.
func channel(number uint16) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrChannelNumber, Value: append(binary.BigEndian.AppendUint16(nil, number), 0, 0)}
}

// xorPeer is an XOR-PEER-ADDRESS attribute of the very family that the address is written in.
type xorPeer netip.AddrPort

func (x xorPeer) AddTo(m *stun.Message) error {
	peer := netip.AddrPort(x)
	family := byte(2)
	if peer.Addr().Is4() {
		family = 1
	}
	mask := binary.BigEndian.AppendUint32(nil, magicCookie)
	mask = append(mask, m.TransactionID[:]...)
	value := binary.BigEndian.AppendUint16([]byte{0, family}, peer.Port()^magicCookie>>16)
	for i, b := range peer.Addr().AsSlice() {
		value = append(value, b^mask[i])
	}
	m.Add(stun.AttrXORPeerAddress, value)
	return nil
}
