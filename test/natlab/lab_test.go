//go:build linux

package natlab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestHostsOfALabReachEachOtherThroughTheRouter(t *testing.T) {
	l := lab(t)
	a, b := l.Host("a"), l.Host("b")
	from, to := socket(t, a), socket(t, b)
	send(t, from, to, "hello")
	if got := receive(t, to); got != "hello" {
		t.Errorf("b received %q, want hello", got)
	}
}

func TestACutDropsOnlyItsProtocolUntilItIsMended(t *testing.T) {
	l := lab(t)
	a, b := l.Host("a"), l.Host("b")
	cut, err := l.Cut(t.Context(), a, b, "udp")
	if err != nil {
		t.Fatal(err)
	}
	from, to := socket(t, a), socket(t, b)
	send(t, from, to, "lost")
	_, err = a.Dial(t.Context(), "tcp4", net.JoinHostPort(b.Addr.String(), "9"))
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("TCP through a cut of UDP: got %v, want a refusal from the other host", err)
	}
	if err := cut.Mend(t.Context()); err != nil {
		t.Fatal(err)
	}
	send(t, from, to, "passed")
	if got := receive(t, to); got != "passed" {
		t.Errorf("b received %q, want only what was sent after the cut was mended", got)
	}
}

func TestCountersCountWholePackets(t *testing.T) {
	l := lab(t)
	a, b := l.Host("a"), l.Host("b")
	if err := b.Filter(t.Context(), `table inet tally {
	counter seen {}
	chain input { type filter hook input priority 0; meta l4proto udp counter name seen; }
}`); err != nil {
		t.Fatal(err)
	}
	from, to := socket(t, a), socket(t, b)
	send(t, from, to, strings.Repeat("x", 100))
	receive(t, to)
	got, err := b.Counters(t.Context(), "tally")
	if err != nil {
		t.Fatal(err)
	}
	if want := (Count{Packets: 1, Bytes: 128}); got["seen"] != want {
		t.Errorf("counted %+v, want %+v: payload, UDP and IP header", got["seen"], want)
	}
}

func TestAHostThatMovesIsReachedAtItsNewAddressOnly(t *testing.T) {
	l := lab(t)
	a, b := l.Host("a"), l.Host("b")
	old := b.Addr
	if err := b.Add(t.Context(), netip.MustParseAddr("10.77.2.7")); err != nil {
		t.Fatal(err)
	}
	for _, addr := range []netip.Addr{old, netip.MustParseAddr("10.77.2.7")} {
		if !answers(t, a, addr) {
			t.Errorf("%s does not answer although the host has it", addr)
		}
	}
	if err := b.Readdress(t.Context(), netip.MustParseAddr("10.77.2.8")); err != nil {
		t.Fatal(err)
	}
	if !answers(t, a, b.Addr) {
		t.Error("the new address does not answer")
	}
	for _, change := range []struct {
		do   func(context.Context) error
		want bool
	}{{b.Unplug, false}, {b.Plug, true}} {
		if err := change.do(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := answers(t, a, b.Addr); got != change.want {
			t.Errorf("the address answers: %v, want %v", got, change.want)
		}
	}
	if answers(t, a, old) {
		t.Error("the old address answers still")
	}
}

func TestDivertedConnectionsReachTheRouter(t *testing.T) {
	l := lab(t)
	listener, err := l.Router().Listen(t.Context(), "tcp4", ":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	at := netip.AddrPortFrom(l.Host("b").Addr, 80)
	if err := l.Divert(t.Context(), at, listener.Addr().(*net.TCPAddr).Port); err != nil {
		t.Fatal(err)
	}
	conn, err := l.Host("a").Dial(t.Context(), "tcp4", at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	if from := accepted.RemoteAddr().String(); from != conn.LocalAddr().String() {
		t.Errorf("the router sees %s, want the client's own address %s", from, conn.LocalAddr())
	}
}

// answers reports whether a host that nobody listens on refuses a connection.
func answers(t *testing.T, from *Host, addr netip.Addr) bool {
	t.Helper()
	return refuses(t, from, netip.AddrPortFrom(addr, 9))
}

// refuses reports whether a port that nobody listens on refuses a connection.
func refuses(t *testing.T, from *Host, to netip.AddrPort) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err := from.Dial(ctx, "tcp", to.String())
	return errors.Is(err, syscall.ECONNREFUSED)
}

func TestClosingALabLeavesNothingBehind(t *testing.T) {
	l := lab(t)
	sleeper := l.Host("a").Command(context.WithoutCancel(t.Context()), "sleep", "600")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	var killed *exec.ExitError
	if err := sleeper.Wait(); !errors.As(err, &killed) {
		t.Errorf("a program on the host ended with %v, want killed", err)
	}
	if left := standing(t, l.name); len(left) > 0 {
		t.Errorf("namespaces left: %v", left)
	}
}

func TestALabAndATownGoWhenTheirBuilderIsKilled(t *testing.T) {
	if os.Getenv("NATLAB_BUILDER") != "" {
		l, err := New(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		town, err := NewTown(t.Context(), TownConfig{Device: CarrierPort, Viewer: Symmetric, Mapping: true})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("built %s %s %s %d\n", l.name, town.name, town.folder, town.Mapper().daemon.Process.Pid)
		select {}
	}
	needLab(t)
	builder := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	builder.Env = append(os.Environ(), "NATLAB_BUILDER=1")
	stdout, err := builder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := builder.Start(); err != nil {
		t.Fatal(err)
	}
	var lab, town, folder string
	var daemon int
	for lines := bufio.NewScanner(stdout); daemon == 0; {
		if !lines.Scan() {
			t.Fatal("the builder ends by itself")
		}
		_, _ = fmt.Sscanf(lines.Text(), "built %s %s %s %d", &lab, &town, &folder, &daemon)
	}
	if !alive(daemon) || len(standing(t, town)) == 0 {
		t.Error("there is no town with a running miniupnpd")
	}
	if err := builder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = builder.Wait()
	left := func() (all []string) {
		all = append(standing(t, lab), standing(t, town)...)
		if _, err := os.Stat(folder); err == nil {
			all = append(all, folder)
		}
		if alive(daemon) {
			all = append(all, "miniupnpd")
		}
		return all
	}
	for deadline := time.Now().Add(10 * time.Second); len(left()) > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("left 10 s after their builder died: %v", left())
		}
		<-time.After(20 * time.Millisecond)
	}
}

func TestReapRemovesOnlyLabsOfDeadProcesses(t *testing.T) {
	l := lab(t)
	dead := exec.CommandContext(t.Context(), "true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	stale := fmt.Sprintf("%s%d-1-a", prefix, dead.Process.Pid)
	if err := batch(t.Context(), "", "netns add "+stale); err != nil {
		t.Fatal(err)
	}
	if err := Reap(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := standing(t, stale); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if got := standing(t, l.name); len(got) != 3 {
		t.Errorf("a living lab has the namespaces %v, want three", got)
	}
}

func lab(t *testing.T) *Lab {
	t.Helper()
	needLab(t)
	l, err := New(t.Context(), "a", "b")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func needLab(t *testing.T) {
	t.Helper()
	if err := Usable(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

func standing(t *testing.T, name string) []string {
	t.Helper()
	entries, err := os.ReadDir(namespaces)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), name) {
			names = append(names, e.Name())
		}
	}
	return names
}

func socket(t *testing.T, h *Host) net.PacketConn {
	t.Helper()
	c, err := h.ListenPacket(t.Context(), "udp4", net.JoinHostPort(h.Addr.String(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func send(t *testing.T, from, to net.PacketConn, text string) {
	t.Helper()
	if _, err := from.WriteTo([]byte(text), to.LocalAddr()); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, c net.PacketConn) string {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 2048)
	n, _, err := c.ReadFrom(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}
