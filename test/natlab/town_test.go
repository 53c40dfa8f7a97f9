//go:build linux

package natlab

import (
	"net"
	"net/netip"
	"os"
	"testing"
	"time"
)

func TestHostsOfOneLANReachEachOtherAndThoseOfOneCarrierDoNot(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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

func TestHairpinsReachWhatIsBehindTheSameTranslator(t *testing.T) {
	t.Parallel()
	town := town(t, TownConfig{Device: Open, Viewer: Open, Hairpin: true})
	r := serve(t, town.Server(), [2]netip.Addr{town.Server().Addr, town.Server().Second()})
	for _, pair := range []struct {
		device, viewer Type
		want           bool
	}{
		{FullCone, SameLAN, true},
		{AddressRestricted, SameLAN, true},
		{PortRestricted, SameLAN, true},
		{PortChanging, SameLAN, true},
		{CarrierPort, SameCarrier, true},
		{CarrierFull, SameCarrier, true},
		{CarrierSymmetric, SameCarrier, false},
		{Symmetric, SameLAN, false},
	} {
		if err := town.Rebuild(t.Context(), pair.device, pair.viewer); err != nil {
			t.Fatal(err)
		}
		if got := punch(t, r, town.Device(), town.Viewer()); got != pair.want {
			t.Errorf("%s and %s find each other by their addresses outside: %v, want %v", pair.device, pair.viewer, got, pair.want)
		}
		nature := r.probe(t, town.Device())
		if carriers[pair.device] == "" && nature.Hairpins != pair.want {
			t.Errorf("%s hairpins: %v, want %v", pair.device, nature.Hairpins, pair.want)
		}
	}
}

func TestIPv6IsPublicAndHomesLetNobodyInWhomNobodySpokeTo(t *testing.T) {
	t.Parallel()
	town := town(t, TownConfig{Device: Open, Viewer: Open, IPv6: true})
	server := town.Server()
	r := serve(t, server, [2]netip.Addr{server.Addr6(), server.Second6()})
	for _, pair := range [][2]Type{
		{Open, Symmetric}, {Firewall, CarrierSymmetric}, {Symmetric, SameLAN}, {CarrierPort, SameCarrier}, {UDPBlocked, Open}, {PortRestricted, UDPBlocked},
	} {
		device, viewer := pair[0], pair[1]
		if err := town.Rebuild(t.Context(), device, viewer); err != nil {
			t.Fatal(err)
		}
		a, b := socket6(t, town.Device()), socket6(t, town.Viewer())
		want := addrPort(a)
		if device == UDPBlocked {
			want = netip.AddrPort{}
		}
		if got := ask(t, a, r.at[0][0], 0); got != want {
			t.Errorf("behind %s the device is seen at %v, want %v", device, got, want)
		}
		if got, want := passes(t, b, addrPort(a), a), device == Open || viewer == SameLAN; got != want {
			t.Errorf("%s and %s: what a stranger sends passes: %v, want %v", device, viewer, got, want)
		}
		send(t, a, b, "hello")
		if got, want := passes(t, b, addrPort(a), a), device != UDPBlocked && viewer != UDPBlocked; got != want {
			t.Errorf("%s and %s: what was asked for passes: %v, want %v", device, viewer, got, want)
		}
	}
}

func socket6(t *testing.T, h *Host) net.PacketConn {
	t.Helper()
	c, err := h.ListenPacket(t.Context(), "udp6", netip.AddrPortFrom(h.Addr6(), 0).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestATranslatorForgetsASilentMapping(t *testing.T) {
	t.Parallel()
	town := town(t, TownConfig{Device: PortRestricted, Viewer: Open, UDPTimeout: 2 * time.Second})
	for _, kind := range []Type{PortRestricted, FullCone, CarrierFull} {
		if err := town.Rebuild(t.Context(), kind, Open); err != nil {
			t.Fatal(err)
		}
		device, viewer := socket(t, town.Device()), socket(t, town.Viewer())
		at := introduce(t, device, viewer)
		if !passes(t, viewer, at, device) {
			t.Fatalf("%s: no answer comes in", kind)
		}
		<-time.After(4 * time.Second)
		if passes(t, viewer, at, device) {
			t.Errorf("%s: an answer comes in after twice the time-out", kind)
		}
	}
}

func TestARouterThatForgetsLetsNoAnswersIn(t *testing.T) {
	t.Parallel()
	town := town(t, TownConfig{Device: PortRestricted, Viewer: Open})
	for _, kind := range []Type{PortRestricted, FullCone} {
		if err := town.Rebuild(t.Context(), kind, Open); err != nil {
			t.Fatal(err)
		}
		device, viewer := socket(t, town.Device()), socket(t, town.Viewer())
		at := introduce(t, device, viewer)
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

func TestAnEndMovesToAnotherAddressOutside(t *testing.T) {
	t.Parallel()
	town := town(t, TownConfig{Device: Open, Viewer: PortRestricted, Hairpin: true})
	r := serve(t, town.Server(), [2]netip.Addr{town.Server().Addr, town.Server().Second()})
	for _, kind := range []Type{Open, PortRestricted, CarrierPort} {
		if err := town.Rebuild(t.Context(), kind, PortRestricted); err != nil {
			t.Fatal(err)
		}
		device := socket(t, town.Device())
		before := ask(t, device, r.at[0][0], 0)
		err := town.Renumber(t.Context(), DeviceSide)
		if kind == Open {
			if err == nil {
				t.Error("an end without a translator moves")
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		again := town.Outside(DeviceSide)
		if again == before.Addr() {
			t.Errorf("%s: the device is outside at %v, as before it moved", kind, again)
		}
		if got := ask(t, device, r.at[0][0], 0).Addr(); got != again {
			t.Errorf("%s: the device is seen at %v, want %v", kind, got, again)
		}
		if err := town.Renumber(t.Context(), DeviceSide); err != nil {
			t.Errorf("move a second time: %v", err)
		}
		for side, host := range map[Side]*Host{DeviceSide: town.Device(), ViewerSide: town.Viewer()} {
			if got, want := ask(t, socket(t, host), r.at[0][0], 0).Addr(), town.Outside(side); got != want {
				t.Errorf("%s: the %s is seen at %v, want %v", kind, side, got, want)
			}
		}
	}
}

func TestAHostLeavesIPv4(t *testing.T) {
	t.Parallel()
	town := town(t, TownConfig{Device: PortRestricted, Viewer: PortRestricted, IPv6: true})
	device, server := town.Device(), town.Server()
	if err := device.LeaveIPv4(t.Context()); err != nil {
		t.Fatal(err)
	}
	if answers(t, device, server.Addr) {
		t.Error("the server answers over IPv4")
	}
	if !answers(t, device, server.Addr6()) {
		t.Error("the server does not answer over IPv6")
	}
}

func TestAClosedTownLeavesNothing(t *testing.T) {
	t.Parallel()
	town := town(t, TownConfig{Device: CarrierPort, Viewer: SameCarrier, Mapping: true})
	if err := town.Rebuild(t.Context(), PortRestricted, Open); err != nil {
		t.Fatal(err)
	}
	daemon := town.Mapper().daemon.Process.Pid
	if err := town.Close(); err != nil {
		t.Fatal(err)
	}
	if left := standing(t, town.name); len(left) > 0 {
		t.Errorf("namespaces left: %v", left)
	}
	if _, err := os.Stat(town.folder); err == nil {
		t.Errorf("the folder %s is left", town.folder)
	}
	if alive(daemon) {
		t.Error("miniupnpd runs on")
	}
}
