package whep

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
)

// lines writes an SDP.
func lines(list ...string) string { return strings.Join(list, "\r\n") + "\r\n" }

const (
	ufrag    = "WXYZ"
	password = "0123456789abcdefghijkl"
)

var (
	head  = []string{"v=0", "o=- 4611 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1", "a=ice-ufrag:" + ufrag, "a=ice-pwd:" + password}
	video = []string{"m=video 9 UDP/TLS/RTP/SAVPF 96", "c=IN IP4 0.0.0.0", "a=mid:0", "a=rtcp-mux", "a=recvonly", "a=rtpmap:96 H264/90000"}
	audio = []string{"m=audio 9 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 0.0.0.0", "a=mid:1", "a=rtcp-mux", "a=recvonly"}
)

// with returns lines in which some are others.
func with(list []string, changes ...string) []string {
	list = append([]string(nil), list...)
	for i := 0; i+1 < len(changes); i += 2 {
		for j := range list {
			list[j] = strings.ReplaceAll(list[j], changes[i], changes[i+1])
		}
	}
	return list
}

func sdp(parts ...[]string) string {
	var all []string
	for _, p := range parts {
		all = append(all, p...)
	}
	return lines(all...)
}

func TestOffersSayWhatIsWanted(t *testing.T) {
	for name, test := range map[string]struct {
		sdp  string
		want protocol.Media
	}{
		"both":                   {sdp(head, video, audio), protocol.Media{Video: true, Audio: true}},
		"no sound":               {sdp(with(head, " 0 1", " 0"), video), protocol.Media{Video: true}},
		"one section, unbundled": {sdp(with(head, "a=group:BUNDLE 0 1", "a=x"), video), protocol.Media{Video: true}},
		"both ways":              {sdp(head, with(video, "recvonly", "sendrecv"), audio), protocol.Media{Video: true, Audio: true}},
		"no direction":           {sdp(head, with(video, "a=recvonly", "a=x"), audio), protocol.Media{Video: true, Audio: true}},
		"direction of all":       {sdp(with(head, "t=0 0", "a=recvonly"), with(video, "a=recvonly", "a=x"), audio), protocol.Media{Video: true, Audio: true}},
		"a mouth":                {sdp(head, video, with(audio, "recvonly", "sendonly")), protocol.Media{Video: true, Talk: true}},
		"sound rejected":         {sdp(with(head, " 0 1", " 0"), video, with(audio, "audio 9", "audio 0", "a=rtcp-mux", "a=x")), protocol.Media{Video: true}},
		"bundle-only":            {sdp(head, video, with(audio, "audio 9", "audio 0")), protocol.Media{Video: true, Audio: true}},
		"a channel":              {sdp(with(head, "0 1", "0 2"), video, []string{"m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=mid:2"}), protocol.Media{Video: true}},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := ReadOffer(test.sdp)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(Offer{Text: test.sdp, Media: test.want, Ufrag: ufrag, Password: password}, o); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestOffersThatCannotBeServedAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		sdp  string
		want protocol.Code
	}{
		"empty":             {"", protocol.CodeBadMessage},
		"JSON":              {`{"sdp":"v=0"}`, protocol.CodeBadMessage},
		"no media":          {sdp(head), protocol.CodeBadMessage},
		"not UTF-8":         {sdp(head, with(video, "H264", "\xff")), protocol.CodeBadMessage},
		"sends only":        {sdp(head, with(video, "recvonly", "sendonly"), with(audio, "recvonly", "sendonly")), protocol.CodeInvalid},
		"inactive":          {sdp(head, with(video, "recvonly", "inactive"), with(audio, "recvonly", "inactive")), protocol.CodeInvalid},
		"no bundle":         {sdp(with(head, "a=group:BUNDLE 0 1", "a=x"), video, audio), protocol.CodeInvalid},
		"half a bundle":     {sdp(with(head, "0 1", "0"), video, audio), protocol.CodeInvalid},
		"RTCP apart":        {sdp(head, with(video, "a=rtcp-mux", "a=x"), audio), protocol.CodeInvalid},
		"no credentials":    {sdp(with(head, "a=ice-", "a=x-"), video, audio), protocol.CodeBadMessage},
		"odd credentials":   {sdp(with(head, ufrag, "ab cd"), video, audio), protocol.CodeBadMessage},
		"too many sections": {sdp(head, []string{strings.Repeat("m=video 0 x 0\r\n", maxSections+1)}), protocol.CodeBadMessage},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ReadOffer(test.sdp); !errors.Is(err, &protocol.Error{Code: test.want}) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestAnICERestartIsAnOfferWithOtherCredentials(t *testing.T) {
	first := with(video, "a=recvonly", "a=recvonly\r\na=candidate:1 1 udp 1 192.0.2.1 5000 typ host\r\na=end-of-candidates")
	o, err := ReadOffer(sdp(head, first, audio))
	if err != nil {
		t.Fatal(err)
	}
	f, err := ReadFragment(lines("a=ice-ufrag:EsAw", "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1", "m=audio 9 RTP/AVP 0", "a=mid:1",
		"a=candidate:2 1 udp 1 192.0.2.2 5000 typ host", "a=end-of-candidates"))
	if err != nil {
		t.Fatal(err)
	}
	got := o.Restart(f)
	newHead := with(head, ufrag, "EsAw", password, "P2uYro0UCOQ4zxjKXaWCBui1", "4611 2", "4611 3")
	want := sdp(newHead, video, []string{"a=end-of-candidates"}, audio, []string{"a=candidate:2 1 udp 1 192.0.2.2 5000 typ host"})
	if diff := cmp.Diff(want, got.Text); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if again, err := ReadOffer(got.Text); err != nil || again != got {
		t.Errorf("read again: %v, %v", again, err)
	}
}

func TestFragmentsAreRead(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want Fragment
	}{
		"RFC 8840 section 9": {
			lines("a=ice-ufrag:EsAw", "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1", "m=audio 9 RTP/AVP 0", "a=mid:foo",
				"a=candidate:1387637174 1 UDP 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1", "a=end-of-candidates"),
			Fragment{
				Ufrag: "EsAw", Password: "P2uYro0UCOQ4zxjKXaWCBui1", Ended: true,
				Candidates: []Candidate{{Line: "candidate:1387637174 1 UDP 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1", Mid: "foo"}},
			},
		},
		"the name twice, credentials in the section": {
			lines("m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:0", "a=ice-ufrag:"+ufrag, "a=ice-pwd:"+password, "a=candidate:candidate:1 1 udp 1 192.0.2.1 5000 typ host"),
			Fragment{Ufrag: ufrag, Password: password, Candidates: []Candidate{{Line: "candidate:1 1 udp 1 192.0.2.1 5000 typ host", Mid: "0"}}},
		},
		"no more": {"a=end-of-candidates", Fragment{Ended: true}},
		"of the second section": {
			"m=audio 9 x 0\nm=video 9 x 0\na=candidate:1 1 udp 1 192.0.2.1 5000 typ host\n",
			Fragment{Candidates: []Candidate{{Line: "candidate:1 1 udp 1 192.0.2.1 5000 typ host", Index: 1}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ReadFragment(test.text)
			if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
				t.Errorf("error %v, -want +got:\n%s", err, diff)
			}
		})
	}
	for name, test := range map[string]struct {
		text string
		want protocol.Code
	}{
		"empty":            {"", protocol.CodeBadMessage},
		"nothing of ICE":   {"m=audio 9 x 0\r\na=mid:0\r\n", protocol.CodeBadMessage},
		"JSON":             {`{"candidate":"x"}`, protocol.CodeBadMessage},
		"half a candidate": {"a=candidate:1 1 udp\r\n", protocol.CodeBadMessage},
		"short password":   {"a=ice-ufrag:abcd\r\na=ice-pwd:x\r\n", protocol.CodeBadMessage},
		"too many":         {strings.Repeat("a=candidate:1 1 udp 1 192.0.2.1 5000 typ host\r\n", maxFragmentCandidates+1), protocol.CodeTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ReadFragment(test.text); !errors.Is(err, &protocol.Error{Code: test.want}) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestAnswersAreCompleted(t *testing.T) {
	answer := sdp(head, video, []string{"a=candidate:1 1 udp 1 192.0.2.1 5000 typ host"}, audio)
	more := []Candidate{
		{Line: "candidate:1 1 udp 1 192.0.2.1 5000 typ host", Mid: "0"}, // known
		{Line: "candidate:2 1 udp 1 192.0.2.2 5000 typ host", Mid: "0"},
	}
	got := Complete(answer, more, true)
	want := sdp(head, video, []string{"a=candidate:1 1 udp 1 192.0.2.1 5000 typ host", "a=candidate:2 1 udp 1 192.0.2.2 5000 typ host", "a=end-of-candidates"}, audio)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if Ended(answer) || !Ended(got) {
		t.Error("Ended does not tell whole answers from others")
	}
	if diff := cmp.Diff(got, Complete(got, nil, true)); diff != "" {
		t.Errorf("a whole answer is changed:\n%s", diff)
	}
	wantFragment := lines("a=group:BUNDLE 0 1", "m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:0", "a=ice-ufrag:"+ufrag, "a=ice-pwd:"+password,
		"a=candidate:1 1 udp 1 192.0.2.1 5000 typ host", "a=candidate:2 1 udp 1 192.0.2.2 5000 typ host", "a=end-of-candidates")
	if diff := cmp.Diff(wantFragment, FragmentOf(got)); diff != "" {
		t.Errorf("fragment, -want +got:\n%s", diff)
	}
	if f, err := ReadFragment(FragmentOf(got)); err != nil || len(f.Candidates) != 2 || !f.Ended {
		t.Errorf("the fragment is read as %+v, %v", f, err)
	}
}

func TestICEServersAreLinks(t *testing.T) {
	got := Links([]protocol.ICEServer{
		{URLs: []string{"stun:a.example", "stun:b.example"}},
		{URLs: []string{"turn:c.example?transport=udp"}, Username: `1:"x"`, Credential: `p\w`},
	})
	want := []string{
		`<stun:a.example>; rel="ice-server"`,
		`<stun:b.example>; rel="ice-server"`,
		`<turn:c.example?transport=udp>; rel="ice-server"; username="1:\"x\""; credential="p\\w"; credential-type="password"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// FuzzFragment checks that whatever is taken for a fragment is bounded, has no line within a line, and makes an offer that is one.
func FuzzFragment(f *testing.F) {
	f.Add("a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 RTP/AVP 0\r\na=mid:foo\r\na=candidate:1 1 UDP 2 192.0.2.1 6 typ host\r\na=end-of-candidates\r\n")
	f.Add("a=candidate:candidate:1 1 udp 1 x.local 5000 typ host\n")
	f.Add("a=end-of-candidates")
	offer, err := ReadOffer(sdp(head, video, audio))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fragment, err := ReadFragment(text)
		if err != nil {
			return
		}
		if len(fragment.Candidates) > maxFragmentCandidates {
			t.Errorf("%d candidates", len(fragment.Candidates))
		}
		for _, c := range fragment.Candidates {
			if strings.ContainsAny(c.Line, "\r\n") || len(c.Line) > protocol.MaxCandidateBytes {
				t.Errorf("candidate %q", c.Line)
			}
		}
		if fragment.Ufrag == "" || fragment.Password == "" {
			return
		}
		restarted := offer.Restart(fragment)
		if again, err := ReadOffer(restarted.Text); err != nil || again.Ufrag != fragment.Ufrag {
			t.Errorf("the restarted offer is none: %v\n%s", err, restarted.Text)
		}
	})
}

// FuzzOffer checks that an offer which is taken is taken again in its own words, and that answers can be completed.
func FuzzOffer(f *testing.F) {
	f.Add(sdp(head, video, audio))
	f.Add(sdp(with(head, "a=group:BUNDLE 0 1", "a=x"), video))
	f.Add("v=0\nm=video 9 x 0\na=rtcp-mux\na=ice-ufrag:abcd\na=ice-pwd:0123456789abcdefghijkl\n")
	f.Fuzz(func(t *testing.T, text string) {
		more := []Candidate{{Line: "candidate:1 1 udp 1 192.0.2.1 5000 typ host", Mid: "0"}}
		whole := Complete(text, more, true)
		FragmentOf(whole)
		offer, err := ReadOffer(text)
		if err != nil {
			return
		}
		if !Ended(whole) || !strings.Contains(whole, "a="+more[0].Line) {
			t.Errorf("not completed:\n%s", whole)
		}
		if again, err := ReadOffer(whole); err != nil || again.Media != offer.Media {
			t.Errorf("with a candidate it is %+v, %v, not %+v", again.Media, err, offer.Media)
		}
	})
}
