//go:build linux

package natlab

import (
	"net/netip"
	"testing"
)

func TestHostsOfOneLANReachEachOtherAndThoseOfOneCarrierDoNot(t *testing.T) {
	town := town(t, TownConfig{Device: CarrierPort, Viewer: SameLAN})
	device, viewer := town.Device(), town.Viewer()
	if !answers(t, viewer, device.Addr) {
		t.Error("a host of the same LAN does not answer")
	}
	if town.Router(ViewerSide) != town.Router(DeviceSide) {
		t.Error("hosts of one LAN have two home routers")
	}
	if err := town.Rebuild(t.Context(), CarrierPort, SameCarrier); err != nil {
		t.Fatal(err)
	}
	if town.Carrier(ViewerSide) != town.Carrier(DeviceSide) {
		t.Error("customers of one carrier have two translators")
	}
	if answers(t, viewer, device.Addr) {
		t.Error("a host reaches into the home of another")
	}
}

func TestATownSaysWhatCannotBe(t *testing.T) {
	needLab(t)
	for _, config := range []TownConfig{
		{Device: PortRestricted, Viewer: SameCarrier}, {Device: SameLAN, Viewer: Open}, {Device: "cone", Viewer: Open}, {Device: Open},
	} {
		if town, err := NewTown(t.Context(), config); err == nil {
			t.Errorf("a town of %s and %s stands", config.Device, config.Viewer)
			_ = town.Close()
		}
	}
}

func TestHolesArePunchedWhereTheoryAllows(t *testing.T) {
	town := town(t, TownConfig{Device: Open, Viewer: Open})
	r := serve(t, town.Server(), [2]netip.Addr{town.Server().Addr, town.Server().Second()})
	for _, pair := range []struct {
		device, viewer Type
		want           bool
	}{
		{PortRestricted, PortRestricted, true},
		{CarrierPort, PortChanging, true},
		{Firewall, PortRestricted, true},
		{AddressRestricted, Symmetric, true},
		{SymmetricSequential, FullCone, true},
		{PortRestricted, Symmetric, false},
		{SymmetricSequential, Firewall, false},
		{CarrierSymmetric, SymmetricAddress, false},
		{PortRestricted, SameLAN, false},
		{CarrierPort, SameCarrier, false},
		{Open, UDPBlocked, false},
	} {
		if err := town.Rebuild(t.Context(), pair.device, pair.viewer); err != nil {
			t.Fatal(err)
		}
		if got := punch(t, r, town.Device(), town.Viewer()); got != pair.want {
			t.Errorf("%s and %s find each other: %v, want %v", pair.device, pair.viewer, got, pair.want)
		}
	}
}

func TestARouterThatForgetsLetsNoAnswersIn(t *testing.T) {
	town := town(t, TownConfig{Device: PortRestricted, Viewer: Open})
	for _, kind := range []Type{PortRestricted, FullCone} {
		if err := town.Rebuild(t.Context(), kind, Open); err != nil {
			t.Fatal(err)
		}
		device, viewer := socket(t, town.Device()), socket(t, town.Viewer())
		send(t, device, viewer, "hello")
		_, at := hear(t, viewer)
		if !passes(t, viewer, at, device) {
			t.Fatalf("%s: no answer comes in", kind)
		}
		if err := town.Router(DeviceSide).Forget(t.Context()); err != nil {
			t.Fatal(err)
		}
		if passes(t, viewer, at, device) {
			t.Errorf("%s: an answer comes in after the router has forgotten the question", kind)
		}
	}
}
