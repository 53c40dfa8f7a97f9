//go:build linux

package reach

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/device/reach"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/test/natlab"
)

const (
	ei  = protocol.NATEndpointIndependent
	ad  = protocol.NATAddressDependent
	apd = protocol.NATAddressAndPort
)

func TestEveryTypeIsFoundToBeWhatItClaims(t *testing.T) {
	tests := []struct {
		is      natlab.Type
		hairpin bool
		want    protocol.Network
	}{
		{natlab.Open, false, protocol.Network{Public: true, Filtering: ei}},
		{natlab.Firewall, false, protocol.Network{Public: true, Filtering: apd}},
		{natlab.FullCone, false, protocol.Network{Mapping: ei, Filtering: ei, PortPreserved: true}},
		{natlab.FullCone, true, protocol.Network{Mapping: ei, Filtering: ei, PortPreserved: true, Hairpin: true}},
		{natlab.AddressRestricted, false, protocol.Network{Mapping: ei, Filtering: ad, PortPreserved: true}},
		{natlab.AddressRestricted, true, protocol.Network{Mapping: ei, Filtering: ad, PortPreserved: true, Hairpin: true}},
		{natlab.PortRestricted, false, protocol.Network{Mapping: ei, Filtering: apd, PortPreserved: true}},
		{natlab.PortRestricted, true, protocol.Network{Mapping: ei, Filtering: apd, PortPreserved: true, Hairpin: true}},
		{natlab.PortAnswering, false, protocol.Network{Mapping: ei, Filtering: apd, PortPreserved: true}},
		{natlab.PortChanging, false, protocol.Network{Mapping: ei, Filtering: apd}},
		{natlab.SymmetricSequential, false, protocol.Network{Mapping: apd, Filtering: apd, PortStep: 1}},
		{natlab.SymmetricAddress, false, protocol.Network{Mapping: ad, Filtering: apd}},
		{natlab.Symmetric, false, protocol.Network{Mapping: apd, Filtering: apd}},
		{natlab.UDPBlocked, false, protocol.Network{UDPBlocked: true}},
		{natlab.OnlyWeb, false, protocol.Network{UDPBlocked: true}},
		{natlab.CarrierPort, false, protocol.Network{Mapping: ei, Filtering: apd}},
		{natlab.CarrierFull, false, protocol.Network{Mapping: ei, Filtering: apd, PortPreserved: true}},
		{natlab.CarrierSymmetric, false, protocol.Network{Mapping: apd, Filtering: apd}},
	}
	for _, tt := range tests {
		name := string(tt.is)
		if tt.hairpin {
			name += " with hairpin"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel() // they mostly wait for answers that do not come
			town := built(t, natlab.TownConfig{Device: tt.is, Viewer: natlab.Open, Hairpin: tt.hairpin})
			p := port(t, town, reach.Config{})
			assessed(t, p)
			tt.want.MappingFault = protocol.MappingOff
			if diff := cmp.Diff(tt.want, p.Network()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLossIsNotTakenForAFilter(t *testing.T) {
	for is, want := range map[natlab.Type]protocol.Network{
		natlab.Open:              {Public: true, Filtering: ei},
		natlab.FullCone:          {Mapping: ei, Filtering: ei, PortPreserved: true},
		natlab.AddressRestricted: {Mapping: ei, Filtering: ad, PortPreserved: true},
		natlab.Symmetric:         {Mapping: apd, Filtering: apd},
	} {
		t.Run(string(is), func(t *testing.T) {
			t.Parallel()
			town := built(t, natlab.TownConfig{Device: is, Viewer: natlab.Open})
			if _, err := town.Device().Lose(t.Context(), 30); err != nil {
				t.Fatal(err)
			}
			p := port(t, town, reach.Config{})
			assessed(t, p)
			want.MappingFault = protocol.MappingOff
			if diff := cmp.Diff(want, p.Network()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
