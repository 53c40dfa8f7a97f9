package nat

import (
	"slices"
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	ei  = protocol.NATEndpointIndependent
	ad  = protocol.NATAddressDependent
	apd = protocol.NATAddressAndPort
)

var networks = []struct {
	network protocol.Network
	want    Kind
}{
	{protocol.Network{}, KindUnknown},
	{protocol.Network{Filtering: apd}, KindUnknown},
	{protocol.Network{UDPBlocked: true, Public: true}, KindUDPBlocked},
	{protocol.Network{Public: true, Filtering: ei}, KindOpen},
	{protocol.Network{Public: true, Filtering: apd}, KindFirewall},
	{protocol.Network{Public: true}, KindFirewall},
	{protocol.Network{Mapping: ei, Filtering: ei}, KindFullCone},
	{protocol.Network{Mapping: ei, Filtering: ad}, KindAddressRestricted},
	{protocol.Network{Mapping: ei, Filtering: apd}, KindPortRestricted},
	{protocol.Network{Mapping: ei}, KindPortRestricted},
	{protocol.Network{Mapping: ad, Filtering: apd}, KindSymmetric},
	{protocol.Network{Mapping: apd, Filtering: apd}, KindSymmetric},
	{protocol.Network{Mapping: apd, Filtering: apd, PortStep: 1}, KindSymmetricSequential},
}

func TestNetworksHaveKinds(t *testing.T) {
	for _, n := range networks {
		if got := KindOf(n.network); got != n.want {
			t.Errorf("%+v: got %s, want %s", n.network, got, n.want)
		}
	}
}

func TestEveryKindHasWords(t *testing.T) {
	for _, n := range networks {
		if words := n.want.Words(); !strings.HasSuffix(words, ".") {
			t.Errorf("%s: got %q, want a sentence", n.want, words)
		}
	}
	if got := Kind("new").Words(); got != "" {
		t.Errorf("an unknown kind: got %q, want nothing", got)
	}
}

func TestAdviceSaysWhatWouldHelp(t *testing.T) {
	behind := func(change func(*protocol.Network)) protocol.Network {
		n := protocol.Network{Mapping: apd, Filtering: apd, MappingFault: protocol.MappingAbsent}
		change(&n)
		return n
	}
	tests := []struct {
		name    string
		network protocol.Network
		want    []string // a part of each piece of advice
	}{
		{"open", protocol.Network{Public: true, Filtering: ei, MappingFault: protocol.MappingAbsent}, nil},
		{"full cone", protocol.Network{Mapping: ei, Filtering: ei}, nil},
		{"mapped", behind(func(n *protocol.Network) { n.PortMapping, n.MappingFault = protocol.PortMappingUPnP, "" }), nil},
		{"firewall", protocol.Network{Public: true, Filtering: apd, MappingFault: protocol.MappingAbsent}, []string{"Have the firewall let UDP in"}},
		{"public, filtering not known", protocol.Network{Public: true, MappingFault: protocol.MappingOff}, nil},
		{"no mapping", behind(func(*protocol.Network) {}), []string{"switch UPnP, NAT-PMP or PCP on", "IPv6"}},
		{"no mapping with IPv6", behind(func(n *protocol.Network) { n.IPv6 = true }), []string{"switch UPnP, NAT-PMP or PCP on"}},
		{"off", behind(func(n *protocol.Network) { n.MappingFault = protocol.MappingOff }), []string{"--port-mapping=auto", "IPv6"}},
		{"refused", behind(func(n *protocol.Network) { n.MappingFault = protocol.MappingRefused }), []string{"refuses", "IPv6"}},
		{"broken", behind(func(n *protocol.Network) { n.MappingFault = protocol.MappingBroken }), []string{"nothing comes through", "IPv6"}},
		{"double NAT", behind(func(n *protocol.Network) { n.DoubleNAT = true }), []string{"stands behind another one", "IPv6"}},
		{"blocked", protocol.Network{UDPBlocked: true}, []string{"Let UDP out", "IPv6"}},
	}
	for _, tt := range tests {
		got := Advice(tt.network)
		if !slices.EqualFunc(got, tt.want, strings.Contains) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
