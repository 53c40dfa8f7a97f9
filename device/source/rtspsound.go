package source

import (
	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/g711"
	"github.com/pion/rtp"

	"github.com/sightline-rtc/sightline/device/media"
)

// audioTrack is the sound that is taken of a camera.
type audioTrack struct {
	media  *description.Media
	format format.Format
	// sound is what comes out, decode makes it of a packet's payload; nil passes it on as it is.
	sound  media.AudioFormat
	decode func([]byte) []byte
}

// newAudioTrack returns nil for a format that browsers do not play and that is not simple to make one of: Opus passes up to
// stereo and G.711 at 8 kHz mono; other G.711 and 16 bits of linear PCM go on as L16.
func newAudioTrack(m *description.Media, f format.Format) *audioTrack {
	t := &audioTrack{media: m, format: f}
	switch f := f.(type) {
	case *format.Opus:
		if f.ChannelCount > 2 {
			return nil
		}
		t.sound = media.AudioFormat{Codec: media.CodecOpus, ClockRate: 48000, Channels: 2}
	case *format.G711:
		t.sound = media.AudioFormat{Codec: media.CodecPCMA, ClockRate: uint32(f.SampleRate), Channels: f.ChannelCount}
		t.decode = func(b []byte) []byte { var out g711.Alaw; out.Unmarshal(b); return out }
		if f.MULaw {
			t.sound.Codec = media.CodecPCMU
			t.decode = func(b []byte) []byte { var out g711.Mulaw; out.Unmarshal(b); return out }
		}
		if f.SampleRate == 8000 && f.ChannelCount == 1 {
			t.decode = nil
		} else {
			t.sound.Codec = media.CodecL16
		}
	case *format.LPCM:
		if f.BitDepth != 16 {
			return nil
		}
		t.sound = media.AudioFormat{Codec: media.CodecL16, ClockRate: uint32(f.SampleRate), Channels: f.ChannelCount}
	default:
		return nil
	}
	if !playable(t.sound) {
		return nil
	}
	return t
}

// playable bounds what cameras make: up to stereo, 8 to 96 kHz.
func playable(f media.AudioFormat) bool {
	return f.Channels >= 1 && f.Channels <= 2 && f.ClockRate >= 8000 && f.ClockRate <= 96000
}

func (t *audioTrack) onPacket(client *gortsplib.Client, sink Sink) func(*rtp.Packet) {
	return func(p *rtp.Packet) {
		pts, ok := client.PacketPTS(t.media, p)
		if !ok {
			return
		}
		payload := p.Payload
		if t.decode != nil {
			payload = t.decode(payload)
		}
		sink.WriteAudio(media.AudioFrame{Payload: payload, PTS: duration(pts, int64(t.sound.ClockRate))})
	}
}
