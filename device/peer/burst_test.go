package peer

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/device/reach"
)

// bursting is a burst whose packets arrive at a socket.
type bursting struct {
	*burst
	t    *testing.T
	in   *net.UDPConn
	to   netip.AddrPort
	lost int
}

func newBursting(t *testing.T) *bursting {
	t.Helper()
	port, err := reach.Open(reach.Config{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { port.Close() })
	in, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	b := &bursting{t: t, in: in, to: in.LocalAddr().(*net.UDPAddr).AddrPort()}
	b.burst = newBurst(port, func(n int) { b.lost += n })
	return b
}

// arrived reads the lengths and first bytes of the packets that came.
func (b *bursting) arrived(count int) (all [][2]int) {
	b.t.Helper()
	if err := b.in.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		b.t.Fatal(err)
	}
	buf := make([]byte, 2000)
	for range count {
		n, err := b.in.Read(buf)
		if err != nil {
			b.t.Fatalf("after %d of %d packets: %v", len(all), count, err)
		}
		all = append(all, [2]int{n, int(buf[0])})
	}
	return all
}

func TestPacketsOfABurstArriveInOrderWhateverTheirSizes(t *testing.T) {
	b := newBursting(t)
	b.Hold()
	lengths := []int{40, 1200, 1200, 700, 700, 1200, 1200, 1200, 30, 1200}
	for i, n := range lengths {
		if !b.add(bytes.Repeat([]byte{byte(i)}, n), b.to) {
			t.Fatalf("packet %d is not taken", i)
		}
	}
	b.Flush()
	for i, got := range b.arrived(len(lengths)) {
		if want := [2]int{lengths[i], i}; got != want {
			t.Errorf("packet %d: got %v, want %v", i, got, want)
		}
	}
}

func TestABurstOfManyPacketsLeavesInParts(t *testing.T) {
	b := newBursting(t)
	b.Hold()
	packet := make([]byte, 20)
	const count = 2*reach.MaxSegments + 1
	for range count {
		b.add(packet, b.to)
	}
	b.Flush()
	b.arrived(count)
}

func TestABurstTakesNothingWhenNobodyHolds(t *testing.T) {
	b := newBursting(t)
	if b.add([]byte{1}, b.to) {
		t.Error("a packet waits although nobody says that it leaves")
	}
	b.Hold()
	b.Flush()
	if b.add([]byte{1}, b.to) {
		t.Error("a packet waits although nobody says that it leaves")
	}
}

func TestPacketsForAnotherAddressLeaveByThemselves(t *testing.T) {
	b := newBursting(t)
	other := newBursting(t)
	b.Hold()
	b.add([]byte{1}, b.to)
	b.add([]byte{2}, other.to)
	b.add([]byte{3}, b.to)
	b.Flush()
	if got := b.arrived(2); got[0][1] != 1 || got[1][1] != 3 {
		t.Errorf("got %v, want the first and the third", got)
	}
	if got := other.arrived(1); got[0][1] != 2 {
		t.Errorf("got %v, want the second", got)
	}
}

func TestPacketsThatTheSystemDoesNotTakeAreTold(t *testing.T) {
	b := newBursting(t)
	b.Hold()
	b.add(make([]byte, 10), b.to)
	b.add(make([]byte, 10), b.to)
	if err := b.port.Close(); err != nil {
		t.Fatal(err)
	}
	b.Flush()
	if b.lost != 2 {
		t.Errorf("%d packets are lost, want 2", b.lost)
	}
	var m meter
	m.packets.Store(10)
	m.bytes.Store(1000)
	m.lose(2)
	if got := [3]uint64{m.packets.Load(), m.bytes.Load(), m.refused.Load()}; got != [3]uint64{8, 800, 2} {
		t.Errorf("got %v packets, bytes and refusals", got)
	}
}

// TestABurstAllocatesLittle guards the way that every packet takes: what is allocated is for the system call.
func TestABurstAllocatesLittle(t *testing.T) {
	b := newBursting(t)
	packet := make([]byte, 100)
	got := testing.AllocsPerRun(100, func() {
		b.Hold()
		for range 10 {
			b.add(packet, b.to)
		}
		b.Flush()
	})
	if got > 4 {
		t.Errorf("a burst of 10 packets takes %v allocations", got)
	}
}
