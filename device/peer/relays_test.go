package peer

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
)

var allRelays = []protocol.ICEServer{
	{URLs: []string{"stun:a:1"}},
	{URLs: []string{"turn:a:1", "turn:a:1?transport=tcp", "turns:a:2"}, Username: "u", Credential: "c"},
	{URLs: []string{"turn:b:1"}},
}

func TestRelaysAreReachedByWhatTheNetworkLetsThrough(t *testing.T) {
	for name, test := range map[string]struct {
		network protocol.Network
		servers []protocol.ICEServer
		want    []string
	}{
		"unknown":     {protocol.Network{}, allRelays, []string{"turn:a:1", "turn:a:1?transport=tcp", "turns:a:2"}},
		"a NAT":       {protocol.Network{Mapping: protocol.NATAddressAndPort}, allRelays, []string{"turn:a:1"}},
		"UDP blocked": {protocol.Network{UDPBlocked: true}, allRelays, []string{"turn:a:1?transport=tcp", "turns:a:2"}},
		"UDP blocked, and no other relay": {
			protocol.Network{UDPBlocked: true},
			[]protocol.ICEServer{{URLs: []string{"turn:a:1"}, Username: "u", Credential: "c"}},
			[]string{"turn:a:1"},
		},
		"no credentials": {protocol.Network{}, allRelays[2:], nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, s := range turnServers(test.servers, test.network) {
				got = append(got, s.URLs...)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("URLs: %s", diff)
			}
		})
	}
}

func TestRelaysAreTakenAtOnceWhereUDPIsBlocked(t *testing.T) {
	for name, test := range map[string]struct {
		network protocol.Network
		policy  protocol.PathPolicy
		want    int
	}{
		"blocked":                      {protocol.Network{UDPBlocked: true}, protocol.PathPreferDirect, 1},
		"blocked, but reached by TCP":  {protocol.Network{UDPBlocked: true, TCP: true}, protocol.PathPreferDirect, 0},
		"not blocked":                  {protocol.Network{}, protocol.PathPreferDirect, 0},
		"blocked, and no relay wanted": {protocol.Network{UDPBlocked: true}, protocol.PathDirectOnly, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := Peer{host: &Host{}, network: test.network, servers: allRelays, policy: protocol.Policy{Path: test.policy}}
			p.needRelays()
			if got := len(p.configuration().ICEServers); got != test.want {
				t.Errorf("relays: got %d, want %d", got, test.want)
			}
		})
	}
}
