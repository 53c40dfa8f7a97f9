package peer

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/g711"
	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
)

// conversion makes what the viewer sends into what the loudspeaker takes; nil where that is the same. It fails with CodeCodec
// where they have nothing in common, which is when the camera has changed since the answer was made.
func conversion(from webrtc.RTPCodecParameters, to media.AudioFormat) (func([]byte) []byte, error) {
	sent := media.Codec(from.MimeType[len("audio/"):])
	switch {
	case sent == to.Codec && from.ClockRate == to.ClockRate:
		return nil, nil
	case to.ClockRate == 8000 && from.ClockRate == 8000 && sent == media.CodecPCMU && to.Codec == media.CodecPCMA:
		return muLawToALaw, nil
	case to.ClockRate == 8000 && from.ClockRate == 8000 && sent == media.CodecPCMA && to.Codec == media.CodecPCMU:
		return aLawToMuLaw, nil
	}
	return nil, protocol.Errorf(protocol.CodeCodec, "the camera is talked to in %s now, and the session has %s", to.Codec, sent)
}

func muLawToALaw(b []byte) []byte {
	var samples g711.Mulaw
	samples.Unmarshal(b)
	out, _ := g711.Alaw(samples).Marshal() // fails for half a sample only
	return out
}

func aLawToMuLaw(b []byte) []byte {
	var samples g711.Alaw
	samples.Unmarshal(b)
	out, _ := g711.Mulaw(samples).Marshal() // as above
	return out
}
