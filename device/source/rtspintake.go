package source

import (
	"errors"
	"log/slog"
	"time"

	"github.com/bluenviron/gortsplib/v5"
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
	track   *videoTrack
	log     *slog.Logger
	decoder depacketiser

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

func newVideoIntake(sink Sink, track *videoTrack, log *slog.Logger) (*videoIntake, error) {
	decoder, err := newDepacketiser(track.format)
	if err != nil {
		return nil, err
	}
	return &videoIntake{sink: sink, track: track, log: log, decoder: decoder, lossy: make(chan struct{})}, nil
}

func (v *videoIntake) onPacket(client *gortsplib.Client) func(*rtp.Packet) {
	return func(p *rtp.Packet) {
		pts, ok := client.PacketPTS(v.track.media, p)
		v.packet(p, duration(pts, media.VideoClockRate), ok)
	}
}

// packet takes the next packet. Its time is not known before the first keyframe, with which the clock starts.
func (v *videoIntake) packet(p *rtp.Packet, pts time.Duration, timed bool) {
	v.sink.Alive()
	v.checkSequence(p.SequenceNumber)
	units, err := v.decoder(p)
	switch {
	case errors.Is(err, errIncomplete):
	case err != nil:
		v.log.Debug("source sent a bad packet", "err", err)
		v.damaged = true
	case timed:
		v.take(units, pts)
	}
}

// take passes on what can be shown.
func (v *videoIntake) take(units [][]byte, pts time.Duration) {
	key := media.IsKey(v.track.codec, units)
	if v.damaged && !(key && startsPicture(v.track.codec, units)) {
		return
	}
	v.damaged = false
	v.sink.WriteVideo(media.AccessUnit{Codec: v.track.codec, NALUs: units, PTS: pts, Key: key})
}

// startsPicture reports whether the first slice of an access unit is the first of its picture: after a hole, others may be
// all that is left of a keyframe. The flag is first_mb_in_slice being 0 in H.264 (section 7.3.3), which is one bit that is
// set, and first_slice_segment_in_pic_flag in H.265 (section 7.3.6.1). Frames of other codecs come whole or not at all.
func startsPicture(codec media.Codec, units [][]byte) bool {
	for _, u := range units {
		switch {
		case codec == media.CodecH264 && len(u) > 1 && u[0]&0x1f >= 1 && u[0]&0x1f <= 5:
			return u[1]&0x80 != 0
		case codec == media.CodecH265 && len(u) > 2 && u[0]>>1&0x3f < 32:
			return u[2]&0x80 != 0
		}
	}
	return codec != media.CodecH264 && codec != media.CodecH265
}

// checkSequence notices a hole. The decoder starts afresh then, so that an access unit that comes out whole began
// after the hole.
func (v *videoIntake) checkSequence(n uint16) {
	hole := v.started && n != v.next
	v.started, v.next = true, n+1
	if !hole {
		return
	}
	decoder, err := newDepacketiser(v.track.format)
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

// duration converts ticks of a clock without overflow.
func duration(ticks, rate int64) time.Duration {
	return time.Duration(ticks/rate)*time.Second + time.Duration(ticks%rate)*time.Second/time.Duration(rate)
}
