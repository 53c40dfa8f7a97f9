package peer

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	pionmedia "github.com/pion/webrtc/v4/pkg/media"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
)

var pcmu = media.AudioFormat{Codec: media.CodecPCMU, ClockRate: 8000, Channels: 1}

// speaker is a loudspeaker that notes what it is to play.
type speaker struct {
	format media.AudioFormat

	mu     sync.Mutex // guards all below
	opened int
	open   bool
	broken error
	frames []media.AudioFrame
}

func (s *speaker) talk(context.Context) (Mouth, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open {
		return nil, protocol.Errorf(protocol.CodeBusy, "somebody talks already")
	}
	s.open = true
	s.opened++
	return s, nil
}

func (s *speaker) Format() media.AudioFormat { return s.format }

func (s *speaker) Write(f media.AudioFrame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frames = append(s.frames, f)
	return s.broken
}

func (s *speaker) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = false
	return nil
}

func (s *speaker) isOpen() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

func (s *speaker) played() []media.AudioFrame {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.frames)
}

func newEar(takes media.Codec) (*ear, *atomic.Bool) {
	held := &atomic.Bool{}
	return &ear{
		codec: webrtc.RTPCodecParameters{
			PayloadType: 0, RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: "audio/" + string(takes), ClockRate: 8000},
		},
		held: held, log: slog.New(slog.DiscardHandler),
	}, held
}

// sound is the n-th packet of a viewer who talks.
func sound(t *testing.T, n int, change ...func(*rtp.Packet)) []byte {
	t.Helper()
	p := &rtp.Packet{
		Header:  rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: uint32(n) * 160, SSRC: 7},
		Payload: bytes.Repeat([]byte{0x55}, 160),
	}
	for _, c := range change {
		c(p)
	}
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestViewerIsHeardOnlyWhileItTalks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := newEar(media.CodecPCMU)
		s := &speaker{format: pcmu}
		e.take(sound(t, 1), time.Now())
		if err := e.begin(t.Context(), s.talk); err != nil {
			t.Fatal(err)
		}
		var watching sync.WaitGroup
		watching.Go(func() { e.watch(t.Context()) })
		for n := range 5 {
			e.take(sound(t, n), time.Now())
			time.Sleep(20 * time.Millisecond)
		}
		e.end()
		e.take(sound(t, 6), time.Now())
		watching.Wait()
		if got := s.played(); len(got) != 5 || got[4].PTS != 80*time.Millisecond {
			t.Errorf("got %d frames, want the five of the talk", len(got))
		}
		if s.isOpen() || s.opened != 1 {
			t.Errorf("loudspeaker: open %t, opened %d times, want closed after once", s.isOpen(), s.opened)
		}
	})
}

func TestTalkEnds(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, e *ear, s *speaker, held *atomic.Bool, cancel func()){
		"when nothing comes": func(t *testing.T, e *ear, _ *speaker, _ *atomic.Bool, _ func()) {
			time.Sleep(2 * time.Second)
			if !e.talking() {
				t.Error("the talk ended after two seconds of silence")
			}
			e.take(sound(t, 1), time.Now())
			time.Sleep(2 * time.Second)
			if !e.talking() {
				t.Error("the talk ended although something came")
			}
			time.Sleep(quietTime)
		},
		"when the path is not allowed": func(_ *testing.T, _ *ear, _ *speaker, held *atomic.Bool, _ func()) {
			held.Store(true)
			time.Sleep(talkCheck)
		},
		"with the channel": func(_ *testing.T, _ *ear, _ *speaker, _ *atomic.Bool, cancel func()) { cancel() },
		"with the loudspeaker": func(t *testing.T, e *ear, s *speaker, _ *atomic.Bool, _ func()) {
			s.mu.Lock()
			s.broken = errors.New("broken")
			s.mu.Unlock()
			e.take(sound(t, 1), time.Now())
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, held := newEar(media.CodecPCMU)
				s := &speaker{format: pcmu}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if err := e.begin(ctx, s.talk); err != nil {
					t.Fatal(err)
				}
				var watching sync.WaitGroup
				watching.Go(func() { e.watch(ctx) })
				end(t, e, s, held, cancel)
				watching.Wait()
				if e.talking() || s.isOpen() {
					t.Errorf("talking %t, loudspeaker open %t", e.talking(), s.isOpen())
				}
			})
		})
	}
}

func TestWhatIsNoSoundIsNotPlayed(t *testing.T) {
	e, _ := newEar(media.CodecPCMU)
	s := &speaker{format: pcmu}
	if err := e.begin(t.Context(), s.talk); err != nil {
		t.Fatal(err)
	}
	defer e.end()
	now := time.Now()
	for _, packet := range [][]byte{
		nil,
		{1, 2, 3},
		bytes.Repeat([]byte{0xff}, 1000),
		sound(t, 1, func(p *rtp.Packet) { p.PayloadType = 96 }), sound(t, 2, func(p *rtp.Packet) { p.Payload = nil }),
	} {
		e.take(packet, now)
	}
	if got := len(s.played()); got != 0 {
		t.Errorf("got %d frames, want none", got)
	}
	for n := range 10_000 {
		e.take(sound(t, n), now)
	}
	if got := len(s.played()); got > talkBurst {
		t.Errorf("a flood: got %d frames at once, want %d at most", got, talkBurst)
	}
}

func TestTalkIsMadeWhatTheLoudspeakerTakes(t *testing.T) {
	e, _ := newEar(media.CodecPCMA)
	s := &speaker{format: pcmu}
	if err := e.begin(t.Context(), s.talk); err != nil {
		t.Fatal(err)
	}
	e.take(sound(t, 1, func(p *rtp.Packet) { p.Payload = []byte{0xd5} }), time.Now()) // A-law's least positive value
	e.end()
	if got := s.played(); len(got) != 1 || len(got[0].Payload) != 1 || got[0].Payload[0]&0xf0 != 0xf0 {
		t.Errorf("got %v, want silence in mu-law", got)
	}
	s.format = media.AudioFormat{Codec: media.CodecOpus, ClockRate: 48000, Channels: 2}
	if err := e.begin(t.Context(), s.talk); !errors.Is(err, protocol.Errorf(protocol.CodeCodec, "")) {
		t.Errorf("Opus: got %v, want codec", err)
	}
	if s.isOpen() {
		t.Error("the loudspeaker stays open")
	}
}

// microphone is the viewer's section for talking, as the page makes it, with a track in it from the beginning.
func (v *viewer) microphone() (*webrtc.TrackLocalStaticSample, *webrtc.RTPSender) {
	v.t.Helper()
	track, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMU}, "mic", "mic")
	if err != nil {
		v.t.Fatal(err)
	}
	transceiver, err := v.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		v.t.Fatal(err)
	}
	return track, transceiver.Sender()
}

// speakTo lets a camera be talked to.
func (c *camera) speakTo(s *speaker, formats ...media.AudioFormat) {
	c.speaker, c.talks = s, formats
}

func TestViewerTalksToTheCamera(t *testing.T) {
	cam, s := newCamera(), &speaker{format: pcmu}
	cam.speakTo(s, pcmu)
	v := newViewer(t, viewing{audio: true})
	track, sender := v.microphone()
	session := open(t, newHost(t), v, func(o *Options) {
		o.Controls, o.Grants = cam, append(slices.Clone(everything), protocol.RightAudio)
		o.Media = protocol.Media{Video: true, Audio: true, Talk: true}
	})
	l := v.dial(protocol.ControlLabel, nil)
	session.mustOffer(nil)
	session.until("an answer", func() bool { return len(session.describes) > 0 })
	if got := strings.Count(session.describes[0].SDP, "a=recvonly"); got != 1 {
		t.Errorf("sections that the camera receives in: got %d, want the one\n%s", got, session.describes[0].SDP)
	}
	l.until("a status", func() bool { return len(l.got) > 0 })
	if _, body, err := protocol.DecodeControl(l.got[0].data); err != nil || !body.(*protocol.Camera).Talk {
		t.Errorf("status: got %s, want one that allows to talk", l.got[0].data)
	}
	stop := make(chan struct{})
	var talking sync.WaitGroup
	talking.Go(func() {
		ticks := time.NewTicker(20 * time.Millisecond)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				_ = track.WriteSample(pionmedia.Sample{Data: bytes.Repeat([]byte{0x55}, 160), Duration: 20 * time.Millisecond})
			case <-stop:
				return
			}
		}
	})
	defer talking.Wait()
	defer close(stop)
	v.sees(webrtc.RTPCodecTypeAudio, 10)
	if s.isOpen() {
		t.Error("the loudspeaker is open before anybody talks")
	}
	l.say(`{"type":"talk","id":1,"data":{"on":true}}`)
	if c, body := l.answered(1); c.Type != protocol.ControlOK {
		t.Fatalf("talk: got %s %v, want ok", c.Type, body)
	}
	settled(t, "frames to be played", func() int { return 20 - len(s.played()) })
	for told := 0; told == 0; { // how its sound arrives
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			t.Fatalf("reports: %v", err)
		}
		told += len(packets)
	}
	l.say(`{"type":"talk","id":2,"data":{"on":false}}`)
	if c, _ := l.answered(2); c.Type != protocol.ControlOK || s.isOpen() {
		t.Errorf("the end of the talk: got %s, loudspeaker open %t", c.Type, s.isOpen())
	}
	session.mustOffer(&webrtc.OfferOptions{ICERestart: true})
	session.until("another answer", func() bool {
		return len(session.describes) > 1 && strings.Count(session.describes[len(session.describes)-1].SDP, "a=recvonly") == 1
	})
	l.say(`{"type":"talk","id":3,"data":{"on":true}}`)
	l.answered(3)
	before := len(s.played())
	settled(t, "frames to be played after an ICE restart", func() int { return before + 5 - len(s.played()) })
	session.peer.Close(protocol.ReasonViewerLeft)
	if s.isOpen() {
		t.Error("the loudspeaker is open after the session")
	}
}

func TestSoundAndTalkHaveEachTheirFormat(t *testing.T) {
	cam, stream := newCamera(), newStream(t)
	stream.Restarted(&media.AudioFormat{Codec: media.CodecOpus, ClockRate: 48000, Channels: 2})
	cam.speakTo(&speaker{format: pcmu}, pcmu)
	v := newViewer(t, viewing{audio: true})
	v.microphone()
	s := open(t, newHost(t), v, func(o *Options) {
		o.Controls, o.Grants = cam, append(slices.Clone(everything), protocol.RightAudio)
		o.Media.Audio = true
		o.Camera = cameraOf(stream)
	})
	s.mustOffer(nil)
	s.until("an answer", func() bool { return len(s.describes) > 0 })
	var got []string
	for line := range strings.Lines(s.describes[0].SDP) {
		if strings.HasPrefix(line, "m=audio") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	want := []string{"m=audio 9 UDP/TLS/RTP/SAVPF 111", "m=audio 9 UDP/TLS/RTP/SAVPF 0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sections (-want +got):\n%s", diff)
	}
}

func TestTalkThatIsNotToBe(t *testing.T) {
	for name, test := range map[string]struct {
		grants []protocol.Right
		talks  []media.AudioFormat
		want   protocol.Code
	}{
		"without the right":          {[]protocol.Right{protocol.RightView}, []media.AudioFormat{pcmu}, protocol.CodeForbidden},
		"without a loudspeaker":      {everything, nil, protocol.CodeNotFound},
		"in what browsers do not do": {everything, []media.AudioFormat{{Codec: media.CodecL16, ClockRate: 8000, Channels: 1}}, protocol.CodeNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			cam := newCamera()
			cam.speakTo(&speaker{format: pcmu}, test.talks...)
			v := newViewer(t, viewing{audio: true})
			v.microphone()
			s := open(t, newHost(t), v, func(o *Options) {
				o.Controls, o.Grants = cam, append(slices.Clone(test.grants), protocol.RightAudio)
				o.Media.Audio = true
			})
			l := v.dial(protocol.ControlLabel, nil)
			s.mustOffer(nil)
			s.until("an answer", func() bool { return len(s.describes) > 0 })
			if strings.Contains(s.describes[0].SDP, "a=recvonly") {
				t.Errorf("the camera would hear the viewer:\n%s", s.describes[0].SDP)
			}
			l.until("a status", func() bool { return len(l.got) > 0 })
			if _, body, _ := protocol.DecodeControl(l.got[0].data); body.(*protocol.Camera).Talk {
				t.Errorf("status: got %s, want one that does not allow to talk", l.got[0].data)
			}
			l.say(`{"type":"talk","id":1,"data":{"on":true}}`)
			if _, body := l.answered(1); body.(*protocol.Error).Code != test.want {
				t.Errorf("talk: got %v, want %s", body, test.want)
			}
		})
	}
}

func TestSecondTalkerIsBusyUntilTheFirstHasEnded(t *testing.T) {
	cam, s := newCamera(), &speaker{format: pcmu}
	cam.speakTo(s, pcmu)
	host := newHost(t)
	var lines []*line
	for range 2 {
		v := newViewer(t, viewing{})
		v.microphone()
		session := open(t, host, v, func(o *Options) { o.Controls, o.Grants = cam, everything })
		lines = append(lines, v.dial(protocol.ControlLabel, nil))
		session.mustOffer(nil)
	}
	say := func(n int, id uint64, on string, want protocol.ControlType) {
		t.Helper()
		lines[n].until("a status", func() bool { return len(lines[n].got) > 0 })
		lines[n].say(`{"type":"talk","id":` + string(rune('0'+id)) + `,"data":{"on":` + on + `}}`)
		if c, body := lines[n].answered(id); c.Type != want {
			t.Errorf("viewer %d says %s: got %s %v, want %s", n, on, c.Type, body, want)
		}
	}
	say(0, 1, "true", protocol.ControlOK)
	say(0, 2, "true", protocol.ControlOK) // it talks already
	say(1, 1, "true", protocol.ControlError)
	say(0, 3, "false", protocol.ControlOK)
	say(1, 2, "true", protocol.ControlOK)
}
