package peer

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
)

func TestPictureReachesTheViewer(t *testing.T) {
	v := newViewer(t, viewing{})
	s := open(t, newHost(t), v)
	s.mustOffer(nil)
	v.sees(webrtc.RTPCodecTypeVideo, 50)
	s.until("a path", func() bool { return len(s.paths) > 0 })
	if got := s.paths[0]; got.Kind != protocol.PathDirect || got.Means != "ice" || got.Protocol != "udp" {
		t.Errorf("path: got %+v, want a direct one by ice over udp", got)
	}
	s.until("stats", func() bool { return len(s.stats) > 1 })
	got := s.stats[len(s.stats)-1]
	if !got.Media || got.Packets == 0 || got.Bytes == 0 || got.Frames == 0 || got.BitrateKbps == 0 {
		t.Errorf("stats: got %+v, want figures of a flowing picture", got)
	}
	state := s.peer.State()
	if !state.ICEConnected || state.Revision != 1 || state.Path == nil || state.Description == nil ||
		state.Description.Kind != protocol.DescribeAnswer || len(state.Candidates) == 0 {
		t.Errorf("state: got %+v, want that of a connected session", state)
	}
}

func TestSoundNeedsItsRight(t *testing.T) {
	host := newHost(t)
	for name, grants := range map[string][]protocol.Right{
		"granted": {protocol.RightView, protocol.RightAudio},
		"refused": {protocol.RightView},
	} {
		t.Run(name, func(t *testing.T) {
			v := newViewer(t, viewing{audio: true})
			s := open(t, host, v, func(o *Options) {
				o.Grants, o.Media = grants, protocol.Media{Video: true, Audio: true}
			})
			s.mustOffer(nil)
			v.sees(webrtc.RTPCodecTypeVideo, 10)
			want := slices.Contains(grants, protocol.RightAudio)
			if want {
				v.sees(webrtc.RTPCodecTypeAudio, 10)
			}
			audio := section(t, s.describes[0].SDP, "audio")
			if got := audio.MediaName.Port.Value != 0; got != want {
				t.Errorf("audio section accepted: got %v, want %v", got, want)
			}
			if got := strings.Join(audio.MediaName.Formats, " "); want && got != "0" {
				t.Errorf("audio formats: got %s, want 0 alone", got)
			}
		})
	}
}

func TestAnswerHasOneCodecAndItsRTX(t *testing.T) {
	v := newViewer(t, viewing{})
	s := open(t, newHost(t), v, func(o *Options) { o.Trickle = false }) // candidates are in the answer, however slow the machine
	s.mustOffer(nil)
	s.until("an answer", func() bool { return len(s.describes) > 0 })
	d := s.describes[0]
	if d.Kind != protocol.DescribeAnswer || d.Revision != 1 {
		t.Errorf("describe: got %s of revision %d, want the answer of revision 1", d.Kind, d.Revision)
	}
	video := section(t, d.SDP, "video")
	// The viewer's payload types for High and its RTX.
	if got, want := strings.Join(video.MediaName.Formats, " "), "112 113"; got != want {
		t.Errorf("formats: got %s, want %s", got, want)
	}
	for _, want := range []string{
		"a=rtcp-fb:112 nack\r\n", "a=rtcp-fb:112 nack pli\r\n", "a=rtcp-fb:112 transport-cc\r\n", "a=rtcp-fb:112 ccm fir\r\n",
		"a=fmtp:112 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=64001f\r\n", "a=fmtp:113 apt=112\r\n",
		"a=sendonly\r\n", "a=ssrc-group:FID ", "a=candidate:", sdp.TransportCCURI,
	} {
		if !strings.Contains(d.SDP, want) {
			t.Errorf("answer lacks %q:\n%s", want, d.SDP)
		}
	}
	if got := strings.Count(d.SDP, "H264/90000"); got != 1 {
		t.Errorf("H.264 formats in the answer: got %d, want 1", got)
	}
}

func TestViewerWithoutH264IsRefused(t *testing.T) {
	v := newViewer(t, viewing{codecs: func(e *webrtc.MediaEngine) error {
		return e.RegisterCodec(webrtc.RTPCodecParameters{
			PayloadType:        96,
			RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000},
		}, webrtc.RTPCodecTypeVideo)
	}})
	s := open(t, newHost(t), v)
	if err := s.offer(nil); !errors.Is(err, &protocol.Error{Code: protocol.CodeCodec}) {
		t.Errorf("offer without H.264: got %v, want a codec error", err)
	}
}

func TestOfferThatIsNoneIsRefused(t *testing.T) {
	host := newHost(t)
	s := open(t, host, nil)
	bad := &protocol.Error{Code: protocol.CodeBadMessage}
	for _, text := range []string{"", "v=0", "\r\n", "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"} {
		if err := s.peer.Offer(t.Context(), protocol.Offer{Revision: 1, SDP: text}); !errors.Is(err, bad) {
			t.Errorf("offer %q: got %v, want a bad message", text, err)
		}
	}
	v := newViewer(t, viewing{})
	s.viewer, v.session = v, s
	s.mustOffer(nil) // revision 1 was never taken
	v.sees(webrtc.RTPCodecTypeVideo, 1)
}

func TestViewerWithoutRightsIsRefused(t *testing.T) {
	v := newViewer(t, viewing{})
	s := open(t, newHost(t), v, func(o *Options) { o.Grants = nil })
	if err := s.offer(nil); !errors.Is(err, &protocol.Error{Code: protocol.CodeForbidden}) {
		t.Errorf("offer without rights: got %v, want forbidden", err)
	}
}

func TestStreamWithoutAPictureIsAnsweredForTheProfileThatCoversMost(t *testing.T) {
	v := newViewer(t, viewing{})
	stream := media.NewStream(media.Config{})
	s := open(t, newHost(t, func(c *Config) { c.FormatTimeout = time.Millisecond }), v,
		func(o *Options) { o.Camera = cameraOf(stream) })
	s.mustOffer(nil)
	s.until("an answer", func() bool { return len(s.describes) > 0 })
	if got := s.describes[0].SDP; !strings.Contains(got, "profile-level-id=64001f") {
		t.Errorf("answer for no picture: want 64001f in\n%s", got)
	}
	s.until("a connection", func() bool { return len(s.paths) > 0 })
	writePicture(stream, 0)
	v.sees(webrtc.RTPCodecTypeVideo, 1)
}

func TestAnswerIsWholeForAViewerThatDoesNotTrickle(t *testing.T) {
	v := newViewer(t, viewing{silent: true})
	done := webrtc.GatheringCompletePromise(v.pc)
	s := open(t, newHost(t), v, func(o *Options) { o.Trickle = false })
	offer := v.offer(nil)
	<-done
	offer.SDP = v.pc.LocalDescription().SDP
	if err := s.peer.Offer(t.Context(), offer); err != nil {
		t.Fatalf("offer: %v", err)
	}
	v.sees(webrtc.RTPCodecTypeVideo, 1)
	if got := s.describes[0].SDP; !strings.Contains(got, "a=candidate:") || !strings.Contains(got, "a=end-of-candidates") {
		t.Errorf("answer: want candidates and their end in\n%s", got)
	}
	if len(s.candidates) != 0 {
		t.Errorf("candidates after the answer: got %v, want none", s.candidates)
	}
}

func TestOldRevisionsAreDropped(t *testing.T) {
	v := newViewer(t, viewing{})
	s := open(t, newHost(t), v)
	s.mustOffer(nil)
	v.sees(webrtc.RTPCodecTypeVideo, 1)
	offer := protocol.Offer{Revision: 1, SDP: v.pc.LocalDescription().SDP}
	if err := s.peer.Offer(t.Context(), offer); err != nil {
		t.Errorf("the same offer again: got %v, want nil", err)
	}
	if err := s.peer.Candidate(protocol.Candidate{Revision: 0, Candidate: "candidate:nonsense"}); err != nil {
		t.Errorf("candidate of an old revision: got %v, want nil", err)
	}
	s.mustOffer(nil)
	s.until("the second answer", func() bool { return len(s.describes) == 2 })
	if got := s.describes[1].Revision; got != 2 {
		t.Errorf("second answer: got revision %d, want 2", got)
	}
}

func TestICERestartKeepsThePicture(t *testing.T) {
	v := newViewer(t, viewing{})
	s := open(t, newHost(t), v)
	s.mustOffer(nil)
	v.sees(webrtc.RTPCodecTypeVideo, 10)
	s.mustOffer(&webrtc.OfferOptions{ICERestart: true})
	s.until("the second answer", func() bool { return len(s.describes) == 2 })
	if first, second := ufragOf(s.describes[0].SDP), ufragOf(s.describes[1].SDP); first == second {
		t.Errorf("ICE credentials after a restart: got %s again, want new ones", first)
	}
	v.sees(webrtc.RTPCodecTypeVideo, 50)
}

func TestCandidatesMayComeBeforeTheOffer(t *testing.T) {
	v := newViewer(t, viewing{silent: true})
	done := webrtc.GatheringCompletePromise(v.pc)
	s := open(t, newHost(t), v)
	offer := v.offer(nil)
	<-done
	text := v.pc.LocalDescription().SDP
	sent := 0
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "a=candidate:"); ok {
			sent++
			if err := s.peer.Candidate(protocol.Candidate{Revision: 1, Candidate: "candidate:" + value}); err != nil {
				t.Errorf("candidate: %v", err)
			}
		}
	}
	if sent == 0 {
		t.Fatal("the viewer has no candidates")
	}
	if err := s.peer.Offer(t.Context(), offer); err != nil {
		t.Fatalf("offer: %v", err)
	}
	v.sees(webrtc.RTPCodecTypeVideo, 1)
}

func TestSeveralViewersShareOnePort(t *testing.T) {
	host := newHost(t)
	stream := newStream(t)
	var sessions []*session
	var viewers []*viewer
	for range 3 {
		v := newViewer(t, viewing{})
		s := open(t, host, v, func(o *Options) { o.Camera = cameraOf(stream) })
		s.mustOffer(nil)
		sessions, viewers = append(sessions, s), append(viewers, v)
	}
	port := strconv.Itoa(int(host.mux.port.Addresses()[0].Port()))
	for i, v := range viewers {
		v.sees(webrtc.RTPCodecTypeVideo, 10)
		for _, line := range strings.Split(sessions[i].describes[0].SDP, "\n") {
			if strings.HasPrefix(line, "a=candidate:") && !strings.Contains(line, " "+port+" typ host") {
				t.Errorf("candidate %q: want the host's port %s", line, port)
			}
		}
	}
	sessions[0].peer.Close(protocol.ReasonClosedByAPI)
	if got, want := sessions[0].closed, []protocol.Reason{protocol.ReasonClosedByAPI}; !slices.Equal(got, want) {
		t.Errorf("closed: got %v, want %v", got, want)
	}
	for _, v := range viewers[1:] {
		v.sees(webrtc.RTPCodecTypeVideo, 50)
	}
}

func TestNothingIsSentAfterClose(t *testing.T) {
	v := newViewer(t, viewing{})
	s := open(t, newHost(t), v)
	s.mustOffer(nil)
	v.sees(webrtc.RTPCodecTypeVideo, 10)
	late := v.offer(nil)
	s.peer.Close(protocol.ReasonClosedByAPI)
	before := s.peer.meter.packets.Load()
	writePicture(s.peer.opt.Camera.Renditions[0].Stream, 25)
	if after := s.peer.meter.packets.Load(); after != before {
		t.Errorf("packets after close: got %d, want %d", after, before)
	}
	if err := s.peer.Offer(t.Context(), late); !errors.Is(err, ErrClosed) {
		t.Errorf("offer after close: got %v, want ErrClosed", err)
	}
	if err := s.peer.Candidate(protocol.Candidate{}); !errors.Is(err, ErrClosed) {
		t.Errorf("candidate after close: got %v, want ErrClosed", err)
	}
	s.peer.Close(protocol.ReasonRevoked)
	if got, want := s.closed, []protocol.Reason{protocol.ReasonClosedByAPI}; !slices.Equal(got, want) {
		t.Errorf("closed: got %v, want %v", got, want)
	}
}

func TestViewerThatLeavesEndsTheSession(t *testing.T) {
	v := newViewer(t, viewing{})
	s := open(t, newHost(t), v)
	s.mustOffer(nil)
	v.sees(webrtc.RTPCodecTypeVideo, 10)
	if err := v.pc.GracefulClose(); err != nil {
		t.Fatalf("close viewer: %v", err)
	}
	s.until("the end", func() bool { return slices.Equal(s.closed, []protocol.Reason{protocol.ReasonViewerLeft}) })
}

func TestLeaseEndsTheSession(t *testing.T) {
	v := newViewer(t, viewing{})
	s := open(t, newHost(t), v)
	s.mustOffer(nil)
	v.sees(webrtc.RTPCodecTypeVideo, 10)
	s.peer.SetPolicy(protocol.Policy{Path: protocol.PathPreferDirect, Expires: time.Now()})
	s.until("the end", func() bool { return slices.Equal(s.closed, []protocol.Reason{protocol.ReasonExpired}) })
}

func TestHostEndsItsSessions(t *testing.T) {
	host := newHost(t)
	v := newViewer(t, viewing{})
	s := open(t, host, v)
	s.mustOffer(nil)
	v.sees(webrtc.RTPCodecTypeVideo, 1)
	if err := host.Close(); err != nil {
		t.Fatalf("close host: %v", err)
	}
	if got, want := s.closed, []protocol.Reason{protocol.ReasonDeviceLeft}; !slices.Equal(got, want) {
		t.Errorf("closed: got %v, want %v", got, want)
	}
	if _, err := host.Open(Options{}); !errors.Is(err, ErrClosed) {
		t.Errorf("open after close: got %v, want ErrClosed", err)
	}
}

func TestOfferEndsWithItsContext(t *testing.T) {
	v := newViewer(t, viewing{})
	s := open(t, newHost(t), v, func(o *Options) { o.Camera = cameraOf(media.NewStream(media.Config{})) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.peer.Offer(ctx, v.offer(nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("offer with a done context: got %v, want canceled", err)
	}
}

func section(t *testing.T, text, kind string) *sdp.MediaDescription {
	t.Helper()
	var d sdp.SessionDescription
	if err := d.UnmarshalString(text); err != nil {
		t.Fatalf("read answer: %v", err)
	}
	for _, m := range d.MediaDescriptions {
		if m.MediaName.Media == kind {
			return m
		}
	}
	t.Fatalf("no %s section in\n%s", kind, text)
	return nil
}

func ufragOf(text string) string {
	_, after, _ := strings.Cut(text, "a=ice-ufrag:")
	ufrag, _, _ := strings.Cut(after, "\r\n")
	return ufrag
}
