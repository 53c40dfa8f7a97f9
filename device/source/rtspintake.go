package source

import (
	"errors"
	"log/slog"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/pion/rtp"

	"github.com/sightline-rtc/sightline/device/media"
)

// Losses over UDP within lossWindow after which TCP is tried: the picture stood still that often.
const (
	maxLosses  = 3
	lossWindow = 30 * time.Second
)

// videoIntake makes access units of a camera's packets.
//
// When packets are missing, all pictures up to the next keyframe are dropped. A picture with a hole, and those that
// refer to it, could be decoded, but show grey smears that look like a fault of the viewer; a pause of part of a GOP
// does not, and what is lost again and again is cured by TCP. Only the reading goroutine of the client uses it.
type videoIntake struct {
	sink    Sink
	h264    *format.H264
	log     *slog.Logger
	decoder *rtph264.Decoder

	// next is the sequence number that should come.
	next    uint16
	started bool
	// damaged tells that pictures are dropped until a keyframe.
	damaged bool
	// losses are the times of the last ones; lossy is closed when they are too many.
	losses []time.Time
	lossy  chan struct{}
	// said tells that lossy is closed.
	said bool
}

func newVideoIntake(sink Sink, h264 *format.H264, log *slog.Logger) (*videoIntake, error) {
	decoder, err := h264.CreateDecoder()
	if err != nil {
		return nil, err
	}
	return &videoIntake{sink: sink, h264: h264, log: log, decoder: decoder, lossy: make(chan struct{})}, nil
}

func (v *videoIntake) onPacket(client *gortsplib.Client, m *description.Media) func(*rtp.Packet) {
	return func(p *rtp.Packet) {
		pts, ok := client.PacketPTS(m, p)
		v.packet(p, duration(pts, media.VideoClockRate), ok)
	}
}

// packet takes the next packet. Its time is not known before the first keyframe, with which the clock starts.
func (v *videoIntake) packet(p *rtp.Packet, pts time.Duration, timed bool) {
	v.sink.Alive()
	v.checkSequence(p.SequenceNumber)
	nalus, err := v.decoder.Decode(p)
	switch {
	case errors.Is(err, rtph264.ErrMorePacketsNeeded) || errors.Is(err, rtph264.ErrNonStartingPacketAndNoPrevious):
	case err != nil:
		v.log.Debug("source sent a bad packet", "err", err)
		v.damaged = true
	case timed:
		v.take(nalus, pts)
	}
}

// take passes on what can be shown.
func (v *videoIntake) take(nalus [][]byte, pts time.Duration) {
	key := media.IsKey(media.CodecH264, nalus)
	if v.damaged && !key {
		return
	}
	v.damaged = false
	v.sink.WriteVideo(media.AccessUnit{NALUs: nalus, PTS: pts, Key: key})
}

// checkSequence notices a hole. The decoder starts afresh then, so that an access unit that comes out whole began
// after the hole.
func (v *videoIntake) checkSequence(n uint16) {
	hole := v.started && n != v.next
	v.started, v.next = true, n+1
	if !hole {
		return
	}
	decoder, err := v.h264.CreateDecoder()
	if err != nil {
		return
	}
	v.decoder, v.damaged = decoder, true
	v.countLoss(time.Now())
}

func (v *videoIntake) countLoss(now time.Time) {
	if v.losses = append(v.losses, now); len(v.losses) < maxLosses {
		return
	}
	if v.losses = v.losses[len(v.losses)-maxLosses:]; now.Sub(v.losses[0]) <= lossWindow && !v.said {
		v.said = true
		v.log.Warn("source loses packets")
		close(v.lossy)
	}
}

// audioTrack is a sound track that browsers understand as it is.
type audioTrack struct {
	media  *description.Media
	format format.Format
	sound  media.AudioFormat
}

// newAudioTrack returns nil for a format that does not pass through: G.711 does at 8 kHz mono, Opus up to stereo.
func newAudioTrack(m *description.Media, f format.Format) *audioTrack {
	t := &audioTrack{media: m, format: f}
	switch f := f.(type) {
	case *format.Opus:
		if f.ChannelCount > 2 {
			return nil
		}
		t.sound = media.AudioFormat{Codec: media.CodecOpus, ClockRate: 48000, Channels: 2}
	case *format.G711:
		if f.SampleRate != 8000 || f.ChannelCount != 1 {
			return nil
		}
		t.sound = media.AudioFormat{Codec: media.CodecPCMA, ClockRate: 8000, Channels: 1}
		if f.MULaw {
			t.sound.Codec = media.CodecPCMU
		}
	default:
		return nil
	}
	return t
}

func (t *audioTrack) onPacket(client *gortsplib.Client, sink Sink) func(*rtp.Packet) {
	return func(p *rtp.Packet) {
		if pts, ok := client.PacketPTS(t.media, p); ok {
			sink.WriteAudio(media.AudioFrame{Payload: p.Payload, PTS: duration(pts, int64(t.sound.ClockRate))})
		}
	}
}

// duration converts ticks of a clock without overflow.
func duration(ticks, rate int64) time.Duration {
	return time.Duration(ticks/rate)*time.Second + time.Duration(ticks%rate)*time.Second/time.Duration(rate)
}
