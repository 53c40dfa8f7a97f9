package reach

import (
	"context"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	ei  = protocol.NATEndpointIndependent
	ad  = protocol.NATAddressDependent
	apd = protocol.NATAddressAndPort
)

// routers are the types of the NAT lab, and what each should be found to be.
var routers = []struct {
	name string
	nat  nat
	want protocol.Network
}{
	{"none", nat{public: true, filtering: ei}, protocol.Network{Public: true, Filtering: ei}},
	{"fw", nat{public: true, filtering: apd}, protocol.Network{Public: true, Filtering: apd}},
	{"full", nat{mapping: ei, filtering: ei, preserve: true}, protocol.Network{Mapping: ei, Filtering: ei, PortPreserved: true}},
	{"addr", nat{mapping: ei, filtering: ad, preserve: true}, protocol.Network{Mapping: ei, Filtering: ad, PortPreserved: true}},
	{"port", nat{mapping: ei, filtering: apd, preserve: true}, protocol.Network{Mapping: ei, Filtering: apd, PortPreserved: true}},
	{"eimnp", nat{mapping: ei, filtering: apd}, protocol.Network{Mapping: ei, Filtering: apd}},
	{"symseq", nat{mapping: apd, filtering: apd, step: 1}, protocol.Network{Mapping: apd, Filtering: apd, PortStep: 1}},
	{"symseq by two", nat{mapping: apd, filtering: apd, step: 2}, protocol.Network{Mapping: apd, Filtering: apd, PortStep: 2}},
	{"symadm", nat{mapping: ad, filtering: apd}, protocol.Network{Mapping: ad, Filtering: apd}},
	{"sym", nat{mapping: apd, filtering: apd}, protocol.Network{Mapping: apd, Filtering: apd}},
	{"udpblk", nat{public: true, blocked: true}, protocol.Network{UDPBlocked: true}},
	{"full with hairpin", nat{mapping: ei, filtering: ei, hairpin: true}, protocol.Network{Mapping: ei, Filtering: ei, Hairpin: true}},
	{"addr with hairpin", nat{mapping: ei, filtering: ad, hairpin: true}, protocol.Network{Mapping: ei, Filtering: ad, Hairpin: true}},
	{"port with hairpin", nat{mapping: ei, filtering: apd, hairpin: true}, protocol.Network{Mapping: ei, Filtering: apd, Hairpin: true}},
}

// inTown runs a port in a town until the test ends.
func inTown(t *testing.T, w *town, cfg Config) *Port {
	t.Helper()
	cfg.Socket = w.listen(5000)
	cfg.Probe = func() (net.PacketConn, error) { return w.listen(0), nil }
	p := open(t, cfg)
	ctx, stop := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() {
		for b := make([]byte, 1500); ; {
			if _, _, err := p.Conn().ReadFrom(b); err != nil {
				return
			}
		}
	})
	work.Go(func() {
		if err := p.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(func() {
		stop()
		if err := p.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		work.Wait()
	})
	return p
}

func bothServers() []string { return []string{"stun:" + serverA.String(), "stun:" + serverB.String()} }

func TestNetworksAreFoundToBeWhatTheyAre(t *testing.T) {
	for _, loss := range []int{0, 30} {
		for _, r := range routers {
			synctest.Test(t, func(t *testing.T) {
				w := newTown(t, r.nat)
				w.loss = loss
				p := inTown(t, w, Config{Servers: bothServers()})
				time.Sleep(5 * time.Minute)
				want := r.want
				want.MappingFault = protocol.MappingOff
				if loss > 0 {
					want.PortStep = p.Network().PortStep // lost answers leave gaps: a step may be taken for a wider one
				}
				if diff := cmp.Diff(want, p.Network()); diff != "" {
					t.Errorf("%s with %d %% loss: %s", r.name, loss, diff)
				}
			})
		}
	}
}
