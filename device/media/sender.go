package media

import (
	"math/rand/v2"

	"github.com/pion/rtp"
)

// sender numbers the packets of one track of one viewer. Only Run uses it.
type sender struct {
	track  Track
	header rtp.Header
	// sequence is the next packet's; base is the RTP time of the stream's time 0. Both start at random (RFC 3550
	// section 5.1).
	sequence uint16
	base     uint32
	// ts is the present frame's time.
	ts    int64
	begun bool
}

func newSender(t Track) sender {
	return sender{track: t, sequence: uint16(rand.Uint32()), base: rand.Uint32()} // Wrapping is meant.
}

// begin starts a frame. Its time is later than that of the one before, whatever the source says.
func (s *sender) begin(ts int64) {
	if s.begun && ts <= s.ts {
		ts = s.ts + 1
	}
	s.ts, s.begun = ts, true
}

func (s *sender) write(payload []byte, marker bool) error {
	s.header = rtp.Header{
		Version:        2,
		Marker:         marker,
		PayloadType:    s.track.PayloadType,
		SequenceNumber: s.sequence,
		Timestamp:      s.base + uint32(s.ts), // RTP time wraps.
		SSRC:           s.track.SSRC,
		Extensions:     s.header.Extensions[:0],
	}
	s.sequence++
	_, err := s.track.Writer.WriteRTP(&s.header, payload)
	return err
}
