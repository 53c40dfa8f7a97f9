package peer

import (
	"log/slog"
	"net"

	"github.com/pion/ice/v4"

	"github.com/sightline-rtc/sightline/device/reach"
)

// mux has the ICE agents of all sessions sit behind the media port, told apart by the username fragment of their checks.
type mux struct {
	*ice.UDPMuxDefault
	port *reach.Port
}

func newMux(port *reach.Port, log *slog.Logger) *mux {
	return &mux{
		UDPMuxDefault: ice.NewUDPMuxDefault(ice.UDPMuxParams{Logger: loggers{log}.NewLogger("mux"), UDPConn: port.Conn()}),
		port:          port,
	}
}

// GetListenAddresses returns the addresses that become host candidates.
func (m *mux) GetListenAddresses() []net.Addr {
	var addresses []net.Addr
	for _, a := range m.port.Addresses() {
		addresses = append(addresses, net.UDPAddrFromAddrPort(a))
	}
	return addresses
}
