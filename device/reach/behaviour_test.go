package reach

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
)

func TestServersThatCannotTellAllLeaveItOpen(t *testing.T) {
	otherPort := "stun:" + netip.AddrPortFrom(serverA.Addr(), altPort).String()
	symmetric := nat{mapping: ad, filtering: apd}
	tests := []struct {
		name      string
		nat       nat
		alternate bool
		servers   []string
		want      protocol.Network
	}{
		{"two plain servers", portRestricted, false, bothServers(), protocol.Network{Mapping: ei, PortPreserved: true}},
		{"two plain servers, symmetric", symmetric, false, bothServers(), protocol.Network{Mapping: apd}},
		{"one plain server", portRestricted, false, bothServers()[:1], protocol.Network{PortPreserved: true}},
		{"one with another port", portRestricted, true, bothServers()[:1], protocol.Network{Filtering: apd, PortPreserved: true}},
		{
			"one at two ports", portRestricted, true,
			[]string{bothServers()[0], otherPort},
			protocol.Network{Mapping: ei, Filtering: apd, PortPreserved: true},
		},
		{
			"one at two ports, symmetric",
			nat{mapping: apd, filtering: apd, step: 1},
			true,
			[]string{bothServers()[0], otherPort},
			protocol.Network{Mapping: apd, Filtering: apd, PortStep: 1},
		},
		{
			"one with another port, filter by address",
			nat{mapping: ei, filtering: ad},
			true, bothServers()[:1],
			protocol.Network{Filtering: ad},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newTown(t, tt.nat)
				w.rfc5780, w.alternate = false, tt.alternate
				p := inTown(t, w, Config{Servers: tt.servers})
				time.Sleep(time.Minute)
				tt.want.MappingFault = protocol.MappingOff
				if diff := cmp.Diff(tt.want, p.Network()); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestNetworkIsProbedWithABoundedNumberOfPackets(t *testing.T) {
	for _, r := range routers {
		synctest.Test(t, func(t *testing.T) {
			w := newTown(t, r.nat)
			inTown(t, w, Config{Servers: bothServers()})
			time.Sleep(14 * time.Second)
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.sent > 120 {
				t.Errorf("%s: %d packets", r.name, w.sent)
			}
		})
	}
}

func TestStepIsThatOfPortsGivenOneByOne(t *testing.T) {
	tests := []struct {
		ports []uint16
		want  int
	}{
		{[]uint16{1000, 1001, 1002}, 1},
		{[]uint16{1000, 1002, 1004, 1006}, 2},
		{[]uint16{1000, 1000, 1001, 1003}, 1}, // one mapping for two ends, and a stranger between
		{[]uint16{1000, 1001}, 0},             // may be chance
		{[]uint16{1000, 1001, 999}, 0},
		{[]uint16{1000, 5000, 5001}, 0},
		{[]uint16{1000, 1000}, 0},
		{nil, 0},
	}
	for _, tt := range tests {
		if got := step(tt.ports); got != tt.want {
			t.Errorf("%v: got %d, want %d", tt.ports, got, tt.want)
		}
	}
}

func TestPortsAreForetoldBehindASequentialNATAlone(t *testing.T) {
	for _, r := range routers {
		synctest.Test(t, func(t *testing.T) {
			p := inTown(t, newTown(t, r.nat), Config{Servers: bothServers()})
			time.Sleep(time.Minute)
			begun := time.Now()
			got := p.Predict(t.Context())
			if took := time.Since(begun); took > predictTime {
				t.Errorf("%s: took %s", r.name, took)
			}
			if want := r.want.PortStep * predictions; r.want.PortStep == 0 && got != nil || want != 0 && len(got) != predictions {
				t.Errorf("%s: got %v", r.name, got)
			}
			for i := range got {
				if i > 0 && int(got[i].Port())-int(got[i-1].Port()) != r.want.PortStep {
					t.Errorf("%s: got %v, want steps of %d", r.name, got, r.want.PortStep)
				}
			}
		})
	}
}

func TestForetoldPortIsTheNextOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, nat{mapping: apd, filtering: apd, step: 1})
		p := inTown(t, w, Config{Servers: bothServers()})
		time.Sleep(time.Minute)
		foretold := p.Predict(t.Context())
		if _, err := p.WriteTo([]byte("check"), netip.MustParseAddrPort("192.0.2.77:9")); err != nil {
			t.Fatal(err)
		}
		if len(foretold) == 0 {
			t.Fatal("nothing foretold")
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if got, want := w.next, int(foretold[0].Port()); got != want {
			t.Errorf("next port: got %d, foretold was %d", got, want)
		}
	})
}

func TestPredictionGivesUpInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, nat{mapping: apd, filtering: apd, step: 1})
		p := inTown(t, w, Config{Servers: bothServers()})
		time.Sleep(time.Minute)
		w.mu.Lock()
		w.blocked = true
		w.mu.Unlock()
		begun := time.Now()
		if got := p.Predict(t.Context()); got != nil {
			t.Errorf("got %v from a server that does not answer", got)
		}
		if took := time.Since(begun); took != predictTime {
			t.Errorf("took %s, want %s", took, predictTime)
		}
	})
}
