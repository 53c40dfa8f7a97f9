package peer

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	hostLine  = "candidate:1 1 udp 2130706431 192.0.2.7 5000 typ host"
	relayLine = "candidate:2 1 udp 16777215 198.51.100.7 42001 typ relay raddr 192.0.2.7 rport 5000"
	mdnsLine  = "candidate:3 1 udp 2130706431 3a1c0e1c-0000-4000-8000-000000000000.local 5000 typ host"
)

func newRemote() *remote {
	return &remote{revision: -1, relays: make(map[netip.AddrPort]bool)}
}

// admits reports whether a candidate goes to ICE.
func admits(r *remote, line string, policy protocol.PathPolicy) (bool, error) {
	c, ok, err := readCandidate(line)
	if err != nil || !ok {
		return false, err
	}
	return r.admit(c, policy, home()), nil
}

func TestCandidatesGoToTheirOwnGeneration(t *testing.T) {
	r := newRemote()
	for _, c := range []protocol.Candidate{
		{Revision: 1, Candidate: "a"}, {Revision: 2, Candidate: "b", Ufrag: "two"}, {Revision: 1, Candidate: "c", Ufrag: "other"},
	} {
		if r.sort(c) {
			t.Errorf("candidate %s before its offer: got due, want kept", c.Candidate)
		}
	}
	due := r.advance(1, "one", "")
	if want := []protocol.Candidate{{Revision: 1, Candidate: "a"}}; !cmp.Equal(due, want) {
		t.Errorf("due with offer 1: %s", cmp.Diff(want, due))
	}
	due = r.advance(2, "two", "")
	if want := []protocol.Candidate{{Revision: 2, Candidate: "b", Ufrag: "two"}}; !cmp.Equal(due, want) {
		t.Errorf("due with offer 2: %s", cmp.Diff(want, due))
	}
	for c, want := range map[protocol.Candidate]bool{
		{Revision: 2}: true, {Revision: 1}: false, {Revision: 2, Ufrag: "one"}: false, {Revision: 1, Ufrag: "two"}: true,
	} {
		if got := r.sort(c); got != want {
			t.Errorf("sort %+v: got %v, want %v", c, got, want)
		}
	}
}

func TestEarlyCandidatesAreBounded(t *testing.T) {
	r := newRemote()
	for n := range 1000 {
		r.sort(protocol.Candidate{Revision: 1, Candidate: fmt.Sprint(n)})
	}
	if got := len(r.advance(1, "one", "")); got != protocol.MaxPendingPerSession {
		t.Errorf("kept: got %d, want %d", got, protocol.MaxPendingPerSession)
	}
}

func TestPolicyDecidesWhichCandidatesAreTried(t *testing.T) {
	for _, test := range []struct {
		line   string
		policy protocol.PathPolicy
		want   bool
	}{
		{hostLine, protocol.PathPreferDirect, true},
		{relayLine, protocol.PathPreferDirect, true},
		{hostLine, protocol.PathRelayOnly, false},
		{relayLine, protocol.PathRelayOnly, true},
		{hostLine, protocol.PathDirectOnly, true},
		{relayLine, protocol.PathDirectOnly, false},
		{mdnsLine, protocol.PathPreferDirect, false},
		{"", protocol.PathPreferDirect, false},
	} {
		got, err := admits(newRemote(), test.line, test.policy)
		if err != nil || got != test.want {
			t.Errorf("admit %q under %s: got %v, %v, want %v", test.line, test.policy, got, err, test.want)
		}
	}
	if _, err := admits(newRemote(), "candidate:x", ""); !errors.Is(err, &protocol.Error{Code: protocol.CodeBadMessage}) {
		t.Errorf("admit nonsense: got %v, want a bad message", err)
	}
}

func TestCandidatesOfAGenerationAreBounded(t *testing.T) {
	r := newRemote()
	taken := 0
	for n := range 1000 {
		if ok, _ := admits(r, strings.Replace(relayLine, "42001", fmt.Sprint(2000+n), 1), ""); ok {
			taken++
		}
	}
	if taken != protocol.MaxSyncCandidates || len(r.relays) != protocol.MaxSyncCandidates {
		t.Errorf("taken: got %d and %d relays, want %d", taken, len(r.relays), protocol.MaxSyncCandidates)
	}
}

func TestPeerReflexiveRelayMakesARelayPath(t *testing.T) {
	r := newRemote()
	s := selection{pair: webrtc.NewICECandidatePair(
		&webrtc.ICECandidate{Typ: webrtc.ICECandidateTypeHost, Address: "192.0.2.2", Port: 1, Protocol: webrtc.ICEProtocolUDP},
		&webrtc.ICECandidate{Typ: webrtc.ICECandidateTypePrflx, Address: "198.51.100.7", Port: 42001},
	)}
	want := protocol.Path{
		Kind: protocol.PathDirect, Means: "ice", Local: "host", Remote: "prflx", Protocol: "udp",
	}
	if diff := cmp.Diff(want, s.path(r.relays, false)); diff != "" {
		t.Errorf("path before the relay was signaled: %s", diff)
	}
	if ok, err := admits(r, relayLine, ""); !ok || err != nil {
		t.Fatalf("admit: got %v, %v", ok, err)
	}
	want.Kind, want.Means, want.Remote = protocol.PathRelay, "relay", "relay"
	if diff := cmp.Diff(want, s.path(r.relays, false)); diff != "" {
		t.Errorf("path after the relay was signaled: %s", diff)
	}
}

func TestAnswerCarriesWhatIsKnownAndTheRestFollows(t *testing.T) {
	const answer = "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n" +
		"m=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n" +
		"m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=ice-ufrag:here\r\na=candidate:9 1 udp 1 192.0.2.9 9 typ host\r\na=end-of-candidates\r\n"
	g := &generation{over: make(chan struct{})}
	g.add(found{line: hostLine + " ufrag here"})
	g.add(found{line: hostLine + " ufrag before"})
	text, _, err := g.describe(answer)
	if err != nil {
		t.Fatalf("describe: %v", err)
	}
	if !strings.Contains(text, hostLine+" ufrag here") || strings.Contains(text, "before") ||
		strings.Contains(text, "192.0.2.9") || strings.Contains(text, "end-of-candidates") {
		t.Errorf("answer: got\n%s", text)
	}
	g.answered = true
	g.add(found{line: relayLine})
	g.settle(&g.gathered)
	want := []protocol.Candidate{{Revision: 3, Candidate: relayLine, Mid: "1", MLine: 1, Ufrag: "here"}}
	if diff := cmp.Diff(want, g.news(3)); diff != "" {
		t.Errorf("news: %s", diff)
	}
	g.settle(&g.placed)
	g.settle(&g.placed)
	want = []protocol.Candidate{{Revision: 3, Mid: "1", MLine: 1, Ufrag: "here"}}
	if diff := cmp.Diff(want, g.news(3)); diff != "" {
		t.Errorf("the end: %s", diff)
	}
	if got := g.news(3); got != nil {
		t.Errorf("after the end: got %v, want nothing", got)
	}
}

func TestReceiverReportsTellTheQuality(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 600_000_000, time.UTC)
	var q quality
	q.take(rtcp.ReceptionReport{
		TotalLost: 7, Jitter: 900, LastSenderReport: shortNTP(now.Add(-time.Second)), Delay: 65536 - 65536/4,
	}, 90000, now)
	from := counters{at: now.Add(-2 * time.Second), packets: 10, bytes: 1000, frames: 5}
	to := counters{at: now, packets: 210, bytes: 251000, frames: 55}
	want := protocol.Stats{
		Media: true, Packets: 210, Bytes: 251000, Frames: 55, Lost: 7, FPS: 25, BitrateKbps: 1000, RTTMS: 250, JitterMS: 10,
	}
	if diff := cmp.Diff(want, q.stats(from, to, time.Second)); diff != "" {
		t.Errorf("stats: %s", diff)
	}
}

func FuzzCandidate(f *testing.F) {
	for _, line := range []string{
		hostLine, relayLine, mdnsLine, "", "candidate:", "candidate:1 1 udp 1 :: 70000 typ relay",
		"candidate:1 1 tcp 1 8.8.8.8 443 typ host tcptype passive", "candidate:1 1 udp 1 ::ffff:127.0.0.1 5000 typ srflx raddr :: rport 9",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		c, ok, err := readCandidate(line)
		if ok && err != nil {
			t.Errorf("read %q: both taken and refused: %v", line, err)
		}
		if !ok {
			return
		}
		ip := c.address.Addr()
		if newRemote().admit(c, protocol.PathPreferDirect, home()) &&
			(ip.IsLoopback() || ip.IsMulticast() || ip.IsUnspecified() || ip.Is4In6() || ip.Zone() != "") {
			t.Errorf("admit %q: got %s", line, c.address)
		}
	})
}
