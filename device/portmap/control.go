package portmap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"
)

const (
	// controlPort is where PCP and NAT-PMP are spoken to (RFC 6887 section 19.1, RFC 6886 section 1.1).
	controlPort = 5351
	// firstWait is the first wait for an answer, each next one is twice as long (RFC 6886 section 3.1). The 9 sendings
	// of that RFC are two minutes; with 3 a router that answers at all has done so, and the next protocol has its turn.
	firstWait = 250 * time.Millisecond
	sendings  = 3
	// maxDatagram is the most that PCP has in one (RFC 6887 section 7).
	maxDatagram = 1100
	// maxJunk bounds the datagrams that are looked at in one exchange.
	maxJunk = 64
)

// control is the way to the port that PCP and NAT-PMP share.
type control struct {
	place
	port      uint16
	firstWait time.Duration
}

// exchange sends a request until a datagram is accepted as its answer. accept reports whether it is that; what it returns
// then is returned. Only datagrams from the router's own address and port are ever seen. The error is errAbsent where
// nothing came.
func (c control) exchange(ctx context.Context, request []byte, accept func([]byte) (bool, error)) error {
	conn, err := net.DialUDP("udp4",
		net.UDPAddrFromAddrPort(netip.AddrPortFrom(c.local, 0)),
		net.UDPAddrFromAddrPort(netip.AddrPortFrom(c.gateway, c.port)))
	if err != nil {
		return fmt.Errorf("%w: %w", errAbsent, err)
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	a := answers{conn: conn, accept: accept, left: maxJunk}
	for n := range sendings {
		if _, err := conn.Write(request); err != nil {
			return fmt.Errorf("%w: %w", errAbsent, err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(c.firstWait << n)); err != nil {
			return fmt.Errorf("%w: %w", errAbsent, err)
		}
		if ctx.Err() != nil { // before the deadline was set, which would undo the end
			return ctx.Err()
		}
		if err := a.wait(); !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return errAbsent
}

// send sends a request once and does not wait for what comes of it.
func (c control) send(request []byte) {
	conn, err := net.DialUDP("udp4",
		net.UDPAddrFromAddrPort(netip.AddrPortFrom(c.local, 0)),
		net.UDPAddrFromAddrPort(netip.AddrPortFrom(c.gateway, c.port)))
	if err != nil {
		return
	}
	_, _ = conn.Write(request)
	_ = conn.Close()
}

// answers are the datagrams of one exchange.
type answers struct {
	conn   *net.UDPConn
	accept func([]byte) (bool, error)
	left   int
}

func (a *answers) wait() error {
	b := make([]byte, maxDatagram+1)
	for ; a.left > 0; a.left-- {
		n, err := a.conn.Read(b)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return err
		case err != nil: // nobody listens there
			return fmt.Errorf("%w: %w", errAbsent, err)
		case n > maxDatagram:
			continue
		}
		if done, err := a.accept(b[:n]); done {
			return err
		}
	}
	return fmt.Errorf("%w: too many datagrams", errBroken)
}
