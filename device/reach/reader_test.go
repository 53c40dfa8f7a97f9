package reach

import (
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// oneByOne is a socket whose packets come when the test says so.
type oneByOne struct {
	net.PacketConn
	packets chan []byte
}

func (s *oneByOne) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	packet, ok := <-s.packets
	if !ok {
		return 0, netip.AddrPort{}, net.ErrClosed
	}
	return copy(b, packet), netip.MustParseAddrPort("192.0.2.1:1"), nil
}

func (s *oneByOne) WriteToUDPAddrPort(b []byte, _ netip.AddrPort) (int, error) { return len(b), nil }

func TestReaderThatNeverComesBackIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		socket := &oneByOne{packets: make(chan []byte)}
		p := &Port{conn: newConn(socket)}
		if got := p.Busy(); got != 0 {
			t.Errorf("before the first read: busy for %s", got)
		}
		release := make(chan struct{})
		go func() {
			b := make([]byte, 100)
			for range 2 {
				_, _, _ = p.conn.ReadFromAddrPort(b)
			}
			<-release
		}()
		time.Sleep(time.Minute)
		if got := p.Busy(); got != 0 {
			t.Errorf("without a packet: busy for %s", got)
		}
		for range 2 {
			socket.packets <- []byte{1}
		}
		synctest.Wait()
		time.Sleep(time.Minute)
		if got := p.Busy(); got != time.Minute {
			t.Errorf("stuck with a packet: busy for %s, want a minute", got)
		}
		close(release)
	})
}
