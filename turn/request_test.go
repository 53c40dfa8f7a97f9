package turn

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/pion/stun/v4"
)

// FuzzGateReadsRequestsAsPionDoes holds what the gate reads against what pion/stun makes of what the gate lets through: if
// they differed, the gate would judge one peer and pion/turn serve another.
func FuzzGateReadsRequestsAsPionDoes(f *testing.F) {
	peer := netip.MustParseAddrPort("192.0.2.1:5000")
	key := stun.MessageIntegrity("key")
	for _, method := range []stun.Method{stun.MethodAllocate, stun.MethodRefresh, stun.MethodCreatePermission, stun.MethodChannelBind} {
		m := stun.MustBuild(stun.NewTransactionIDSetter([12]byte{1}), stun.NewType(method, stun.ClassRequest), stun.NewUsername("user"),
			lifetime(3000), channel(0x4000), xorPeer(peer), xorPeer(netip.MustParseAddrPort("[2001:db8::1]:5000")), key)
		f.Add(m.Raw)
		m.Add(stun.AttrXORPeerAddress, []byte{0, 1, 0, 0, 1, 2, 3, 4})
		f.Add(m.Raw)
	}
	f.Add([]byte{0x00, 0x08, 0xFF, 0xFC, 0x21, 0x12, 0xA4, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{0x00, 0x08, 0x00, 0x04, 0x21, 0x12, 0xA4, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0, 8})
	f.Fuzz(func(t *testing.T, in []byte) {
		if !isRequest(in) {
			return
		}
		in = bytes.Clone(in)
		r, ok := readRequest(in)
		if !ok {
			return
		}
		if r.integrity != nil {
			r.cut()
		}
		m := &stun.Message{Raw: bytes.Clone(r.message)}
		if err := m.Decode(); err != nil {
			t.Fatalf("pion/stun does not read what the gate reads: %v", err)
		}
		var theirs []netip.AddrPort
		if err := m.ForEach(stun.AttrXORPeerAddress, func(m *stun.Message) error {
			var a stun.XORMappedAddress
			peer := netip.AddrPort{}
			if a.GetFromAs(m, stun.AttrXORPeerAddress) == nil {
				ip, _ := netip.AddrFromSlice(a.IP)
				peer = netip.AddrPortFrom(ip.Unmap(), uint16(a.Port))
			}
			theirs = append(theirs, peer)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if len(theirs) != len(r.peers) {
			t.Fatalf("%d peers, to pion/stun %d", len(r.peers), len(theirs))
		}
		for i, value := range r.peers {
			if ours, ok := r.peer(value); ok && ours != theirs[i] {
				t.Errorf("peer %d is %s, to pion/stun %s", i, ours, theirs[i])
			}
		}
		for kind, ours := range map[stun.AttrType][]byte{
			stun.AttrUsername: r.username, stun.AttrLifetime: r.lifetime, stun.AttrChannelNumber: r.channel, stun.AttrMessageIntegrity: r.integrity,
		} {
			if theirs, err := m.Get(kind); (err == nil) != (ours != nil) || !bytes.Equal(ours, theirs) {
				t.Errorf("%s is %x, to pion/stun %x, %v", kind, ours, theirs, err)
			}
		}
		if r.integrity == nil {
			return
		}
		if got := binary.BigEndian.Uint16(m.Raw[len(m.Raw)-attributeHeader-integrityValue:]); stun.AttrType(got) != stun.AttrMessageIntegrity {
			t.Errorf("the message ends with %x", got)
		}
		key := []byte("key")
		if r.proves(key) && len(r.lifetime) == 4 {
			binary.BigEndian.PutUint32(r.lifetime, 600)
			if err := r.sign(key); err != nil || !r.proves(key) {
				t.Errorf("signed again it proves nothing: %v", err)
			}
		}
	})
}
