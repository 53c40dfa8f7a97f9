package peer

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
)

// hevcPicture reads the first access unit of an H.265 clip.
func hevcPicture(t *testing.T) media.AccessUnit {
	t.Helper()
	f, err := os.Open("../media/testdata/closed.h265")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	nalus, err := media.NewAccessUnitReader(media.CodecH265, f).Next()
	if err != nil {
		t.Fatal(err)
	}
	return media.AccessUnit{Codec: media.CodecH265, NALUs: nalus, Key: true}
}

// onlyH264 is a viewer that decodes Constrained Baseline.
func onlyH264(engine *webrtc.MediaEngine) error {
	return engine.RegisterCodec(webrtc.RTPCodecParameters{
		PayloadType: 102,
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeH264, ClockRate: 90000, SDPFmtpLine: "packetization-mode=1;profile-level-id=42e01f",
		},
	}, webrtc.RTPCodecTypeVideo)
}

// twoStreams is a camera whose best rendition is H.265 and whose other is H.264.
func twoStreams(t *testing.T) media.Camera {
	t.Helper()
	camera := cameraOf(media.NewStream(media.Config{}))
	camera.Renditions[0].Stream.WriteVideo(hevcPicture(t))
	camera.Renditions = append(camera.Renditions, media.Rendition{Name: protocol.RenditionSub, Stream: newStream(t)})
	return camera
}

func TestViewerWithoutH265GetsTheOtherRendition(t *testing.T) {
	v := newViewer(t, viewing{codecs: onlyH264})
	s := open(t, newHost(t), v, func(o *Options) { o.Camera = twoStreams(t) })
	s.mustOffer(nil)
	v.sees(webrtc.RTPCodecTypeVideo, 5)
	picture := s.peer.Picture()
	if picture.Rendition != protocol.RenditionSub || !slices.Equal(picture.Renditions, []protocol.RenditionName{protocol.RenditionSub}) {
		t.Errorf("picture: got %+v, want sub alone", picture)
	}
	if err := s.peer.Choose(protocol.Choice{Rendition: protocol.RenditionMain}); !errors.Is(err, &protocol.Error{Code: protocol.CodeNotFound}) {
		t.Errorf("choose main: got %v, want not_found", err)
	}
	notes := s.peer.leftOut()
	if len(notes) != 1 || notes[0].Code != protocol.NoteVideoLeftOut || !strings.Contains(notes[0].Message, "main stream is H.265 Main level 1.0") {
		t.Errorf("notes: got %+v, want one about main", notes)
	}
}

func TestRefusalNamesTheCodecsOfBothSides(t *testing.T) {
	v := newViewer(t, viewing{codecs: onlyH264})
	camera := twoStreams(t)
	camera.Renditions = camera.Renditions[:1]
	s := open(t, newHost(t), v, func(o *Options) { o.Camera = camera })
	err := s.offer(nil)
	if !errors.Is(err, &protocol.Error{Code: protocol.CodeCodec}) || !strings.Contains(err.Error(), "H.265 Main level 1.0") ||
		!strings.Contains(err.Error(), "H.264 Constrained Baseline (42e01f)") {
		t.Errorf("offer: got %v, want a codec refusal that names both", err)
	}
}

func TestBestRenditionIsNotWaitedForWhenItIsKnownToFit(t *testing.T) {
	v := newViewer(t, viewing{})
	camera := cameraOf(newStream(t))
	camera.Renditions = append(camera.Renditions, media.Rendition{Name: protocol.RenditionSub, Stream: media.NewStream(media.Config{})})
	s := open(t, newHost(t, func(c *Config) { c.FormatTimeout = time.Hour }), v, func(o *Options) { o.Camera = camera })
	s.mustOffer(nil)
	v.sees(webrtc.RTPCodecTypeVideo, 1)
	if got := s.peer.Picture().Renditions; !slices.Equal(got, []protocol.RenditionName{protocol.RenditionMain}) {
		t.Errorf("renditions while sub is not known: got %v, want main", got)
	}
	writePicture(camera.Renditions[1].Stream, 0)
	if got := s.peer.Picture().Renditions; len(got) != 2 {
		t.Errorf("renditions when sub is known: got %v, want both", got)
	}
}

func TestSessionEndsWhenThePictureIsOneThatWasNotAgreedOn(t *testing.T) {
	v := newViewer(t, viewing{codecs: onlyH264})
	stream := media.NewStream(media.Config{})
	writePicture(stream, 0)
	s := open(t, newHost(t), v, func(o *Options) { o.Camera = cameraOf(stream) })
	s.mustOffer(nil)
	v.sees(webrtc.RTPCodecTypeVideo, 1)
	stream.WriteVideo(hevcPicture(t))
	s.until("the end", func() bool { return len(s.closed) > 0 })
	if s.closed[0] != protocol.ReasonDeviceLeft {
		t.Errorf("reason: got %s, want one at which the viewer comes back", s.closed[0])
	}
}
