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

// listen tells of the announcements of the gateway until the context ends. Without them a restart is found by the next
// check.
func (m *Mapper) listen(ctx context.Context) {
	conn, err := net.ListenMulticastUDP("udp4", nil, net.UDPAddrFromAddrPort(announcements))
	if err != nil {
		m.log.Debug("no announcements of routers", "err", err)
		return
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	m.hear(conn)
}

// hear reads announcements until the socket fails.
func (m *Mapper) hear(conn *net.UDPConn) {
	b := make([]byte, maxDatagram)
	var last time.Time
	for {
		n, from, err := conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return
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
