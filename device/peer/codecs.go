package peer

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
)

// videoFeedback is what the device understands from a viewer: congestion feedback, lost packets, and wishes for a
// keyframe (RFC 4585, RFC 5104).
var videoFeedback = []webrtc.RTCPFeedback{
	{Type: webrtc.TypeRTCPFBTransportCC},
	{Type: webrtc.TypeRTCPFBNACK},
	{Type: webrtc.TypeRTCPFBNACK, Parameter: "pli"},
	{Type: webrtc.TypeRTCPFBCCM, Parameter: "fir"},
}

// offered lists the video formats of the offer that a camera can have, in the viewer's order of preference.
func (o *offer) offered() []media.Offered {
	section := o.section("video")
	if section == nil {
		return nil
	}
	var list []media.Offered
	for _, f := range formats(section) {
		name, clock, _ := strings.Cut(f.encoding, "/")
		if clock != strconv.Itoa(media.VideoClockRate) {
			continue
		}
		if offered, err := media.ParseOffered(f.payloadType, name, f.fmtp); err == nil {
			list = append(list, offered)
		}
	}
	return list
}

// chooseVideo takes all video formats out of the offer but the one that was agreed on and its RTX (RFC 4588).
func (o *offer) chooseVideo(agreed media.Agreement) []webrtc.RTPCodecParameters {
	section := o.section("video")
	all := formats(section)
	codecs := []webrtc.RTPCodecParameters{{
		PayloadType: webrtc.PayloadType(agreed.PayloadType),
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: "video/" + string(agreed.Codec), ClockRate: media.VideoClockRate,
			SDPFmtpLine: fmtpOf(all, agreed.PayloadType), RTCPFeedback: videoFeedback,
		},
	}}
	types := []uint8{agreed.PayloadType}
	if rtx, ok := rtxOf(all, agreed.PayloadType); ok {
		types = append(types, rtx.payloadType)
		codecs = append(codecs, webrtc.RTPCodecParameters{
			PayloadType: webrtc.PayloadType(rtx.payloadType),
			RTPCodecCapability: webrtc.RTPCodecCapability{
				MimeType: webrtc.MimeTypeRTX, ClockRate: media.VideoClockRate, SDPFmtpLine: rtx.fmtp,
			},
		})
	}
	keep(section, types...)
	return codecs
}

// rtxOf returns the format of retransmissions of another.
func rtxOf(all []format, payloadType uint8) (format, bool) {
	i := slices.IndexFunc(all, func(f format) bool {
		return strings.EqualFold(f.encoding, "rtx/90000") && f.fmtp == "apt="+strconv.Itoa(int(payloadType))
	})
	if i < 0 {
		return format{}, false
	}
	return all[i], true
}

// retain takes everything out of a later offer but the formats that a track was first answered with. It fails with
// CodeCodec when the viewer has them no more.
func (o *offer) retain(t *track) error {
	section := o.section(t.kind.String())
	main := uint8(t.codec.PayloadType)
	if section == nil || !slices.Contains(section.MediaName.Formats, strconv.Itoa(int(main))) {
		return protocol.Errorf(protocol.CodeCodec, "the new offer lacks the %s format that the session has", t.kind)
	}
	types := []uint8{main}
	if rtx, ok := rtxOf(formats(section), main); ok {
		types = append(types, rtx.payloadType)
	}
	keep(section, types...)
	return nil
}

func fmtpOf(all []format, payloadType uint8) string {
	for _, f := range all {
		if f.payloadType == payloadType {
			return f.fmtp
		}
	}
	return ""
}

// chooseAudio picks the format of the stream's sound and takes all others out of the offer. False means that the
// viewer does not take it, which is no fault: the picture goes without.
func (o *offer) chooseAudio(sound media.AudioFormat) (webrtc.RTPCodecParameters, bool) {
	section := o.section("audio")
	if section == nil {
		return webrtc.RTPCodecParameters{}, false
	}
	want := string(sound.Codec) + "/" + strconv.Itoa(int(sound.ClockRate))
	channels := uint16(0)
	if sound.Codec == media.CodecOpus {
		want, channels = "opus/48000/2", 2 // whatever it carries (RFC 7587 section 7)
	}
	for _, f := range formats(section) {
		if !strings.EqualFold(strings.TrimSuffix(f.encoding, "/1"), want) {
			continue
		}
		keep(section, f.payloadType)
		return webrtc.RTPCodecParameters{
			PayloadType: webrtc.PayloadType(f.payloadType),
			RTPCodecCapability: webrtc.RTPCodecCapability{
				MimeType: "audio/" + string(sound.Codec), ClockRate: sound.ClockRate, Channels: channels, SDPFmtpLine: f.fmtp,
				RTCPFeedback: []webrtc.RTCPFeedback{{Type: webrtc.TypeRTCPFBTransportCC}},
			},
		}, true
	}
	return webrtc.RTPCodecParameters{}, false
}
