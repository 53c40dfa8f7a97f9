package peer

import (
	"errors"
	"log/slog"
	"net"

	"github.com/pion/ice/v4"

	"github.com/sightline-rtc/sightline/device/reach"
)

const (
	// tcpReadPackets and tcpWriteBytes are what waits for and from a session over TCP: a second of 2 Mbit/s on the way out,
	// and reports on the way in.
	tcpReadPackets = 16
	tcpWriteBytes  = 256 << 10
)

// mux has the ICE agents of all sessions sit behind the media port, told apart by the username fragment of their checks.
type mux struct {
	*ice.UDPMuxDefault
	port *reach.Port
	// tcp is nil where the port has no TCP.
	tcp *ice.TCPMuxDefault
}

func newMux(port *reach.Port, log *slog.Logger) *mux {
	m := &mux{
		UDPMuxDefault: ice.NewUDPMuxDefault(ice.UDPMuxParams{Logger: loggers{log}.NewLogger("mux"), UDPConn: port.Conn()}),
		port:          port,
	}
	if listener := port.Listener(); listener != nil {
		m.tcp = newTCPMux(listener, log)
	}
	return m
}

func newTCPMux(listener net.Listener, log *slog.Logger) *ice.TCPMuxDefault {
	return ice.NewTCPMuxDefault(ice.TCPMuxParams{
		Listener: newDoorway(listener), Logger: loggers{log}.NewLogger("tcp mux"),
		ReadBufferSize: tcpReadPackets, WriteBufferSize: tcpWriteBytes,
		FirstStunBindTimeout: firstFrame, AliveDurationForConnFromStun: firstFrame,
	})
}

// Close ends both, and closes the port.
func (m *mux) Close() error {
	err := m.UDPMuxDefault.Close()
	if m.tcp != nil {
		err = errors.Join(err, m.tcp.Close())
	}
	return errors.Join(err, m.port.Close())
}

// GetListenAddresses returns the addresses that become host candidates.
func (m *mux) GetListenAddresses() []net.Addr {
	var addresses []net.Addr
	for _, a := range m.port.Addresses() {
		addresses = append(addresses, net.UDPAddrFromAddrPort(a))
	}
	return addresses
}
