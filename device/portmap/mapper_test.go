package portmap

import (
	"context"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// on has a mapper speak with a router on this machine.
func on(m *Mapper, control, search uint16) {
	m.speakTo(wire{controlPort: control, firstWait: quick, searchPort: search, searchTime: patience, httpTimeout: patience})
}

// awaits waits for a state of the mapper.
func awaits(t *testing.T, m *Mapper, what string, wanted func(Mapping, protocol.MappingFault) bool) Mapping {
	t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case <-m.Changed():
			if mapping, fault := m.Mapping(); wanted(mapping, fault) {
				return mapping
			}
		case <-timeout:
			mapping, fault := m.Mapping()
			t.Fatalf("no %s but %+v, %q", what, mapping, fault)
		}
	}
}

func TestAMapperMapsOverRealSocketsAndLeavesNothingBehind(t *testing.T) {
	b := newBox()
	c := controlServer(t, b.answerPCP)
	upnp, s := newIGD(t)
	refusing := controlServer(t, func([]byte) [][]byte { return [][]byte{{0, 0x81, 0, 2, 0, 0, 0, 9}, {0, 0x80, 0, 2, 0, 0, 0, 9}} })
	tests := []struct {
		name    string
		control uint16
		kind    protocol.PortMapping
		mapped  func() bool
	}{
		{"pcp", c.port, protocol.PortMappingPCP, func() bool {
			return b.external(protocolUDP, 5000) == 5000 && b.external(protocolTCP, 5000) == 443
		}},
		{"upnp", refusing.port, protocol.PortMappingUPnP, func() bool {
			return upnp.target("UDP 5000") == ownTarget && upnp.target("TCP 443") == ownTarget
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := New(Config{Gateway: func() (netip.Addr, bool) { return loopback, true }})
			on(m, tt.control, s.port)
			ctx, cancel := context.WithCancel(t.Context())
			var running sync.WaitGroup
			running.Go(func() {
				if err := m.Run(ctx, Request{UDP: 5000, TCP: 5000, ExternalTCP: 443}); err != nil {
					t.Error(err)
				}
			})
			got := awaits(t, m, "mapping", func(m Mapping, _ protocol.MappingFault) bool { return m != (Mapping{}) })
			if got.Protocol != tt.kind || got.Gateway != loopback || !tt.mapped() {
				t.Errorf("mapping is %+v, in truth there: %v", got, tt.mapped())
			}
			cancel()
			running.Wait()
			if tt.mapped() {
				t.Error("the router still maps after the end")
			}
			wantNoGoroutines(t)
		})
	}
}

// wantNoGoroutines waits until nothing of this package runs any more but the test and its servers.
func wantNoGoroutines(t *testing.T) {
	t.Helper()
	running := func() string {
		stacks := make([]byte, 1<<20)
		for stack := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
			if strings.Contains(stack, "/portmap.(*Mapper)") || strings.Contains(stack, "/portmap.(*keeper)") || strings.Contains(stack, "/portmap.search") {
				return stack
			}
		}
		return ""
	}
	for deadline := time.Now().Add(patience); ; runtime.Gosched() {
		left := running()
		if left == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left running:\n%s", left)
		}
	}
}
