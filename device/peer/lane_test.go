package peer

import (
	"net"
	"net/netip"
	"testing"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
)

// oneWay is a socket that reads what the test has and keeps what is written.
type oneWay struct {
	net.PacketConn
	in  []datagram
	out []netip.AddrPort
}

type datagram struct {
	packet []byte
	from   netip.AddrPort
}

func (o *oneWay) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	if len(o.in) == 0 {
		return 0, netip.AddrPort{}, net.ErrClosed
	}
	d := o.in[0]
	o.in = o.in[1:]
	return copy(b, d.packet), d.from, nil
}

func (o *oneWay) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	o.out = append(o.out, to)
	return len(b), nil
}

var _ ice.AddrPortReaderWriter = (*oneWay)(nil)

func TestLaneLosesChecksThatAreTooManyButNoMedia(t *testing.T) {
	socket := &oneWay{}
	lane := &laneConn{fast: socket, budget: newTestBudget(newAllowance()), burst: newBurst(nil, nil)}
	check := stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw
	media := []byte{0x80, 0x60, 0, 1}
	for range 1000 {
		for _, packet := range [][]byte{check, media} {
			if n, err := lane.WriteToAddrPort(packet, at("8.8.8.8", 0)); n != len(packet) || err != nil {
				t.Fatalf("write: got %d, %v", n, err)
			}
		}
	}
	// The budget fills while the test runs.
	if got := len(socket.out) - 1000; got < 2*checksPerAddress || got > 3*checksPerAddress {
		t.Errorf("checks: got %d, want about %d", got, 2*checksPerAddress)
	}
	if _, err := lane.WriteTo(check, net.UDPAddrFromAddrPort(at("127.0.0.1", 0))); err != nil {
		t.Errorf("write: %v", err)
	}
	if got := socket.out[len(socket.out)-1]; got.Addr().IsLoopback() {
		t.Errorf("check to %s: want none", got)
	}
}

func TestLaneHearsChecksOnlyFromAsManyAddressesAsItMaySendTo(t *testing.T) {
	socket := &oneWay{}
	check := stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw
	for n := range 1000 {
		socket.in = append(socket.in, datagram{check, at("8.8.8.8", n)})
	}
	lane := &laneConn{fast: socket, budget: newTestBudget(newAllowance()), burst: newBurst(nil, nil)}
	heard, buf := 0, make([]byte, 100)
	for {
		if _, _, err := lane.ReadFrom(buf); err != nil {
			break
		}
		heard++
	}
	if heard != maxDestinations {
		t.Errorf("heard: got %d, want %d", heard, maxDestinations)
	}
}

func TestHiddenLaneHasNoHostCandidates(t *testing.T) {
	l := &lane{UDPMux: newHost(t).mux}
	if len(l.GetListenAddresses()) == 0 {
		t.Error("addresses: got none, want some")
	}
	l.hidden.Store(true)
	if got := l.GetListenAddresses(); got != nil {
		t.Errorf("addresses of a hidden lane: got %v, want none", got)
	}
}
