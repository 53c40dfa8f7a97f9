package nat

import (
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

func TestARelayHasItsReason(t *testing.T) {
	const every, address, port = protocol.NATEndpointIndependent, protocol.NATAddressDependent, protocol.NATAddressAndPort
	var (
		unknown   protocol.Network
		full      = protocol.Network{Mapping: every, Filtering: every}
		addr      = protocol.Network{Mapping: every, Filtering: address}
		cone      = protocol.Network{Mapping: every, Filtering: port}
		browser   = protocol.Network{Mapping: every}
		symmetric = protocol.Network{Mapping: port, Filtering: port}
		perHost   = protocol.Network{Mapping: address, Filtering: port}
		mapped    = protocol.Network{Mapping: port, Filtering: port, PortMapping: protocol.PortMappingPCP}
		blocked   = protocol.Network{UDPBlocked: true}
	)
	for _, test := range []struct {
		name           string
		device, viewer protocol.Network
		policy         protocol.PathPolicy
		want           Reason
	}{
		{"the policy before all else", blocked, blocked, protocol.PathRelayOnly, ReasonPolicy},
		{"no UDP at the device", blocked, full, "", ReasonDeviceUDPBlocked},
		{"no UDP at the viewer", mapped, blocked, "", ReasonViewerUDPBlocked},
		{"two symmetric NATs", symmetric, perHost, protocol.PathPreferDirect, ReasonBothSymmetric},
		{"symmetric device, port filter", symmetric, cone, "", ReasonSymmetricAndPortFilter},
		{"symmetric viewer, port filter", cone, symmetric, "", ReasonSymmetricAndPortFilter},
		{"a browser's filter is taken for the usual", symmetric, browser, "", ReasonSymmetricAndPortFilter},
		{"a filter of addresses lets a symmetric peer in", addr, symmetric, "", ReasonNoPathFound},
		{"a mapped port", mapped, symmetric, "", ReasonNoPathFound},
		{"an open end", symmetric, full, "", ReasonNoPathFound},
		{"two that should do", cone, browser, "", ReasonNoPathFound},
		{"nothing known", unknown, unknown, "", ReasonUnknown},
		{"half is not known", symmetric, unknown, "", ReasonUnknown},
	} {
		if got := RelayReason(test.device, test.viewer, test.policy); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

func TestEveryReasonHasWords(t *testing.T) {
	for _, r := range []Reason{
		ReasonPolicy, ReasonDeviceUDPBlocked, ReasonViewerUDPBlocked, ReasonBothSymmetric, ReasonSymmetricAndPortFilter,
		ReasonNotYet, ReasonNoPathFound, ReasonUnknown,
	} {
		if r.Words() == "" {
			t.Errorf("%s has no words", r)
		}
	}
	if got := Reason("one of tomorrow").Words(); got != "" {
		t.Errorf("got %q, want nothing", got)
	}
}

func TestAPathThatCouldBeThereIsLookedForAtFirst(t *testing.T) {
	for _, test := range []struct {
		reason  Reason
		relayed time.Duration
		want    Reason
	}{
		{ReasonNoPathFound, looking - 1, ReasonNotYet},
		{ReasonUnknown, 0, ReasonNotYet},
		{ReasonNoPathFound, looking, ReasonNoPathFound},
		{ReasonBothSymmetric, 0, ReasonBothSymmetric},
	} {
		if got := test.reason.After(test.relayed); got != test.want {
			t.Errorf("%s after %v: got %s, want %s", test.reason, test.relayed, got, test.want)
		}
	}
}
