//go:build linux

package matrix

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/test/natlab"
)

// The figures are those of plain hole punching between 12 and 11 types, and of what was reached with each means over it.
func TestTheoryOfTheWholeMatrix(t *testing.T) {
	tests := []struct {
		name       string
		conditions Conditions
		want       map[protocol.Means]int
	}{
		{"nothing but ICE", Conditions{}, map[protocol.Means]int{"ice": 70, "predicted": 8, "tcp": 1, "relay": 53}},
		{"with mapping", Conditions{Mapping: true}, map[protocol.Means]int{"ice": 70, "predicted": 8, "mapped": 21, "tcp": 8, "relay": 25}},
		{"with mapping and IPv6", Conditions{Mapping: true, IPv6: true}, map[protocol.Means]int{"ice": 70, "predicted": 8, "mapped": 21, "tcp": 8, "ipv6": 11, "relay": 14}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := map[protocol.Means]int{}
			for _, p := range All(natlab.DeviceTypes, natlab.ViewerTypes) {
				got[Theory(p.Device, p.Viewer, tt.conditions)]++
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("pairs by means (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheoryOfNeighbours(t *testing.T) {
	tests := []struct {
		pair       Pair
		conditions Conditions
		want       protocol.Means
	}{
		{Pair{natlab.UDPBlocked, natlab.SameLAN}, Conditions{}, protocol.MeansICE},
		{Pair{natlab.CarrierPort, natlab.SameCarrier}, Conditions{}, protocol.MeansRelay},
		{Pair{natlab.CarrierPort, natlab.SameCarrier}, Conditions{Hairpin: true}, protocol.MeansICE},
		{Pair{natlab.CarrierSymmetric, natlab.SameCarrier}, Conditions{Hairpin: true}, protocol.MeansRelay},
		{Pair{natlab.CarrierSymmetric, natlab.SameCarrier}, Conditions{Mapping: true}, protocol.MeansMapped},
		{Pair{natlab.CarrierSymmetric, natlab.SameCarrier}, Conditions{IPv6: true}, protocol.MeansIPv6},
	}
	for _, tt := range tests {
		if got := Theory(tt.pair.Device, tt.pair.Viewer, tt.conditions); got != tt.want {
			t.Errorf("%+v under %+v: got %s, want %s", tt.pair, tt.conditions, got, tt.want)
		}
	}
}

func TestTheSpreadHasEveryTypeAndEveryOutcome(t *testing.T) {
	spread := Spread()
	if len(spread) != 20 {
		t.Errorf("got %d pairs, want 20", len(spread))
	}
	for _, d := range natlab.DeviceTypes {
		if !slices.ContainsFunc(spread, func(p Pair) bool { return p.Device == d }) {
			t.Errorf("no device is behind %s", d)
		}
	}
	for _, v := range natlab.ViewerTypes {
		if !slices.ContainsFunc(spread, func(p Pair) bool { return p.Viewer == v }) {
			t.Errorf("no viewer is behind %s", v)
		}
	}
	for conditions, means := range map[Conditions][]protocol.Means{
		{}:                          {protocol.MeansICE, protocol.MeansPredicted, protocol.MeansTCP, protocol.MeansRelay},
		{Mapping: true}:             {protocol.MeansMapped, protocol.MeansTCP, protocol.MeansRelay},
		{Mapping: true, IPv6: true}: {protocol.MeansIPv6, protocol.MeansRelay},
	} {
		for _, want := range means {
			if !slices.ContainsFunc(spread, func(p Pair) bool { return Theory(p.Device, p.Viewer, conditions) == want }) {
				t.Errorf("under %+v nothing goes by %s", conditions, want)
			}
		}
	}
}
