package protocol

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var update = flag.Bool("update", false, "write testdata anew from the messages in this file")

const (
	goldenSession SessionID = "0192f0c1-2b3c-7d4e-8f50-617283940a1b"
	goldenGrant   GrantID   = "00112233445566778899aabbccddeeff"
	goldenOwner             = "ffeeddccbbaa99887766554433221100"
)

var (
	goldenNow     = time.Date(2026, 11, 21, 12, 34, 56, 789_000_000, time.UTC)
	goldenExpires = time.Date(2026, 11, 21, 13, 34, 56, 0, time.UTC)
	goldenServers = []ICEServer{
		{URLs: []string{"stun:192.0.2.1:3478"}},
		{
			URLs:     []string{"turn:192.0.2.1:3478?transport=udp", "turn:192.0.2.1:3478?transport=tcp"},
			Username: "1795267796:k1." + string(goldenGrant) + ".viewer", Credential: "c2VjcmV0",
		},
	}
	goldenPolicy = Policy{Path: PathPreferDirect, RelayDelayMS: 700, MaxKbps: 4000, MaxRelayS: 3600, Expires: goldenExpires}
	goldenMedia  = Media{Video: true, Audio: true}
	goldenOffer  = &Offer{Revision: 1, SDP: "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"}
	noTrickle    = false
)

// golden holds one or more messages of every type. Clients in other languages are tested against the same files.
var golden = map[string]struct {
	envelope Envelope
	body     Message
}{
	"hello_viewer": {Envelope{Type: TypeHello}, &Hello{
		Version: 1, Role: RoleViewer, Token: "eyJ.eyJ.sig", Client: Client{Name: "sightline-web", Version: "0.1.0"},
	}},
	"hello_device": {Envelope{Type: TypeHello}, &Hello{
		Version: 1, Role: RoleDevice, Token: "eyJ.eyJ.sig", MaxSessions: 8,
		Client: Client{Name: "sightline-agent", Version: "0.1.0", Model: "door"},
		Resume: &Resume{Link: "l-1", Key: "k-1", Received: 9},
	}},
	"hello_fallback": {Envelope{Type: TypeHello}, &Hello{
		Version: 1, Role: RoleDevice, Token: "eyJ.eyJ.sig", Client: Client{Name: "sightline-agent"},
		Fallback: &Fallback{Reason: FallbackStatus, Detail: "HTTP 200 from nginx/1.18"},
	}},
	"welcome": {Envelope{Type: TypeWelcome, Gen: 7}, &Welcome{
		Link: "l-1", Key: "k-1", Node: "n-1", Reason: ResumeNew, PingS: 20, ResumeS: 120, Now: goldenNow,
		Limits:     Limits{MessageBytes: 65536, Unacked: 256, UnackedBytes: 262144, CandidatesPerSecond: 20, DescriptionsPerSecond: 5},
		ICEServers: goldenServers, Grant: goldenGrant, Path: PathPreferDirect, RelayDelayMS: 700,
	}},
	"welcome_resumed": {Envelope{Type: TypeWelcome}, &Welcome{
		Link: "l-1", Key: "k-1", Node: "n-1", Resumed: true, Received: 17, PingS: 20, ResumeS: 120, Now: goldenNow,
		Limits: Limits{MessageBytes: 65536, Unacked: 256, UnackedBytes: 262144, CandidatesPerSecond: 20, DescriptionsPerSecond: 5},
	}},
	"ping":   {Envelope{Type: TypePing, Ack: 9}, nil},
	"pong":   {Envelope{Type: TypePong, Ack: 9}, nil},
	"ack":    {Envelope{Type: TypeAck, Ack: 32}, nil},
	"bye":    {Envelope{Type: TypeBye}, nil},
	"goaway": {Envelope{Type: TypeGoaway}, &Goaway{AfterMS: 250, DeadlineMS: 10000, Hosts: []string{"a.example.org"}}},
	"error_link": {Envelope{Type: TypeError}, &Error{
		Code: CodeClockSkew, Message: "the token is outside its time", Now: goldenNow,
	}},
	"error_reply": {Envelope{Type: TypeError, Seq: 3, Re: 1, Session: goldenSession}, &Error{
		Code: CodeOffline, Message: "the camera is offline", RetryMS: 5000, LastSeen: goldenNow,
	}},
	"snapshot": {Envelope{Type: TypeSnapshot}, &Snapshot{
		Sessions: []SessionInfo{{Session: goldenSession, State: SessionEnded, Reason: ReasonClosedByAPI}},
		Presence: []Presence{{Device: "dev_1", Name: "Front door", Status: StatusOnline, Generation: 7, Since: goldenNow}},
	}},
	"presence": {Envelope{Type: TypePresence, Gen: 7}, &Presence{Device: "dev_1", Status: StatusSuspect, Generation: 7, Since: goldenNow}},
	"presence_fallback": {Envelope{Type: TypePresence, Gen: 7}, &Presence{
		Device: "dev_1", Status: StatusOnline, Generation: 7, Since: goldenNow,
		Transport: TransportLongPoll, Fallback: &Fallback{Reason: FallbackSilent},
	}},
	"presence_never": {Envelope{Type: TypePresence}, &Presence{Device: "dev_2", Status: StatusOffline}},
	"policy":         {Envelope{Type: TypePolicy, Session: goldenSession}, &goldenPolicy},
	"policy_hd": {Envelope{Type: TypePolicy, Session: goldenSession}, &Policy{
		Path: PathPreferDirect, RelayHD: true, Expires: goldenExpires,
	}},
	"ice_servers": {Envelope{Type: TypeICEServers, Session: goldenSession}, &ICEServers{ICEServers: goldenServers, Grant: goldenGrant}},
	"open": {Envelope{Type: TypeOpen, Seq: 1, ID: 1, Session: goldenSession}, &Open{
		Device: "dev_1", Grant: goldenGrant, Owner: goldenOwner, Media: goldenMedia, Offer: goldenOffer,
	}},
	"open_without_offer": {Envelope{Type: TypeOpen, Seq: 1, ID: 1, Session: goldenSession}, &Open{
		Device: "dev_1", Owner: goldenOwner, Media: Media{Video: true}, Trickle: &noTrickle,
	}},
	"opened": {Envelope{Type: TypeOpened, Seq: 1, Ack: 1, Re: 1, Session: goldenSession}, &Opened{
		Policy: goldenPolicy, Expires: goldenExpires, NextGrant: goldenGrant, ICEServers: goldenServers,
	}},
	"invite": {Envelope{Type: TypeInvite, Seq: 1, ID: 1, Session: goldenSession, Gen: 7}, &Invite{
		Viewer: Viewer{Name: "front desk", SameNetwork: true}, Grants: []Right{RightView, RightAudio}, ICEServers: goldenServers, Grant: goldenGrant,
		Policy: goldenPolicy, Expires: goldenExpires, Media: goldenMedia, Offer: goldenOffer, Trickle: true,
	}},
	"describe_answer": {Envelope{Type: TypeDescribe, Seq: 2, Session: goldenSession, Gen: 7}, &Describe{Revision: 1, Kind: DescribeAnswer, SDP: goldenOffer.SDP}},
	"describe_origins": {Envelope{Type: TypeDescribe, Seq: 2, Session: goldenSession, Gen: 7}, &Describe{
		Revision: 1, Kind: DescribeAnswer, SDP: goldenOffer.SDP,
		Origins: []Origin{{Address: "192.0.2.7:443", Means: MeansMapped}, {Address: "[2001:db8::7]:50000", Means: MeansIPv6}},
	}},
	"describe_restart": {Envelope{Type: TypeDescribe, Seq: 9, Session: goldenSession, Gen: 7}, &Describe{Revision: 1, Kind: DescribeRestart}},
	"candidate": {Envelope{Type: TypeCandidate, Seq: 3, Session: goldenSession}, &Candidate{
		Revision: 1, Candidate: "candidate:1 1 udp 2130706431 192.0.2.7 50000 typ host", Mid: "0", Ufrag: "abcd",
	}},
	"candidate_predicted": {Envelope{Type: TypeCandidate, Seq: 3, Session: goldenSession}, &Candidate{
		Revision: 1, Candidate: "candidate:1 1 udp 1686052607 192.0.2.7 50001 typ srflx raddr 0.0.0.0 rport 9", Mid: "0",
		Ufrag: "abcd", Means: MeansPredicted,
	}},
	"candidate_end": {Envelope{Type: TypeCandidate, Seq: 4, Session: goldenSession}, &Candidate{Revision: 1}},
	"path": {Envelope{Type: TypePath, Seq: 5, Session: goldenSession}, &Path{
		Kind: PathDirect, Means: MeansICE, Local: "host", Remote: "prflx", Protocol: "udp", RTTMS: 12.5, AfterMS: 140, Pairs: 6,
	}},
	"extend": {Envelope{Type: TypeExtend, Seq: 6, ID: 2, Session: goldenSession}, &Extend{Token: "eyJ.eyJ.sig"}},
	"reply":  {Envelope{Type: TypeReply, Seq: 3, Re: 2, Session: goldenSession}, &Reply{Expires: goldenExpires}},
	"close":  {Envelope{Type: TypeClose, Seq: 7, Session: goldenSession}, &Close{Reason: ReasonViewerLeft}},
	"closed": {Envelope{Type: TypeClosed, Seq: 8, Session: goldenSession}, &Closed{Reason: ReasonClosedByAPI}},
	"sync": {Envelope{Type: TypeSync, Seq: 1, Session: goldenSession}, &Sync{
		Revision: 1, Description: &Describe{Revision: 1, Kind: DescribeOffer, SDP: goldenOffer.SDP},
		Candidates:   []Candidate{{Revision: 1, Candidate: "candidate:1 1 udp 2130706431 192.0.2.7 50000 typ host", Mid: "0"}},
		Path:         &Path{Kind: PathDirect, Means: "ice", Local: "host", Remote: "host", Protocol: "udp"},
		ICEConnected: true, Owner: goldenOwner,
	}},
	"sync_last": {Envelope{Type: TypeSync, Seq: 2}, &Sync{Last: true}},
	"event":     {Envelope{Type: TypeEvent}, &Event{Event: 41, Kind: "device.online", At: goldenNow, Device: "dev_1"}},
	"gap":       {Envelope{Type: TypeGap}, &Gap{From: 42, To: 57}},
	"stats":     {Envelope{Type: TypeStats, Session: goldenSession}, &Stats{FPS: 30, BitrateKbps: 2100, RTTMS: 12.5, Lost: 3}},
	"network_device": {Envelope{Type: TypeNetwork}, &Network{
		Mapping: NATEndpointIndependent, Filtering: NATAddressAndPort, PortPreserved: true, IPv6: true,
		PortMapping: PortMappingPCP, TCP: true,
	}},
	"network_viewer": {Envelope{Type: TypeNetwork, Session: goldenSession}, &Network{Mapping: NATAddressAndPort, PortStep: 1}},
	"stats_device": {Envelope{Type: TypeStats, Session: goldenSession}, &Stats{
		Media: true, Bytes: 1_500_000, Packets: 1400, Frames: 300, FPS: 30, BitrateKbps: 1200, Retransmitted: 12, KeyframeRequests: 1,
		Dropped: 4, EstimateKbps: 2400, Rendition: RenditionSub, DirectS: 9.5, RelayS: 0.5, Last: true,
		Milestones: &Milestones{OfferMS: 1, AnswerMS: 14.5, ICEMS: 50, DTLSMS: 71, KeyframeMS: 90.25},
	}},
	"capture": {Envelope{Type: TypeCapture}, &Capture{Request: goldenOwner}},
	"stats_media": {Envelope{Type: TypeStats, Session: goldenSession}, &Stats{
		Media: true, Bytes: 1 << 20, Packets: 900, Frames: 600,
	}},
}

var ignorePrivate = cmpopts.IgnoreUnexported(Envelope{}, Error{})

func TestEveryTypeHasAGoldenMessage(t *testing.T) {
	seen := map[Type]bool{}
	for _, g := range golden {
		seen[g.envelope.Type] = true
	}
	for _, typ := range Types() {
		if !seen[typ] {
			t.Errorf("no golden message of type %q", typ)
		}
	}
}

func TestGoldenMessagesReadAndWriteTheSame(t *testing.T) {
	for name, g := range golden {
		t.Run(name, func(t *testing.T) {
			envelope := g.envelope
			if g.body != nil {
				full := Must(envelope.Type, envelope.Session, g.body)
				envelope.Data = full.Data
			}
			compact, err := envelope.Encode()
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", name+".json")
			if *update {
				write(t, file, compact)
			}
			want, err := os.ReadFile(file) //nolint:gosec // names come from this file
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(compacted(t, want), string(compact)); diff != "" {
				t.Errorf("encoding differs from %s (-want +got):\n%s", file, diff)
			}
			got, body, err := Decode(want)
			if err != nil {
				t.Fatalf("decode: %v", err)
			}
			if len(got.Data) > 0 {
				got.Data = []byte(compacted(t, got.Data))
			}
			if diff := cmp.Diff(envelope, got, ignorePrivate); diff != "" {
				t.Errorf("envelope (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(g.body, body, ignorePrivate); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTestdataHoldsNoStrayFile(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(golden) {
		t.Errorf("testdata has %d messages, this file has %d", len(files), len(golden))
	}
}
