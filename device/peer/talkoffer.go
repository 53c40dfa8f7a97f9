package peer

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
)

// anyTalk is what is answered for a camera that is not open yet, so that nobody knows what its loudspeaker takes: what every
// browser has and every other camera.
var anyTalk = []media.AudioFormat{{Codec: media.CodecPCMU, ClockRate: 8000, Channels: 1}}

// mouthpiece returns the section in which the viewer wants to send sound and to hear none, nil if there is none.
func (o *offer) mouthpiece() *sdp.MediaDescription {
	for _, m := range o.description.MediaDescriptions {
		if _, sends := m.Attribute("sendonly"); sends && m.MediaName.Media == "audio" {
			return m
		}
	}
	return nil
}

// chooseTalk picks the first of some formats that the viewer offers to send. False means that it offers none.
func (o *offer) chooseTalk(takes []media.AudioFormat) (webrtc.RTPCodecParameters, bool) {
	if o.talk == nil {
		return webrtc.RTPCodecParameters{}, false
	}
	offered := formats(o.talk)
	for _, f := range takes {
		mime, encoding, channels := "audio/"+string(f.Codec), string(f.Codec)+"/8000", uint16(0)
		if f.Codec == media.CodecOpus {
			encoding, channels = "opus/48000/2", 2 // whatever it carries (RFC 7587 section 7)
		}
		if f.Codec != media.CodecOpus && f.Codec != media.CodecPCMU && f.Codec != media.CodecPCMA {
			continue
		}
		at := slices.IndexFunc(offered, func(o format) bool {
			return strings.EqualFold(strings.TrimSuffix(o.encoding, "/1"), encoding)
		})
		if at >= 0 {
			return webrtc.RTPCodecParameters{
				PayloadType: webrtc.PayloadType(offered[at].payloadType),
				RTPCodecCapability: webrtc.RTPCodecCapability{
					MimeType: mime, ClockRate: f.ClockRate, Channels: channels, SDPFmtpLine: offered[at].fmtp,
					RTCPFeedback: []webrtc.RTCPFeedback{{Type: webrtc.TypeRTCPFBTransportCC}},
				},
			}, true
		}
	}
	return webrtc.RTPCodecParameters{}, false
}

// speak lets the viewer send in the one format.
func (o *offer) speak(codec webrtc.RTPCodecParameters) {
	keep(o.talk, uint8(codec.PayloadType))
	o.talk.Attributes = slices.DeleteFunc(o.talk.Attributes, func(a sdp.Attribute) bool { return a.Key == "inactive" })
	o.talk.Attributes = append(o.talk.Attributes, sdp.NewPropertyAttribute("sendonly"))
}

// respeak lets the viewer send as it did, in a later offer that still has the format.
func (o *offer) respeak(codec webrtc.RTPCodecParameters) {
	payloadType := strconv.Itoa(int(codec.PayloadType))
	if o.talk != nil && slices.Contains(o.talk.MediaName.Formats, payloadType) {
		o.speak(codec)
	}
}

// chooseEar decides whether the viewer's sound is taken, and in which format, and makes a peer connection able to.
func (p *Peer) chooseEar(o *offer, engine *webrtc.MediaEngine, registry *interceptor.Registry) (*ear, error) {
	if !slices.Contains(p.opt.Grants, protocol.RightTalk) {
		return nil, nil
	}
	takes := p.controls.TalkFormats()
	if len(takes) == 0 && p.controls.Status().Source != protocol.SourceUp {
		takes = anyTalk
	}
	codec, ok := o.chooseTalk(takes)
	if !ok {
		return nil, nil
	}
	o.speak(codec)
	e := &ear{codec: codec, held: &p.meter.held, log: p.log}
	if err := e.register(engine, registry, loggers{p.log}); err != nil {
		return nil, err
	}
	return e, nil
}

// register brings the codec, and the interceptors that tell the viewer how its sound arrives. A payload type that the
// offer uses for two things is not the camera's to sort out.
func (e *ear) register(engine *webrtc.MediaEngine, registry *interceptor.Registry, log loggers) error {
	err := errors.Join(
		engine.RegisterCodec(e.codec, webrtc.RTPCodecTypeAudio),
		engine.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: sdp.TransportCCURI}, webrtc.RTPCodecTypeAudio),
	)
	if err != nil {
		return protocol.Errorf(protocol.CodeBadMessage, "the offer's sections for sound do not fit each other").Because(err)
	}
	reports, err := report.NewReceiverInterceptor(report.WithReceiverLoggerFactory(log))
	if err != nil {
		return fmt.Errorf("make receiver reports: %w", err)
	}
	feedback, err := twcc.NewSenderInterceptor()
	if err != nil {
		return fmt.Errorf("make transport-wide feedback: %w", err)
	}
	registry.Add(reports)
	registry.Add(feedback)
	return nil
}
