package signal

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func TestCandidatesAreReadForTheirTransportAddress(t *testing.T) {
	for candidate, want := range map[string]string{
		"candidate:1 1 udp 2113937151 192.0.2.1 5000 typ host":                         "192.0.2.1:5000",
		"candidate:1 1 udp 1 2001:db8::1 5000 typ srflx raddr :: rport 0":              "[2001:db8::1]:5000",
		"candidate:1 1 udp 1 ::ffff:192.0.2.1 5000 typ host":                           "192.0.2.1:5000",
		"candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active":                      "192.0.2.1:9",
		"candidate:1 1 udp 1 0b0c0d0e-1111-2222-3333-444455556666.local 5000 typ host": "",
		"candidate:1 1 udp 1 192.0.2.1":                                                "",
		"candidate:1 1 udp 1 192.0.2.1 0 typ host":                                     "",
		"candidate:1 1 udp 1 192.0.2.1 70000 typ host":                                 "",
		"": "",
	} {
		got, ok := candidateAddress(candidate)
		if ok != (want != "") || ok && got != netip.MustParseAddrPort(want) {
			t.Errorf("%q: got %s, %v, want %q", candidate, got, ok, want)
		}
	}
}

func TestCandidatesOfDescriptionsAndSyncsArePeersOfTheOtherEnd(t *testing.T) {
	w := newWorld()
	h := New(Config{Relay: w})
	s := newSession(record.Session{ViewerGrant: "viewer", DeviceGrant: "device"}, time.Now())
	sdp := "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=candidate:1 1 udp 1 192.0.2.1 5000 typ host\r\na=candidates:none\r\n" +
		"a=candidate:2 1 udp 1 198.51.100.2 6000 typ relay raddr 0.0.0.0 rport 0\r\na=end-of-candidates\r\n"
	h.allowMessage(s, protocol.RoleDevice, &protocol.Describe{SDP: sdp, Origins: []protocol.Origin{
		{Address: "203.0.113.5:443", Means: protocol.MeansMapped}, {Address: "[2001:db8::5%eth0]:50000"}, {Address: "nowhere"}, {Address: "203.0.113.5:0"},
	}})
	h.allowMessage(s, protocol.RoleDevice, &protocol.Candidate{
		Candidate: "candidate:9 1 udp 1 203.0.113.5 50011 typ srflx raddr 0.0.0.0 rport 9", Means: protocol.MeansPredicted,
	})
	h.allowMessage(s, protocol.RoleViewer, &protocol.Sync{
		Description: &protocol.Describe{SDP: "a=candidate:1 1 udp 1 192.0.2.3 5000 typ host"},
		Candidates:  []protocol.Candidate{{Candidate: "candidate:1 1 udp 1 192.0.2.4 5000 typ host"}, {}},
	})
	want := [][]string{{"192.0.2.1:5000", "198.51.100.2:6000", "203.0.113.5:443", "203.0.113.5:50011", "[2001:db8::5]:50000"}, {"192.0.2.3:5000", "192.0.2.4:5000"}}
	var got [][]string
	for _, grant := range []protocol.GrantID{"viewer", "device"} {
		var peers []string
		for _, p := range w.peersOf(grant) {
			peers = append(peers, p.String())
		}
		got = append(got, peers)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("peers of the viewer's grant and of the device's (-want +got):\n%s", diff)
	}
}
