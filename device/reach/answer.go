package reach

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/pion/stun/v4"
)

// answer is what a STUN server said.
type answer struct {
	// from is where the packet came from.
	from netip.AddrPort
	// mapped is the socket's address as the server saw it.
	mapped netip.AddrPort
	// other is the server's other address and port (RFC 5780 section 7.4); zero if it has none.
	other netip.AddrPort
	// refused says that the server knows no way to answer as it was asked to; nothing else is set but from.
	refused bool
}

// decode reads a response to a Binding request. It keeps nothing of the packet.
func decode(packet []byte) (answer, error) {
	message := &stun.Message{Raw: packet}
	if err := message.Decode(); err != nil {
		return answer{}, fmt.Errorf("read STUN answer: %w", err)
	}
	if message.Type == stun.BindingError {
		return answer{refused: true}, nil
	}
	var a answer
	var xor stun.XORMappedAddress
	var plain stun.MappedAddress
	switch {
	case xor.GetFrom(message) == nil:
		a.mapped = addressOf(xor.IP, xor.Port)
	case plain.GetFrom(message) == nil: // a server of RFC 3489's time
		a.mapped = addressOf(plain.IP, plain.Port)
	}
	if !useful(a.mapped) {
		return answer{}, errors.New("read STUN answer: no address in it")
	}
	var other stun.OtherAddress
	if other.GetFrom(message) == nil {
		if at := addressOf(other.IP, other.Port); useful(at) {
			a.other = at
		}
	}
	return a, nil
}

func addressOf(ip net.IP, port int) netip.AddrPort {
	addr, ok := netip.AddrFromSlice(ip)
	if !ok {
		return netip.AddrPort{}
	}
	return canonical(netip.AddrPortFrom(addr, uint16(port))) //nolint:gosec // read from 16 bits
}

// useful reports whether packets can be sent to an address, and to one host alone.
func useful(a netip.AddrPort) bool {
	ip := a.Addr()
	return a.IsValid() && a.Port() != 0 && !ip.IsUnspecified() && !ip.IsMulticast() && !ip.IsLinkLocalUnicast() &&
		!(ip.Is4() && ip.As4()[0] >= 240) // reserved, and broadcast
}

// believe returns what of an answer of a server may be true. Anybody on the way can forge one, and the port sends packets to
// what it says: a server on the internet has no other end in the device's network, and only one at loopback sees a socket there.
func (a answer) believe(server netip.Addr) (answer, bool) {
	other := a.other.Addr()
	if a.other.IsValid() && (other.IsLoopback() && !server.IsLoopback() || other.IsPrivate() && !server.IsPrivate() && !server.IsLoopback()) {
		a.other = netip.AddrPort{}
	}
	return a, !a.mapped.Addr().IsLoopback() || server.IsLoopback()
}
