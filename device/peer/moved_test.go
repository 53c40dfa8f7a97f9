package peer

import (
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/device/reach"
	"github.com/sightline-rtc/sightline/protocol"
)

func TestViewersAreAskedForARestartWhenTheMachineMoves(t *testing.T) {
	h, err := NewHost(Config{})
	if err != nil {
		t.Fatalf("make host: %v", err)
	}
	var place atomic.Value
	place.Store("home")
	var listening net.ListenConfig
	socket := must(listening.ListenPacket(t.Context(), "udp", ":0"))(t)
	listenOn(t, h, reach.Config{Socket: socket, Place: func() string { return place.Load().(string) }})
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Errorf("close host: %v", err)
		}
	})
	v := newViewer(t, viewing{})
	s := open(t, h, v)
	s.mustOffer(nil)
	v.sees(webrtc.RTPCodecTypeVideo, 10)
	place.Store("elsewhere")
	s.until("the wish for a restart", func() bool { return restarts(s) == 1 })
	s.mustOffer(&webrtc.OfferOptions{ICERestart: true})
	v.sees(webrtc.RTPCodecTypeVideo, 50)
	s.until("no other wish", func() bool { return restarts(s) == 1 })
}

func TestPlacesThatAreLearnedLaterAreTold(t *testing.T) {
	h := newHost(t)
	v := newViewer(t, viewing{})
	s := open(t, h, v)
	s.mustOffer(nil)
	v.sees(webrtc.RTPCodecTypeVideo, 10)
	s.until("the end of candidates", func() bool { return ended(s) })
	h.mux.port.SetServers(newSTUN(t))
	s.until("the new place", func() bool {
		for _, c := range s.candidates {
			if strings.Contains(c.Candidate, outside+" 4321 typ srflx") {
				return true
			}
		}
		return false
	})
	if _, describes, _ := s.told(); len(describes) != 1 {
		t.Errorf("descriptions: got %d, want the answer and no wish for a restart", len(describes))
	}
}

func TestRestartIsWorthItsGapOnlyToRelayedSessionsThatCannotBeToldOtherwise(t *testing.T) {
	counts := protocol.Network{PortStep: 1}
	for name, test := range map[string]struct {
		kind    protocol.PathKind
		trickle bool
		before  protocol.Network
		policy  protocol.PathPolicy
		want    bool
	}{
		"a viewer that can be told":                {kind: protocol.PathRelay, trickle: true, before: counts},
		"a viewer that cannot":                     {kind: protocol.PathRelay, before: counts, want: true},
		"ports that can be predicted now":          {kind: protocol.PathRelay, trickle: true, want: true},
		"the same with nothing but relays":         {kind: protocol.PathRelay, policy: protocol.PathRelayOnly},
		"the same for a session that is direct":    {kind: protocol.PathDirect},
		"the same for one that has no path as yet": {},
	} {
		t.Run(name, func(t *testing.T) {
			p := Peer{network: counts, opt: Options{Trickle: test.trickle}, policy: protocol.Policy{Path: test.policy}}
			if test.kind != "" {
				p.path = &protocol.Path{Kind: test.kind}
			}
			if got := p.worthRenewal(true, test.before); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
