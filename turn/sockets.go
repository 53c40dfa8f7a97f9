package turn

import (
	"context"
	"net"
	"net/netip"
)

// sockets opens the server's UDP sockets: portable ones, or those of event loops of our own.
type sockets interface {
	// listen binds where clients come, network being udp4 or udp6.
	listen(network string, at netip.AddrPort) (net.PacketConn, error)
	// serve starts to receive from what listen returned. The lane is nil where there is none.
	serve(conn net.PacketConn, at netip.AddrPort) (lane, error)
	// relay binds a relayed transport address, and start makes it receive.
	relay(network string, at netip.AddrPort) (udpConn, error)
	start(*relay) error
	// run serves until the context ends, close frees what is left when all sockets are closed.
	run(context.Context) error
	close() error
	// lost returns how many packets the kernel had no room for, 0 where it does not tell.
	lost() uint64
}

// udpConn is the socket of a relay.
type udpConn interface {
	net.PacketConn
	ReadFromUDPAddrPort([]byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort([]byte, netip.AddrPort) (int, error)
}

// lane is the fast path of the UDP clients of one listener: ChannelData goes between them and their relays without
// pion/turn. Safe for concurrent use.
type lane interface {
	join(client netip.AddrPort, r *relay)
	leave(client netip.AddrPort, r *relay)
}

// portable is sockets by Go's network poller: every packet goes through pion/turn.
type portable struct{}

func (portable) listen(network string, at netip.AddrPort) (net.PacketConn, error) {
	conn, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, err
	}
	growBuffers(conn, listenBuffer)
	return conn, nil
}

func (portable) relay(network string, at netip.AddrPort) (udpConn, error) {
	conn, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, err
	}
	growBuffers(conn, relayBuffer)
	return conn, nil
}

func (portable) serve(net.PacketConn, netip.AddrPort) (lane, error) { return nil, nil }
func (portable) start(*relay) error                                 { return nil }
func (portable) close() error                                       { return nil }
func (portable) lost() uint64                                       { return 0 }

func (portable) run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// growBuffers asks for larger socket buffers. The kernel may give less, and a relay works with less.
func growBuffers(conn *net.UDPConn, size int) {
	_ = conn.SetReadBuffer(size)
	_ = conn.SetWriteBuffer(size)
}
