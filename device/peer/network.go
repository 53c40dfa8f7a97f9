package peer

import (
	"errors"
	"fmt"
	"net"

	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/stdnet"
)

// errNoSocket is what the library gets when it wants a UDP socket of its own for a candidate.
var errNoSocket = errors.New("candidates share the media port")

// relayNetwork is the network that the library reaches relays through. It has no sockets for server-reflexive candidates,
// which the library would ask the relays about: they belong to another port than that of media, and with relays alone
// they would show where the device is.
type relayNetwork struct{ transport.Net }

// newRelayNetwork makes one over a network, or over the kernel's for nil.
func newRelayNetwork(network transport.Net) (transport.Net, error) {
	if network != nil {
		return relayNetwork{network}, nil
	}
	kernel, err := stdnet.NewNet()
	if err != nil {
		return nil, fmt.Errorf("list network interfaces: %w", err)
	}
	return relayNetwork{kernel}, nil
}

// ListenUDP implements transport.Net.
func (relayNetwork) ListenUDP(string, *net.UDPAddr) (transport.UDPConn, error) {
	return nil, errNoSocket
}

// Interfaces implements transport.Net with the interfaces of now.
func (n relayNetwork) Interfaces() ([]*transport.Interface, error) {
	if _, ok := n.Net.(*stdnet.Net); !ok {
		return n.Net.Interfaces()
	}
	kernel, err := stdnet.NewNet()
	if err != nil {
		return nil, fmt.Errorf("list network interfaces: %w", err)
	}
	return kernel.Interfaces()
}
