//go:build linux

package e2e

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/sightline-rtc/sightline/test/natlab"
)

func TestTheRelayReachesNoPeerThatItMustNot(t *testing.T) {
	s := enter(t)
	camera := listen(t, s.Camera, s.Camera.Addr)
	loopback := listen(t, s.Server, netip.MustParseAddr("127.0.0.1"))
	own := listen(t, s.Server, s.Server.Addr)
	web := netip.MustParseAddrPort(strings.TrimPrefix(s.hub.URL, "http://"))

	c := s.turnClient()
	c.allocate()
	if code := c.permit(camera.addr); code != 0 {
		t.Fatalf("the camera's address, which --allow-peers opens, is refused with %d", code)
	}
	forbidden := []netip.AddrPort{
		loopback.addr,
		netip.AddrPortFrom(netip.MustParseAddr("::ffff:127.0.0.1"), loopback.addr.Port()),
		netip.MustParseAddrPort("169.254.169.254:80"),
		own.addr,
		web,
		netip.MustParseAddrPort(s.hub.RelayAddr()),
	}
	for _, peer := range forbidden {
		// 443: an IPv6 peer on an IPv4 relay (RFC 8656 section 9.2). Either way it is refused.
		if code := c.permit(peer); code != stun.CodeForbidden && code != stun.CodePeerAddrFamilyMismatch {
			t.Errorf("a permission for %v: got code %d, want 403", peer, code)
		}
	}
	// With a second allocation the server's own address becomes a lawful peer: but only the relay's port on it.
	other := s.turnClient()
	relay := other.allocate()
	if code := c.permit(relay); code != 0 {
		t.Errorf("a permission for another relay of ours is refused with %d", code)
	}
	for _, peer := range append(forbidden, camera.addr) {
		c.send(peer, "to "+peer.String())
	}
	if got, want := camera.receive(), "to "+camera.addr.String(); got != want {
		t.Errorf("the camera got %q, want %q", got, want)
	}
	for _, l := range []*listener{loopback, own} {
		if got := l.pending(); got != "" {
			t.Errorf("%v got %q through the relay, want nothing", l.addr, got)
		}
	}
}

func TestBrokenFramesCostNoCPU(t *testing.T) {
	s := enter(t)
	frames := [][]byte{
		{0x40, 0x00, 0xff, 0xfc, 0, 0, 0, 0, 0, 0, 0, 0},             // ChannelData of 65532 bytes
		{0x00, 0x01, 0xff, 0xec, 0x21, 0x12, 0xa4, 0x42, 0, 0, 0, 0}, // STUN of 65516 bytes
	}
	for i := range 20 {
		conn := need(s.Viewer.Dial(t.Context(), "tcp", s.hub.RelayAddr()))(t)
		_ = need(conn.Write(frames[i%len(frames)]))(t)
		if i < 10 {
			t.Cleanup(func() { _ = conn.Close() })
		} else {
			_ = conn.Close() // the fault outlived its client
		}
	}
	const span = 3 * time.Second
	before := cpuTime(t, s.hub.PID())
	<-time.After(span)
	if used := cpuTime(t, s.hub.PID()) - before; used > span/10 {
		t.Errorf("with twenty broken frames the hub used %v of CPU in %v, want nearly none", used, span)
	}
}

// cpuTime returns what a process has used so far, in user and kernel mode (proc_pid_stat(5)).
func cpuTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	stat := need(os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)))(t)
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	var ticks int
	for _, f := range fields[11:13] {
		ticks += need(strconv.Atoi(f))(t)
	}
	return time.Duration(ticks) * 10 * time.Millisecond // USER_HZ is 100 on every Linux
}

// listener is a UDP socket on a host.
type listener struct {
	t    *testing.T
	conn net.PacketConn
	addr netip.AddrPort
}

func listen(t *testing.T, host *natlab.Host, addr netip.Addr) *listener {
	t.Helper()
	conn := need(host.ListenPacket(t.Context(), "udp", netip.AddrPortFrom(addr, 0).String()))(t)
	t.Cleanup(func() { _ = conn.Close() })
	return &listener{t: t, conn: conn, addr: netip.MustParseAddrPort(conn.LocalAddr().String())}
}

// receive waits for one datagram.
func (l *listener) receive() string { return l.read(soon) }

// pending returns a datagram that has come already; empty means that none has.
func (l *listener) pending() string { return l.read(time.Millisecond) }

func (l *listener) read(patience time.Duration) string {
	l.t.Helper()
	must(l.t, l.conn.SetReadDeadline(time.Now().Add(patience)))
	b := make([]byte, 2048)
	n, _, err := l.conn.ReadFrom(b)
	if err != nil {
		return ""
	}
	return string(b[:n])
}
