package reach

import (
	"context"
	"net"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func open(t *testing.T, cfg Config) *Port {
	t.Helper()
	p, err := Open(cfg)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return p
}

func TestAddressesAreNotLoopbackUnlessThereIsNothingElse(t *testing.T) {
	loopback, other := 0, 0
	for _, a := range open(t, Config{}).Addresses() {
		if a.Addr().IsLoopback() {
			loopback++
		} else {
			other++
		}
	}
	if loopback == 0 == (other == 0) {
		t.Errorf("addresses: got %d of loopback and %d others, want one kind", loopback, other)
	}
}

func TestPortOfOneAddressHasJustThat(t *testing.T) {
	got := open(t, Config{Listen: "127.0.0.1:0"}).Addresses()
	if len(got) != 1 || got[0].Addr().String() != "127.0.0.1" || got[0].Port() == 0 {
		t.Errorf("addresses: got %v, want the one of loopback", got)
	}
}

func TestTCPHasTheSameNumber(t *testing.T) {
	p := open(t, Config{Listen: "127.0.0.1:0"})
	if got := p.Listener().Addr().(*net.TCPAddr).Port; got != int(p.Number()) {
		t.Errorf("TCP port: got %d, want %d", got, p.Number())
	}
}

func TestPortThatIsTakenOverTCPIsOneOfUDPAlone(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	p := open(t, Config{Listen: taken.Addr().String()})
	if p.Listener() != nil {
		t.Error("there is a listener on a port that is taken")
	}
}

func TestPreferredPortIsTakenWhenItIsFree(t *testing.T) {
	before := open(t, Config{Listen: "127.0.0.1:0"})
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}
	first := open(t, Config{Listen: "127.0.0.1:0", Preferred: before.Number()})
	if first.Number() != before.Number() {
		t.Errorf("port: got %d, want the preferred %d", first.Number(), before.Number())
	}
	second := open(t, Config{Listen: "127.0.0.1:0", Preferred: first.Number()})
	if second.Number() == first.Number() || second.Listener() == nil {
		t.Errorf("port: got %d and listener %v, want another one", second.Number(), second.Listener())
	}
}

// faulty is a socket whose reads fail at first.
type faulty struct {
	net.PacketConn
	faults int
}

func (f *faulty) ReadFrom(b []byte) (int, net.Addr, error) {
	if f.faults > 0 {
		f.faults--
		return 0, nil, syscall.ECONNREFUSED
	}
	return copy(b, "media"), net.UDPAddrFromAddrPort(serverA), nil
}

func TestReadFaultsThatPassAreNotShown(t *testing.T) {
	for faults, shown := range map[int]bool{maxReadFaults: false, maxReadFaults + 1: true} {
		p := open(t, Config{Socket: &faulty{newTown(t, portRestricted).listen(5000), faults}})
		n, _, err := p.Conn().ReadFrom(make([]byte, 100))
		if (err != nil) != shown || !shown && n != len("media") {
			t.Errorf("%d faults: got %d bytes and %v", faults, n, err)
		}
	}
}

func TestRunEndsWithAllThatItBegan(t *testing.T) {
	before := stray()
	p := open(t, Config{Listen: "127.0.0.1:0", Servers: []string{"stun:127.0.0.1:9"}, Place: func() string { return "here" }})
	ctx, stop := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() {
		if err := p.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	stop()
	work.Wait()
	if err := p.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	for deadline := time.Now().Add(15 * time.Second); stray() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("goroutines: got %d, want %d as before", stray(), before)
		}
	}
}

// stray counts the goroutines of this package that are not the test's own.
func stray() int {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	n := 0
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		if strings.Contains(stack, "device/reach") && !strings.Contains(stack, "testing.tRunner") {
			n++
		}
	}
	return n
}
