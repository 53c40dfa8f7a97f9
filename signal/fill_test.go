package signal

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
)

var address6 = netip.MustParseAddr("2001:db8:1::7")

// filledLine is what goes with mdnsLine from address6.
const filledLine = "candidate:v62 1 udp 2113936895 2001:db8:1::7 50002 typ host generation 0"

func TestHiddenHostCandidatesAreCopiedToTheAddressOfTheLink(t *testing.T) {
	for candidate, want := range map[string]string{
		mdnsLine: filledLine,
		strings.Replace(mdnsLine, " udp ", " UDP ", 1): strings.Replace(filledLine, " udp ", " UDP ", 1),
		hostLine:  "",
		srflxLine: "",
		relayLine: "",
		"":        "",
		strings.Replace(mdnsLine, " udp ", " tcp ", 1):                       "",
		strings.Replace(mdnsLine, " 50002 ", " 0 ", 1):                       "",
		strings.Replace(mdnsLine, " 50002 ", " 65536 ", 1):                   "",
		strings.Replace(mdnsLine, " 2113937151 ", " 256 ", 1):                "",
		strings.Replace(mdnsLine, " 2113937151 ", " 257 ", 1):                strings.Replace(filledLine, " 2113936895 ", " 1 ", 1),
		strings.Replace(mdnsLine, "candidate:2 ", "candidate ", 1):           "",
		strings.Replace(mdnsLine, ":2 ", ":"+strings.Repeat("a", 32)+" ", 1): strings.Replace(filledLine, ":v62 ", ":v6"+strings.Repeat("a", 30)+" ", 1),
	} {
		got, ok := fillCandidate(candidate, address6)
		if ok != (want != "") || got != want {
			t.Errorf("%q: got %q, %t, want %q", candidate, got, ok, want)
		}
	}
}

func TestADescriptionIsFilledAfterEachHiddenCandidateWithinBounds(t *testing.T) {
	got := fillSDP(sdpOf("IP4 127.0.0.1", "IP4 0.0.0.0", hostLine, mdnsLine, tcpLine), address6)
	want := sdpOf("IP4 127.0.0.1", "IP4 0.0.0.0", hostLine, mdnsLine, filledLine, tcpLine)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	flood := strings.Repeat("a="+mdnsLine+"\r\n", 3*maxFilled)
	if got := strings.Count(fillSDP(flood, address6), address6.String()); got != maxFilled {
		t.Errorf("%d candidates were added, want %d", got, maxFilled)
	}
	large := flood + strings.Repeat("a=x\r\n", maxFilledSDP/5)
	if fillSDP(large, address6) != large {
		t.Error("a large description was made larger")
	}
	cut := "a=" + mdnsLine // a line without its end
	if got := fillSDP(cut, address6); got != cut {
		t.Errorf("got %q", got)
	}
}

func FuzzFillSDP(f *testing.F) {
	f.Add(sdpOf("IP4 127.0.0.1", "IP4 0.0.0.0", hostLine, mdnsLine, relayLine))
	f.Add("a=candidate:1 1 udp 999 a.local 1 typ host\na=candidate:x")
	f.Add("a=candidate: 0 udp 700 .loCAl 1 tYp host \r")
	f.Fuzz(func(t *testing.T, sdp string) {
		got := fillSDP(sdp, address6)
		var kept []string
		added := 0
		for line := range strings.Lines(got) {
			if strings.HasPrefix(line, "a=candidate:v6") && strings.Contains(line, " "+address6.String()+" ") {
				added++
				continue
			}
			kept = append(kept, line)
		}
		if strings.Contains(sdp, address6.String()) {
			return // it may have had such lines
		}
		if strings.Join(kept, "") != sdp || added > maxFilled {
			t.Errorf("%d were added, and without them it is %q, want %q", added, kept, sdp)
		}
	})
}

func TestAHiddenCandidateOfAnIPv6ViewerIsFollowedByItsCopy(t *testing.T) {
	s := onSockets(t, coming)
	d := s.from("2001:db8:2::1").device(t, camera)
	v := s.from(address6.String()).viewer(t, nil)
	v.ask(protocol.TypeOpen, sessionID(1), &protocol.Open{
		Device: camera, Owner: owner, Grant: v.welcome.Grant, Offer: &protocol.Offer{Revision: 1, SDP: "a=" + mdnsLine + "\r\n"},
	})
	invite := d.await(protocol.TypeInvite)
	m := body[*protocol.Invite](t, invite)
	if got, want := m.Offer.SDP, "a="+mdnsLine+"\r\na="+filledLine+"\r\n"; got != want {
		t.Errorf("got the offer %q, want %q", got, want)
	}
	if m.Viewer.SameNetwork {
		t.Error("another /64 is taken for the same network")
	}
	d.reply(invite, protocol.TypeReply, &protocol.Reply{})
	trickled := func() string {
		t.Helper()
		return body[*protocol.Candidate](t, d.await(protocol.TypeCandidate)).Candidate
	}
	for range maxFilled {
		v.post(protocol.TypeCandidate, sessionID(1), &protocol.Candidate{Revision: 1, Candidate: mdnsLine, Mid: "0"})
		if got := []string{trickled(), trickled()}; got[0] != mdnsLine || got[1] != filledLine {
			t.Fatalf("got %q", got)
		}
	}
	v.post(protocol.TypeCandidate, sessionID(1), &protocol.Candidate{Revision: 1, Candidate: mdnsLine})
	v.post(protocol.TypeCandidate, sessionID(1), &protocol.Candidate{Revision: 1})
	if got := []string{trickled(), trickled()}; got[0] != mdnsLine || got[1] != "" {
		t.Errorf("over the bound: got %q", got)
	}
	v.post(protocol.TypeCandidate, sessionID(1), &protocol.Candidate{Revision: 2, Candidate: mdnsLine})
	if got := []string{trickled(), trickled()}; got[1] != filledLine {
		t.Errorf("after a restart: got %q", got)
	}
	v.post(protocol.TypeSync, sessionID(1), &protocol.Sync{
		Revision: 2, Description: &protocol.Describe{Kind: protocol.DescribeOffer, Revision: 2, SDP: "a=" + mdnsLine + "\n"},
		Candidates: []protocol.Candidate{{Revision: 2, Candidate: mdnsLine}}, Owner: owner,
	})
	sync := body[*protocol.Sync](t, d.await(protocol.TypeSync))
	if len(sync.Candidates) != 2 || sync.Candidates[1].Candidate != filledLine || !strings.Contains(sync.Description.SDP, filledLine) {
		t.Errorf("got the sync %+v", sync)
	}
	peer := netip.AddrPortFrom(address6, 50002)
	if got := s.peersOf(m.Grant); got[len(got)-1] != peer {
		t.Errorf("the relay was told %v, want %v among them", got, peer)
	}
}

func TestNoAddressIsFilledInWhereItWouldBeWrong(t *testing.T) {
	for name, test := range map[string]struct {
		configure func(*Config)
		address   string
		path      protocol.PathPolicy
	}{
		"IPv4":       {coming, "198.51.100.9", ""},
		"local":      {coming, "fd00::7", ""},
		"link-local": {coming, "fe80::7", ""},
		"mapped":     {coming, "::ffff:198.51.100.9", ""},
		"relay only": {coming, address6.String(), protocol.PathRelayOnly},
		"not wanted": {func(c *Config) { coming(c); c.NoFillIn = true }, address6.String(), ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := onSockets(t, test.configure)
			d := s.from("198.51.100.9").device(t, camera)
			v := s.from(test.address).viewer(t, termsOf(test.path))
			v.ask(protocol.TypeOpen, sessionID(1), &protocol.Open{
				Device: camera, Owner: owner, Offer: &protocol.Offer{Revision: 1, SDP: "a=" + mdnsLine + "\r\n"},
			})
			invite := d.await(protocol.TypeInvite)
			v.post(protocol.TypeCandidate, sessionID(1), &protocol.Candidate{Revision: 1, Candidate: mdnsLine})
			v.post(protocol.TypeCandidate, sessionID(1), &protocol.Candidate{Revision: 1})
			m := body[*protocol.Invite](t, invite)
			got := []string{m.Offer.SDP}
			for got[len(got)-1] != "" || len(got) == 1 {
				got = append(got, body[*protocol.Candidate](t, d.await(protocol.TypeCandidate)).Candidate)
			}
			want := []string{"a=" + mdnsLine + "\r\n", mdnsLine, ""}
			if test.path == protocol.PathRelayOnly {
				want = []string{"", ""}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if want := name == "IPv4" || name == "mapped"; m.Viewer.SameNetwork != want {
				t.Errorf("got same_network %t, want %t", m.Viewer.SameNetwork, want)
			}
		})
	}
}
