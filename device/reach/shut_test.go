package reach

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sightline-rtc/sightline/device/portmap"
	"github.com/sightline-rtc/sightline/protocol"
)

func TestMappingThatLetsNothingInIsBroken(t *testing.T) {
	const outside = 7000
	symmetric := nat{mapping: apd, filtering: apd}
	opens := func(n nat) nat {
		n.opened = outside
		return n
	}
	tests := []struct {
		name string
		nat  nat
		deaf bool
		loss int
		want protocol.MappingFault
	}{
		{"open", opens(portRestricted), false, 0, ""},
		{"open before a symmetric NAT", opens(symmetric), false, 0, ""},
		{"open, with loss", opens(symmetric), false, 30, ""},
		{"shut", portRestricted, false, 0, protocol.MappingBroken},
		{"shut before a symmetric NAT", symmetric, false, 0, protocol.MappingBroken},
		{"shut, with loss", symmetric, false, 30, protocol.MappingBroken},
		{"shut, and the server cannot tell", symmetric, true, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newTown(t, tt.nat)
				w.deaf, w.loss = tt.deaf, tt.loss
				r := newRouter()
				p := inTown(t, w, Config{Servers: bothServers(), Mapper: r})
				p.Settle(t.Context())
				r.says(portmap.Mapping{Protocol: protocol.PortMappingUPnP, UDP: netip.AddrPortFrom(wan, outside)}, "")
				time.Sleep(2 * time.Minute)
				got := p.Network()
				if got.MappingFault != tt.want || (got.PortMapping == "") != (tt.want != "") {
					t.Errorf("got %q by %q, want %q", got.MappingFault, got.PortMapping, tt.want)
				}
				r.says(portmap.Mapping{Protocol: protocol.PortMappingUPnP, UDP: netip.AddrPortFrom(wan, outside+1)}, "")
				synctest.Wait()
				if got := p.Network(); got.MappingFault != "" {
					t.Errorf("a new mapping: got %q before it was looked at", got.MappingFault)
				}
			})
		})
	}
}
