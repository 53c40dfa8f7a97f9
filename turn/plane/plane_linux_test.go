package plane

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var (
	loopback  = netip.MustParseAddrPort("127.0.0.1:0")
	loopback6 = netip.MustParseAddrPort("[::1]:0")
)

const (
	testBuffer = 1 << 20
	// patience bounds what a test waits for; nothing is measured by it.
	patience = 10 * time.Second
)

// start runs a plane for the test, which fails if it leaves a descriptor behind.
func start(t *testing.T, loops int) *Plane {
	t.Helper()
	dial(t, netip.MustParseAddrPort("127.0.0.1:9")) // Go's poller has descriptors of its own, from the first socket on.
	before := descriptors(t)
	p, err := Open(loops)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if err := p.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if after := descriptors(t); after > before {
			t.Errorf("%d descriptors are left", after-before)
		}
	})
	return p
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func bind(t *testing.T, p *Plane, at netip.AddrPort, h Handler) *Port {
	t.Helper()
	port, err := p.Bind(at, testBuffer)
	if err != nil {
		t.Fatal(err)
	}
	handle(t, port, h)
	return port
}

func handle(t *testing.T, port *Port, h Handler) {
	t.Helper()
	t.Cleanup(func() { _ = port.Close() })
	if err := port.Handle(h); err != nil {
		t.Fatal(err)
	}
}

// dial returns a socket of another host, as it were.
func dial(t *testing.T, to netip.AddrPort) *net.UDPConn {
	t.Helper()
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadBuffer(testBuffer)
	return conn
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("still waiting: %s", what)
		}
	}
}

// echo sends everything back with a header of Headroom bytes.
func echo(port **Port) Handler {
	return func(b *Batch) {
		for first := 0; first < b.Len(); {
			burst, from := b.Burst(), first
			for ; first < b.Len() && b.SameFrom(from, first); first++ {
				frame := b.Frame(first)
				copy(frame, "head")
				burst.Add(frame)
			}
			burst.Send(*port, b.From(from))
		}
	}
}

func TestBurstsArriveWholeAndInOrderWithAndWithoutSegments(t *testing.T) {
	for name, test := range map[string]struct {
		at  netip.AddrPort
		off bool
	}{
		"segments, IPv4": {loopback, false}, "segments, IPv6": {loopback6, false},
		"one by one, IPv4": {loopback, true}, "one by one, IPv6": {loopback6, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, 2)
			port := new(Port)
			ready := make(chan struct{})
			port = bind(t, p, test.at, func(b *Batch) { <-ready; echo(&port)(b) })
			close(ready)
			p.segments.off.Store(test.off)
			conn := dial(t, port.local)
			random := rand.New(rand.NewPCG(1, 2))
			buffer := make([]byte, MaxPacket+Headroom+1)
			for range 50 {
				sent := packets(random)
				for _, packet := range sent {
					if _, err := conn.Write(packet); err != nil {
						t.Fatal(err)
					}
				}
				for i, packet := range sent {
					n, err := conn.Read(buffer)
					if err != nil {
						t.Fatalf("packet %d of %d: %v", i, len(sent), err)
					}
					if want := append([]byte("head"), packet...); !bytes.Equal(buffer[:n], want) {
						t.Fatalf("packet %d: got %d bytes, want %d", i, n, len(want))
					}
				}
			}
			if p.segments.off.Load() != test.off {
				t.Error("the kernel has refused segments")
			}
		})
	}
}

// packets makes up to twice a batch of packets, often of one length, as frames are.
func packets(random *rand.Rand) [][]byte {
	list := make([][]byte, 1+random.IntN(2*BatchSize))
	size := random.IntN(MaxPacket + 1)
	for i := range list {
		if random.IntN(10) == 0 {
			size = random.IntN(MaxPacket + 1)
		}
		list[i] = make([]byte, size)
		for j := range list[i] {
			list[i][j] = byte(random.Uint32())
		}
	}
	return list
}

func TestFlowsAreSharedAmongLoops(t *testing.T) {
	p := start(t, 4)
	port, err := p.Listen(loopback, testBuffer)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	loops := map[int]bool{}
	handle(t, port, func(b *Batch) {
		mu.Lock()
		loops[b.loop.index] = true
		mu.Unlock()
		echo(&port)(b)
	})
	for range 64 {
		conn := dial(t, port.local)
		if _, err := conn.Write([]byte("to any")); err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 100)
		if n, err := conn.Read(buffer); err != nil || string(buffer[:n]) != "headto any" {
			t.Fatalf("got %q, %v", buffer[:n], err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(loops) < 2 {
		t.Errorf("64 flows met %d loop", len(loops))
	}
}

func TestAddressInUseIsTold(t *testing.T) {
	p := start(t, 2)
	port, err := p.Listen(loopback, testBuffer)
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	if other, err := p.Listen(port.local, testBuffer); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("got %v, %v, want %v", other, err, unix.EADDRINUSE)
	}
	if other, err := p.Bind(port.local, testBuffer); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("got %v, %v, want %v", other, err, unix.EADDRINUSE)
	}
}

func TestWhatIsPassedOnIsReadAsFromAnyConn(t *testing.T) {
	p := start(t, 1)
	var full atomic.Int32
	var sender atomic.Uint32
	port := bind(t, p, loopback, func(b *Batch) {
		for i := range b.Len() {
			// What others sent to the port before it was ours may still come.
			if uint32(b.From(i).Port()) == sender.Load() && !b.Pass(i) {
				full.Add(1)
			}
		}
	})
	conn := dial(t, port.local)
	sender.Store(uint32(netip.MustParseAddrPort(conn.LocalAddr().String()).Port()))
	for i := range ownInbox + 3 {
		if _, err := conn.Write([]byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "three packets too many", func() bool { return full.Load() == 3 })
	for i := range ownInbox {
		buffer := make([]byte, 10)
		n, from, err := port.ReadFrom(buffer)
		if err != nil || n != 1 || buffer[0] != byte(i) || from.String() != conn.LocalAddr().String() {
			t.Fatalf("packet %d: got %v from %v, %v", i, buffer[:n], from, err)
		}
	}
	if _, err := port.WriteTo([]byte("answer"), conn.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 10)
	if n, err := conn.Read(buffer); err != nil || string(buffer[:n]) != "answer" {
		t.Errorf("got %q, %v", buffer[:n], err)
	}
}

func TestReadersAreWokenByTheEnd(t *testing.T) {
	p := start(t, 1)
	for want, end := range map[error]func(*Port) error{
		net.ErrClosed:          (*Port).Close,
		os.ErrDeadlineExceeded: func(p *Port) error { return p.SetReadDeadline(time.Unix(1, 0)) },
	} {
		port := bind(t, p, loopback, func(*Batch) {})
		read := make(chan error, 1)
		go func() {
			_, _, err := port.ReadFromUDPAddrPort(make([]byte, 10))
			read <- err
		}()
		if err := end(port); err != nil {
			t.Error(err)
		}
		if got := <-read; !errors.Is(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	port := bind(t, p, loopback, func(*Batch) {})
	_ = port.Close()
	if _, err := port.WriteTo(nil, port.LocalAddr()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write to a closed port: got %v", err)
	}
	if err := port.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
}

func TestWhatTheKernelDropsIsCounted(t *testing.T) {
	p := start(t, 1)
	port, err := p.Bind(loopback, 1)
	if err != nil {
		t.Fatal(err)
	}
	busy := make(chan struct{})
	handle(t, port, func(*Batch) { <-busy })
	defer close(busy)
	conn := dial(t, port.local)
	for range 100 {
		if _, err := conn.Write(make([]byte, 1200)); err != nil {
			t.Fatal(err)
		}
	}
	lost := p.Lost()
	if lost == 0 || lost >= 100 {
		t.Errorf("lost: got %d of 100", lost)
	}
	if err := port.Close(); err != nil {
		t.Fatal(err)
	}
	if got := p.Lost(); got != lost {
		t.Errorf("after closing: got %d, want %d", got, lost)
	}
}

func TestPortsMayCloseWhileTheyReceive(t *testing.T) {
	p := start(t, 2)
	for range 100 {
		var port *Port
		ready := make(chan struct{})
		port = bind(t, p, loopback, func(b *Batch) { <-ready; echo(&port)(b) })
		close(ready)
		conn := dial(t, port.local)
		var sending sync.WaitGroup
		sending.Go(func() {
			for range 50 {
				_, _ = conn.Write(make([]byte, 100)) // It fails once nobody listens.
			}
		})
		if err := port.Close(); err != nil {
			t.Error(err)
		}
		sending.Wait()
	}
}

// A wake that came late once wrote into whatever had got the descriptor.
func TestALateWakeWritesNowhere(t *testing.T) {
	p, err := Open(1)
	if err != nil {
		t.Fatal(err)
	}
	event := p.loops[0].event
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	fds := make([]int, 2)
	if err := unix.Pipe2(fds, unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	if fds[1] != event {
		if err := unix.Dup3(fds[1], event, unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		defer unix.Close(event)
	}
	defer unix.Close(fds[1])
	p.loops[0].wake()
	if n, err := unix.Read(fds[0], make([]byte, 8)); n > 0 {
		t.Errorf("got %d bytes, %v", n, err)
	}
}

func TestSegmentsAreGivenUpForGood(t *testing.T) {
	for err, after := range map[unix.Errno]int{unix.EIO: 1, unix.ENOPROTOOPT: 1, unix.EINVAL: maxRefusals, unix.EMSGSIZE: maxRefusals} {
		var s segmentation
		for i := range maxRefusals - 1 {
			if s.off.Load() != (i >= after) {
				t.Fatalf("%v: off is %v after %d", err, s.off.Load(), i)
			}
			s.refused(err)
		}
		s.taken()
		s.refused(err)
		if s.off.Load() != (after == 1) {
			t.Errorf("%v: a success does not count", err)
		}
	}
}

func FuzzAddressesSurviveTheKernelsForm(f *testing.F) {
	f.Add([]byte{127, 0, 0, 1}, uint16(80), uint32(0))
	f.Add([]byte(net.ParseIP("fe80::1")), uint16(65535), uint32(7))
	f.Fuzz(func(t *testing.T, ip []byte, port uint16, index uint32) {
		addr, ok := netip.AddrFromSlice(ip)
		if !ok || addr.Is4In6() {
			return
		}
		if addr.Is6() && index != 0 {
			addr = addr.WithZone(strconv.FormatUint(uint64(index), 10))
		}
		n := name{0: 0xff, 27: 0xff}
		at := netip.AddrPortFrom(addr, port)
		size := n.put(at)
		if got := n.get(); got != at {
			t.Errorf("got %s, want %s", got, at)
		}
		if want := map[bool]uint32{true: 16, false: 28}[addr.Is4()]; size != want {
			t.Errorf("%s has %d bytes", at, size)
		}
		other := n
		if !n.same(&other) {
			t.Error("an address is not itself")
		}
		other[2]++
		if n.same(&other) {
			t.Error("another port is the same")
		}
	})
}
