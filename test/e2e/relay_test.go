//go:build linux

package e2e

import (
	"fmt"
	"math"
	"testing"

	"github.com/sightline-rtc/sightline/test/natlab"
	"github.com/sightline-rtc/sightline/test/rig"
)

// Bytes on the wire beside the payload that the relay counts.
const (
	ipUDP       = 20 + 8
	channelData = 4 // RFC 8656 section 12.4
)

func TestAForcedRelayCarriesThePictureAndItsBytesAreOnRecord(t *testing.T) {
	s := enter(t)
	countRelayPorts(s)
	a := s.agent("agent", "test:")
	p := s.watch("viewer", a, "?ice=relay", "relay")
	session := s.session(a.Device)
	need(p.Grow(t.Context(), 600, later))(t)
	must(t, s.api.CloseSession(t.Context(), session.ID))

	got := eventually(t, "agreement of the record with the wire", func() (k kept, err error) {
		k.wire = need(s.Server.Counters(t.Context(), "tally"))(t)
		k.record, err = s.api.Session(t.Context(), session.ID)
		return k, err
	}, func(k kept) bool { return agrees(k.record, k.wire) })
	record := got.record
	t.Logf("on record %+v, on the wire %+v", record.Relayed, got.wire)
	if record.Relayed.DownPackets < 1000 {
		t.Errorf("the record has %+v, want the packets of 600 frames", record.Relayed)
	}
	if record.Path == nil || record.Path.Kind != "relay" || record.Reason != "closed_by_api" {
		t.Errorf("the record is %+v, want a relayed session that the API closed", record)
	}
}

// kept is what is on record of a session, and what was on the wire.
type kept struct {
	record rig.Session
	wire   map[string]natlab.Count
}

// countRelayPorts counts what the server's host exchanges with the camera on the ports of relays, and with the viewer on
// the port that TURN clients use. The camera talks to no other UDP port there but the TURN port itself, for STUN.
func countRelayPorts(s *stage) {
	s.t.Helper()
	must(s.t, s.Server.Filter(s.t.Context(), fmt.Sprintf(`table inet tally {
	counter peer {}
	counter client {}
	chain input {
		type filter hook input priority 0
		ip saddr %[1]s udp dport != %[3]s counter name peer
		ip saddr %[2]s udp dport %[3]s counter name client
	}
	chain output {
		type filter hook output priority 0
		ip daddr %[1]s udp sport != %[3]s counter name peer
		ip daddr %[2]s udp sport %[3]s counter name client
	}
}`, s.Camera.Addr, s.Viewer.Addr, s.hub.RelayPort())))
}

// agrees compares the record of a session with what the counters on both sides of the relay saw beside headers: within 1 %
// on its own ports, within 2 % on those of TURN, where requests of clients go too.
func agrees(r rig.Session, wire map[string]natlab.Count) bool {
	relayed := float64(r.Relayed.UpBytes + r.Relayed.DownBytes)
	packets := float64(r.Relayed.UpPackets + r.Relayed.DownPackets)
	return near(relayed, payload(wire["peer"]), 0.01) && near(relayed+channelData*packets, payload(wire["client"]), 0.02)
}

// near says that a record is as near to the wire as that share of it.
func near(record, wire, share float64) bool { return record > 0 && math.Abs(record-wire) <= share*wire }
