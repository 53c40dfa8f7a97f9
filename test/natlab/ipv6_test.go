//go:build linux

package natlab

import (
	"net/netip"
	"testing"
)

func TestHostsReachEachOtherByIPv6(t *testing.T) {
	l := lab(t)
	if err := l.AddIPv6(t.Context()); err != nil {
		t.Fatal(err)
	}
	a, b := l.Host("a"), l.Host("b")
	from, err := a.ListenPacket(t.Context(), "udp6", netip.AddrPortFrom(a.Addr6(), 0).String())
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := b.ListenPacket(t.Context(), "udp6", netip.AddrPortFrom(b.Addr6(), 0).String())
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	send(t, from, to, "hello")
	if got := receive(t, to); got != "hello" {
		t.Errorf("b received %q, want hello", got)
	}
}
