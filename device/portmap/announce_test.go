package portmap

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
)

func TestOnlyAnnouncementsOfTheGatewayConcernUs(t *testing.T) {
	pcpAnnouncement := unhex(t, "02 80 00 00 00000000 00000000 000000000000000000000000")
	natpmpAnnouncement := unhex(t, "00 80 0000 00000000 05060708")
	tests := []struct {
		name, from string
		datagram   []byte
		want       bool
	}{
		{"pcp", "127.0.0.1", pcpAnnouncement, true},
		{"nat-pmp", "::ffff:127.0.0.1", natpmpAnnouncement, true},
		{"of a neighbour", "127.0.0.2", pcpAnnouncement, false},
		{"a request", "127.0.0.1", encodePCP(opAnnounce, 0, loopback), false},
		{"a mapping", "127.0.0.1", unhex(t, "00 81 0000 00000000 1388 1388 00000e10"), false},
		{"nothing", "127.0.0.1", nil, false},
	}
	gateway := true
	m := New(Config{Gateway: func() (netip.Addr, bool) { return loopback, gateway }})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := m.concerned(tt.datagram, netip.MustParseAddr(tt.from)); got != tt.want {
				t.Errorf("concerned is %v, want %v", got, tt.want)
			}
		})
	}
	gateway = false
	if m.concerned(pcpAnnouncement, loopback) {
		t.Error("concerned without a gateway")
	}
}

func TestAnnouncementsThatRepeatAreHeardOnce(t *testing.T) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: loopback.AsSlice()})
	if err != nil {
		t.Fatal(err)
	}
	m := New(Config{Gateway: func() (netip.Addr, bool) { return loopback, true }})
	var hearing sync.WaitGroup
	hearing.Go(func() {
		if err := m.hear(conn); !errors.Is(err, net.ErrClosed) {
			t.Errorf("hearing ended with %v", err)
		}
	})
	from, err := net.Dial("udp4", conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	for range 10 {
		if _, err := from.Write(unhex(t, "02 80 00 00 00000000 00000000 000000000000000000000000")); err != nil {
			t.Fatal(err)
		}
	}
	<-m.announced
	conn.Close()
	hearing.Wait()
	if len(m.announced) != 0 {
		t.Error("heard more than once")
	}
}
