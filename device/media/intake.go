package media

import (
	"errors"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// maxPayload is the most RTP payload that a packet carries. With RTP (12), the congestion control extension (8), the
// SRTP tag (10), ChannelData (4), UDP (8) and IPv6 (40) it comes to 1270 bytes: under 1280, the least MTU of IPv6.
const maxPayload = 1188

// coding brings the pictures of one codec into the form that is sent. It has the state of one life of a source.
type coding interface {
	// normalise returns the units to send of an access unit, which share memory with the given ones, and whether decoding
	// can start with them. The errors are ErrTooLarge, errNoPicture, errNoParameterSets, and errBadFrame and the like for what
	// makes no sense.
	normalise(units [][]byte, at arrival) (out [][]byte, key bool, err error)
	// describe returns what the pictures are, if that is known and has changed since it was last asked.
	describe() (f Format, changed bool)
	// packetise cuts what normalise returned into the payloads of RTP packets. They are copies, so that every viewer can
	// share them and the source can have its buffers back.
	packetise(units [][]byte, key bool) [][]byte
}

var (
	// errNoPicture: parameter sets, messages or disposable pictures alone.
	errNoPicture = errors.New("no picture in the access unit")
	// errNoParameterSets: nobody can decode such a keyframe.
	errNoParameterSets = errors.New("keyframe before any parameter sets")
)

// arrival is when an access unit came, and whether somebody waits for a keyframe that the source cannot be asked for.
type arrival struct {
	now    time.Time
	wanted bool
}

// leader is a coding that may have a picture of its own sent before another.
type leader interface {
	// before returns a picture to start decoding with that comes before the last access unit, nil for none.
	before() [][]byte
}

// newCoding returns nil for a codec that does not pass. What was worked around is told to remark.
func newCoding(c Codec, remark func(string)) coding {
	switch c {
	case CodecH264:
		return &h264Coding{remark: remark}
	case CodecH265:
		return &h265Coding{}
	case CodecVP8:
		return &vp8Coding{}
	case CodecVP9:
		return &vp9Coding{}
	case CodecAV1:
		return &av1Coding{}
	default:
		return nil
	}
}

// IsKey reports whether decoding can start with the units of an access unit of a codec.
func IsKey(c Codec, units [][]byte) bool {
	switch c {
	case "", CodecH264:
		return isKeyH264(units)
	case CodecH265:
		return isKeyH265(units)
	case CodecVP8:
		return len(units) == 1 && isKeyVP8(units[0])
	case CodecVP9:
		return len(units) == 1 && isKeyVP9(units[0])
	case CodecAV1:
		return isKeyAV1(units)
	default:
		return false
	}
}

// ReadFormat describes the pictures that begin with an access unit; false means that it does not say, as is so for those in
// the middle of a group.
func ReadFormat(c Codec, units [][]byte) (Format, bool) {
	if c == "" {
		c = CodecH264
	}
	coding := newCoding(c, func(string) {})
	if coding == nil {
		return Format{}, false
	}
	// What is told beside the format is of no interest: parameter sets may come alone.
	_, _, _ = coding.normalise(units, arrival{})
	return coding.describe()
}

// fits reports whether an access unit is within MaxAccessUnit.
func fits(nalus [][]byte) bool {
	size := 0
	for _, nalu := range nalus {
		size += len(nalu)
	}
	return size <= MaxAccessUnit
}

// choose makes sure that the coding is that of a codec; false means that the stream cannot carry it. Another codec begins
// like another life of the source.
func (s *Stream) choose(c Codec) bool {
	if c == "" {
		c = CodecH264
	}
	if s.coding == nil || s.codec != c {
		s.codec, s.coding, s.broken = c, newCoding(c, s.remark), true
		s.gop.clear()
	}
	return s.coding != nil
}

// remark notes what was worked around, and logs it once in a life of the source. It needs mu.
func (s *Stream) remark(what string) {
	if s.note(protocol.NoteSourceQuirk, what) {
		s.log.Warn("source needs a workaround", "err", what)
	}
}

// take turns an access unit into the pictures to send, which is none if it cannot be sent.
func (s *Stream) take(au AccessUnit, now time.Time) []*picture {
	if !s.choose(au.Codec) {
		s.stats.Dropped++
		return nil
	}
	units, key, err := s.coding.normalise(au.NALUs, arrival{now, s.wanted && s.force == nil})
	s.learnFormat()
	var pictures []*picture
	if first := s.before(); first != nil {
		s.broken = false
		pictures = append(pictures, s.picture(first, true, au.PTS-time.Millisecond, now))
	}
	switch {
	case errors.Is(err, errNoPicture):
		return pictures
	case err != nil:
		// What refers to this picture cannot be shown either.
		s.log.Debug("access unit dropped", "err", err)
		s.broken = true
	case key:
		s.broken = false
	}
	if s.broken {
		s.stats.Dropped++
		if err != nil {
			s.gop.clear()
		}
		return pictures
	}
	if s.time.goesBack(s.videoTime, au.PTS) {
		s.remark(disorderWords)
	}
	return append(pictures, s.picture(units, key, au.PTS, now))
}

// disorderWords tell of pictures that others refer to and that are shown before those which they follow: they cannot be left
// out, and the decoders of browsers take them for faults.
const disorderWords = "The camera sends pictures in another order than they are shown (B-frames that others refer to), at " +
	"which browsers stop again and again: switch B-frames off in the camera."

// before returns what the coding wants to have sent before the last access unit.
func (s *Stream) before() [][]byte {
	if l, ok := s.coding.(leader); ok {
		return l.before()
	}
	return nil
}

// picture makes a picture of normalised units.
func (s *Stream) picture(units [][]byte, key bool, pts time.Duration, now time.Time) *picture {
	at := s.time.time(&s.videoTime, pts, now)
	s.origin.note(at, now)
	return &picture{payloads: s.coding.packetise(units, key), ts: ticks(at, VideoClockRate), key: key}
}
