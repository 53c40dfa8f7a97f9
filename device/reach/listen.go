package reach

import (
	"errors"
	"fmt"
	"net"
)

const (
	// socketBuffer holds a keyframe of 1 MiB that several viewers get at once; the kernel may grant less.
	socketBuffer = 1 << 20
	// maxDraws is how many ports are drawn until one is free over TCP too.
	maxDraws = 8
)

// listen binds the UDP socket, and the TCP listener of the same number, which is nil where that is taken. With port 0 the
// preferred one is taken if it is free, else any.
func listen(cfg Config) (*net.UDPConn, net.Listener, error) {
	at, err := net.ResolveUDPAddr("udp", cfg.Listen)
	if err != nil {
		return nil, nil, fmt.Errorf("listen for media: %w", err)
	}
	drawn := at.Port == 0
	if drawn && cfg.Preferred != 0 {
		known := *at
		known.Port = int(cfg.Preferred)
		if udp, tcp, err := bind(&known, cfg); err == nil {
			return udp, tcp, nil
		}
	}
	for n := 1; ; n++ {
		udp, tcp, err := bind(at, cfg)
		if err != nil || tcp != nil || cfg.UDPOnly || !drawn || n == maxDraws {
			return udp, tcp, err
		}
		if err := udp.Close(); err != nil {
			return nil, nil, fmt.Errorf("listen for media: %w", err)
		}
	}
}

// bind opens both sockets of one port. The listener may be nil.
func bind(at *net.UDPAddr, cfg Config) (*net.UDPConn, net.Listener, error) {
	udp, err := net.ListenUDP("udp", at)
	if err != nil {
		return nil, nil, fmt.Errorf("listen for media: %w", err)
	}
	for _, set := range []func(int) error{udp.SetReadBuffer, udp.SetWriteBuffer} {
		if err := set(socketBuffer); err != nil {
			cfg.Logger.Debug("socket buffer not set", "err", err)
		}
	}
	bound, ok := udp.LocalAddr().(*net.UDPAddr)
	if !ok {
		return nil, nil, errors.Join(errors.New("listen for media: a UDP socket without a UDP address"), udp.Close())
	}
	if cfg.UDPOnly {
		return udp, nil, nil
	}
	tcp, err := net.ListenTCP("tcp", &net.TCPAddr{IP: at.IP, Port: bound.Port, Zone: at.Zone})
	if err != nil {
		cfg.Logger.Debug("no tcp on the media port", "err", err)
		return udp, nil, nil
	}
	return udp, tcp, nil
}
