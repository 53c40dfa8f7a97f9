package portmap

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// announcements is where routers tell that they have restarted or have another address (RFC 6887 section 14.1.1, RFC
// 6886 section 3.2.1): all hosts of the network, port 5350.
var announcements = netip.AddrPortFrom(netip.AddrFrom4([4]byte{224, 0, 0, 1}), 5350)

// announceGap is the least between two announcements that are listened to: a router sends the same one up to ten times.
const announceGap = 5 * time.Second

// listen tells of the announcements of the gateway until the context ends. Where it cannot, as before there is a network,
// it tries again with every check, which is what finds a restart then.
func (m *Mapper) listen(ctx context.Context) {
	for ctx.Err() == nil {
		conn, err := net.ListenMulticastUDP("udp4", nil, net.UDPAddrFromAddrPort(announcements))
		if err == nil {
			stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
			err = m.hear(conn)
			stop()
			_ = conn.Close()
		}
		if ctx.Err() != nil {
			return
		}
		m.log.Debug("no announcements of routers", "err", err)
		timer := time.NewTimer(m.cfg.Check)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// hear reads announcements until the socket fails.
func (m *Mapper) hear(conn *net.UDPConn) error {
	b := make([]byte, maxDatagram)
	var last time.Time
	for {
		n, from, err := conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return err
		}
		if time.Since(last) >= announceGap && m.concerned(b[:n], from.Addr()) {
			last = time.Now()
			signal(m.announced)
		}
	}
}

// concerned reports whether a datagram is an announcement of the gateway.
func (m *Mapper) concerned(datagram []byte, from netip.Addr) bool {
	if !announces(datagram) {
		return false
	}
	gateway, ok := m.cfg.Gateway()
	return ok && from.Unmap() == gateway
}

// announces reports whether a datagram is an announcement, of PCP or NAT-PMP.
func announces(b []byte) bool {
	if p, err := decodePCP(b); err == nil {
		return p.opcode == opAnnounce
	}
	r, err := decodeNATPMP(b)
	return err == nil && r.opcode == opAddress
}
