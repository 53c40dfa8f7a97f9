package signal

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const (
	hostLine  = "candidate:1 1 udp 2113937151 192.168.1.2 50001 typ host generation 0 ufrag abcd network-cost 999"
	mdnsLine  = "candidate:2 1 udp 2113937151 0b0c0d0e-1111-2222-3333-444455556666.local 50002 typ host generation 0"
	srflxLine = "candidate:3 1 udp 1677729535 198.51.100.4 50001 typ srflx raddr 192.168.1.2 rport 50001 generation 0"
	tcpLine   = "candidate:4 1 tcp 1518280447 192.168.1.2 9 typ host tcptype active generation 0"
	relayLine = "candidate:5 1 udp 33562367 203.0.113.9 60001 typ relay raddr 198.51.100.4 rport 50001 generation 0"
	relay6    = "candidate:6 1 udp 33562366 2001:db8::9 60002 typ relay raddr 2001:db8:1::4 rport 50001"
	// What is left of the last two where addresses are hidden.
	hiddenLine = "candidate:5 1 udp 33562367 203.0.113.9 60001 typ relay raddr 0.0.0.0 rport 9 generation 0"
	hidden6    = "candidate:6 1 udp 33562366 2001:db8::9 60002 typ relay raddr :: rport 9"
)

// sdpOf is a description with candidates, as a client makes one that does not trickle.
func sdpOf(origin, connection string, candidates ...string) string {
	lines := []string{
		"v=0", "o=- 4611 2 IN " + origin, "s=-", "t=0 0", "a=ice-ufrag:abcd", "m=video 50001 UDP/TLS/RTP/SAVPF 96",
		"c=IN " + connection, "a=rtcp:50001 IN " + connection, "a=mid:0",
	}
	for _, c := range candidates {
		lines = append(lines, "a="+c)
	}
	return strings.Join(append(lines, "a=end-of-candidates", "a=rtpmap:96 H264/90000"), "\r\n") + "\r\n"
}

func TestCandidatesOfAPathThatIsNotAllowedAreDropped(t *testing.T) {
	const direct, prefer, relay = protocol.PathDirectOnly, protocol.PathPreferDirect, protocol.PathRelayOnly
	for _, test := range []struct {
		path      protocol.PathPolicy
		candidate string
		want      string // empty: dropped
	}{
		{prefer, hostLine, hostLine},
		{prefer, relayLine, relayLine},
		{prefer, "no candidate", "no candidate"},
		{direct, hostLine, hostLine},
		{direct, mdnsLine, mdnsLine},
		{direct, srflxLine, srflxLine},
		{direct, tcpLine, tcpLine},
		{direct, relayLine, ""},
		{direct, strings.ToUpper(relayLine), ""},
		{direct, "no candidate", ""},
		{relay, hostLine, ""},
		{relay, mdnsLine, ""},
		{relay, srflxLine, ""},
		{relay, tcpLine, ""},
		{relay, relayLine, hiddenLine},
		{relay, relay6, hidden6},
		{relay, relayLine + "\r\na=" + hostLine, hiddenLine + " a=" + hostLine}, // one line, whatever it says
		{relay, "candidate:5 1 udp 33562367 203.0.113.9 60001", ""},
		{relay, "candidate:5 1 udp 1 203.0.113.9 60001 typ relay raddr a.example.org rport 9", "candidate:5 1 udp 1 203.0.113.9 60001 typ relay raddr 0.0.0.0 rport 9"},
		{relay, "candidate:5 1 udp 1 203.0.113.9 60001 typ relay raddr a.bc rport 9", "candidate:5 1 udp 1 203.0.113.9 60001 typ relay raddr 0 rport 9"},
	} {
		got, pass := screenCandidate(test.path, test.candidate)
		if pass != (test.want != "") || pass && got != test.want {
			t.Errorf("%s, %q: got %q, %t, want %q", test.path, test.candidate, got, pass, test.want)
		}
	}
	for _, path := range []protocol.PathPolicy{direct, prefer, relay} {
		if got, pass := screenCandidate(path, ""); got != "" || !pass {
			t.Errorf("%s: the end of the candidates does not pass", path)
		}
	}
}

func TestDescriptionsLoseWhatThePathPolicyDoesNotAllow(t *testing.T) {
	all := sdpOf("IP4 192.168.1.2", "IP4 198.51.100.4", hostLine, mdnsLine, srflxLine, tcpLine, relayLine, relay6)
	for path, want := range map[protocol.PathPolicy]string{
		protocol.PathPreferDirect: all,
		protocol.PathDirectOnly:   sdpOf("IP4 192.168.1.2", "IP4 198.51.100.4", hostLine, mdnsLine, srflxLine, tcpLine),
		protocol.PathRelayOnly:    strings.Replace(sdpOf("IP4 0.0.0.0", "IP4 0.0.0.0", hiddenLine, hidden6), "a=rtcp:50001 ", "a=rtcp:9 ", 1),
	} {
		if diff := cmp.Diff(want, screenSDP(path, all)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
	for line, want := range map[string]string{
		"c=IN IP6 2001:db8:1::4\n":         "c=IN IP6 ::\n",
		"c=IN IP4 224.2.1.1/127\r":         "c=IN IP4 0.0.0.0\r",
		"c=IN IP4 camera.example.org":      "c=IN IP4 0.0.0.0",
		"c=":                               "c=",
		"a=rtcp:50001\r\n":                 "a=rtcp:50001\r\n",
		"a=rtcp:5 IN IP6 2001:db8:1::4":    "a=rtcp:9 IN IP6 ::",
		"a=mid:0\ra=" + hostLine + "\rb=x": "a=mid:0\rb=x",
		"a=mid:0\na=" + hostLine:           "a=mid:0\n",
	} {
		if got := screenSDP(protocol.PathRelayOnly, line); got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}

func TestASyncIsScreenedAsItsParts(t *testing.T) {
	m := &protocol.Sync{
		Revision: 2, Path: &protocol.Path{Kind: protocol.PathDirect},
		Description: &protocol.Describe{
			Kind: protocol.DescribeAnswer, Revision: 2, SDP: "a=" + hostLine + "\r\na=" + relayLine + "\r\n",
			Origins: []protocol.Origin{{Address: "198.51.100.4:50001", Means: protocol.MeansMapped}},
		},
		Candidates: []protocol.Candidate{{Revision: 2, Candidate: srflxLine}, {Revision: 2, Candidate: relayLine}, {Revision: 2}},
	}
	want := &protocol.Sync{
		Revision: 2, Path: m.Path,
		Description: &protocol.Describe{Kind: protocol.DescribeAnswer, Revision: 2, SDP: "a=" + hiddenLine + "\r\n"},
		Candidates:  []protocol.Candidate{{Revision: 2, Candidate: hiddenLine}, {Revision: 2}},
	}
	got, pass := screen(protocol.PathRelayOnly, m)
	if diff := cmp.Diff(want, got); diff != "" || !pass {
		t.Errorf("passes: %t; (-want +got):\n%s", pass, diff)
	}
	if len(m.Candidates) != 3 || len(m.Description.Origins) != 1 {
		t.Error("the message itself was changed")
	}
}

// FuzzScreenSDP checks that a description never grows, that only lines which may be touched are, and that what was screened
// once stays as it is.
func FuzzScreenSDP(f *testing.F) {
	f.Add(sdpOf("IP4 192.168.1.2", "IP6 2001:db8::4", hostLine, srflxLine, relayLine, relay6))
	f.Add("c=IN IP4 a\ra=rtcp: IN\n\na=candidate:\r\na=candidate:1 1 udp 1 x 1 typ relay raddr")
	f.Add("a=candidate:1 1 udp 1 :: 1 typ relay raddr 1.2.3.4 RADDR ::1 rport 5")
	f.Fuzz(func(t *testing.T, sdp string) {
		split := func(s string) []string {
			return strings.FieldsFunc(s, func(r rune) bool { return r == '\r' || r == '\n' })
		}
		touched := func(line string) bool {
			for _, prefix := range []string{"a=candidate:", "c=", "o=", "a=rtcp:"} {
				if strings.HasPrefix(line, prefix) {
					return true
				}
			}
			return false
		}
		rest := func(s string) (lines []string) {
			for _, line := range split(s) {
				if !touched(line) {
					lines = append(lines, line)
				}
			}
			return lines
		}
		if got := screenSDP(protocol.PathPreferDirect, sdp); got != sdp {
			t.Errorf("nothing to screen: got %q", got)
		}
		for _, path := range []protocol.PathPolicy{protocol.PathDirectOnly, protocol.PathRelayOnly} {
			got := screenSDP(path, sdp)
			if len(got) > len(sdp) {
				t.Errorf("%s: %d bytes became %d: %q", path, len(sdp), len(got), got)
			}
			if again := screenSDP(path, got); again != got {
				t.Errorf("%s: screened twice, got %q, then %q", path, got, again)
			}
			if want, got := rest(sdp), rest(got); !slices.Equal(got, want) {
				t.Errorf("%s: other lines are %q, want %q", path, got, want)
			}
			for _, line := range split(got) {
				if candidate, ok := strings.CutPrefix(line, "a="); ok && strings.HasPrefix(candidate, "candidate:") {
					if _, pass := screenCandidate(path, candidate); !pass {
						t.Errorf("%s: %q passed", path, line)
					}
				}
			}
		}
	})
}

// termsOf makes a token that says which path its sessions may take.
func termsOf(path protocol.PathPolicy) func(*auth.Viewer) {
	return func(v *auth.Viewer) { v.Terms.Path = path }
}

// candidatesOf are those that an end gets, up to their end.
func candidatesOf(t *testing.T, p *peer) (list []string) {
	t.Helper()
	for {
		c := body[*protocol.Candidate](t, p.await(protocol.TypeCandidate)).Candidate
		if c == "" {
			return list
		}
		list = append(list, c)
	}
}

func TestNeitherEndHearsOfAPathThatIsNotAllowed(t *testing.T) {
	all := []string{hostLine, mdnsLine, srflxLine, tcpLine, relayLine}
	for path, want := range map[protocol.PathPolicy][]string{
		protocol.PathRelayOnly:  {hiddenLine},
		protocol.PathDirectOnly: {hostLine, mdnsLine, srflxLine, tcpLine},
	} {
		t.Run(string(path), func(t *testing.T) {
			s := onSockets(t, coming)
			d := s.from("203.0.113.1").device(t, camera)
			v := s.from("203.0.113.2").viewer(t, termsOf(path))
			v.ask(protocol.TypeOpen, sessionID(1), &protocol.Open{
				Device: camera, Owner: owner, Grant: v.welcome.Grant,
				Offer: &protocol.Offer{Revision: 1, SDP: sdpOf("IP4 127.0.0.1", "IP4 203.0.113.2", all...)},
			})
			invite := d.await(protocol.TypeInvite)
			offer := body[*protocol.Invite](t, invite).Offer.SDP
			d.reply(invite, protocol.TypeReply, &protocol.Reply{})
			d.post(protocol.TypeDescribe, sessionID(1), &protocol.Describe{
				Revision: 1, Kind: protocol.DescribeAnswer, SDP: sdpOf("IP4 127.0.0.1", "IP4 203.0.113.1", all...),
				Origins: []protocol.Origin{{Address: "203.0.113.1:5000", Means: protocol.MeansMapped}},
			})
			answer := body[*protocol.Describe](t, v.await(protocol.TypeDescribe))
			for _, sdp := range []string{offer, answer.SDP} {
				var got []string
				for line := range strings.SplitSeq(sdp, "\r\n") {
					if candidate, ok := strings.CutPrefix(line, "a="); ok && strings.HasPrefix(candidate, "candidate:") {
						got = append(got, candidate)
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("description (-want +got):\n%s", diff)
				}
			}
			if path == protocol.PathRelayOnly && (strings.Contains(offer+answer.SDP, "203.0.113.1") || strings.Contains(offer, "203.0.113.2") || answer.Origins != nil) {
				t.Errorf("an address is told: %s %+v", offer, answer)
			}
			for _, ends := range [][2]*peer{{v, d}, {d, v}} {
				for _, c := range append(all, "") {
					ends[0].post(protocol.TypeCandidate, sessionID(1), &protocol.Candidate{Revision: 1, Candidate: c})
				}
				if diff := cmp.Diff(want, candidatesOf(t, ends[1])); diff != "" {
					t.Errorf("candidates (-want +got):\n%s", diff)
				}
				ends[0].post(protocol.TypeSync, sessionID(1), &protocol.Sync{
					Owner: owner, Candidates: []protocol.Candidate{{Candidate: hostLine}, {Candidate: relayLine}},
				})
				m := body[*protocol.Sync](t, ends[1].await(protocol.TypeSync))
				if len(m.Candidates) != 1 || m.Candidates[0].Candidate != want[0] {
					t.Errorf("got the sync %+v", m)
				}
			}
			if path == protocol.PathDirectOnly {
				return
			}
			row := s.row(sessionID(1))
			for _, grant := range []protocol.GrantID{row.ViewerGrant, row.DeviceGrant} {
				if got := s.peersOf(grant); len(got) != 1 || got[0].String() != "203.0.113.9:60001" {
					t.Errorf("a relay was told of %v, want the other one alone", got)
				}
			}
		})
	}
}

func TestWhatWaitedIsScreenedWhenItGoesOut(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d := s.device(t, camera)
		v := s.viewer(t, nil)
		d.hangUp()
		v.ask(protocol.TypeOpen, sessionID(1), &protocol.Open{
			Device: camera, Owner: owner, Offer: &protocol.Offer{Revision: 1, SDP: "a=" + hostLine + "\r\n"},
		})
		for _, c := range []string{hostLine, relayLine, ""} {
			v.post(protocol.TypeCandidate, sessionID(1), &protocol.Candidate{Revision: 1, Candidate: c})
		}
		v.settled()
		s.setPlan(record.Plan{Terms: record.Terms{Path: protocol.PathRelayOnly}})
		d = d.back(s.deviceHello(t, camera))
		if got := body[*protocol.Invite](t, d.await(protocol.TypeInvite)).Offer.SDP; got != "" {
			t.Errorf("got the offer %q", got)
		}
		if diff := cmp.Diff([]string{hiddenLine}, candidatesOf(t, d)); diff != "" {
			t.Errorf("candidates (-want +got):\n%s", diff)
		}
	})
}
