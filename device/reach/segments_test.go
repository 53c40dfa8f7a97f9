package reach

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"
)

// inbox is a socket that packets are sent to.
func inbox(t *testing.T) (*net.UDPConn, netip.AddrPort) {
	t.Helper()
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	return socket, socket.LocalAddr().(*net.UDPAddr).AddrPort()
}

// packets reads as many as there should be.
func packets(t *testing.T, socket *net.UDPConn, count int) (all [][]byte) {
	t.Helper()
	if err := socket.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 2000)
	for range count {
		n, err := socket.Read(b)
		if err != nil {
			t.Fatalf("after %d of %d packets: %v", len(all), count, err)
		}
		all = append(all, bytes.Clone(b[:n]))
	}
	return all
}

func TestSegmentsArriveAsPackets(t *testing.T) {
	for name, unable := range map[string]bool{"as one message": false, "one by one": true} {
		for _, listen := range []string{"127.0.0.1:0", "[::]:0"} {
			p := open(t, Config{Listen: listen})
			p.conn.segments.off.Store(unable)
			socket, to := inbox(t)
			var sent []byte
			for i := range 10 {
				sent = append(sent, bytes.Repeat([]byte{byte(i)}, 1200)...)
			}
			sent = sent[:len(sent)-500] // the last is shorter
			if lost := p.WriteSegments(sent, 1200, to); lost != 0 {
				t.Errorf("%s: %d packets were not taken", name, lost)
			}
			for i, got := range packets(t, socket, 10) {
				if want := sent[i*1200 : min((i+1)*1200, len(sent))]; !bytes.Equal(got, want) {
					t.Errorf("%s: packet %d has %d bytes of %v, want %d of %v", name, i, len(got), got[0], len(want), want[0])
				}
			}
		}
	}
}

func TestSegmentsThatTheSystemRefusesGoOneByOne(t *testing.T) {
	p := open(t, Config{Listen: "127.0.0.1:0"})
	socket, to := inbox(t)
	const many = 200 // more than any kernel cuts one message into
	if lost := p.WriteSegments(make([]byte, many*8), 8, to); lost != 0 {
		t.Errorf("%d packets were not taken", lost)
	}
	packets(t, socket, many)
	if p.conn.segments.off.Load() && p.conn.segments.socket != nil {
		t.Error("segments are given up after one refusal")
	}
}

func TestRefusalsWithoutEndAreHeeded(t *testing.T) {
	p := open(t, Config{Listen: "127.0.0.1:0"})
	if p.conn.segments.socket == nil {
		return // this system knows no segments
	}
	_, to := inbox(t)
	for range maxRefusals {
		p.WriteSegments(make([]byte, 200), 1, to)
	}
	if !p.conn.segments.off.Load() {
		t.Error("a system that always refuses is asked again")
	}
}

func TestSegmentsToAClosedPortAreLost(t *testing.T) {
	p := open(t, Config{Listen: "127.0.0.1:0"})
	_, to := inbox(t)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if lost := p.WriteSegments(make([]byte, 50), 20, to); lost != 3 {
		t.Errorf("lost %d packets, want all 3", lost)
	}
}
