package media

import (
	"errors"
	"math"
)

// Types of OBUs (AV1 section 6.2.2).
const (
	obuSequenceHeader = 1
	obuFrameHeader    = 3
	obuTileGroup      = 4
	obuMetadata       = 5
	obuFrame          = 6
	obuRedundant      = 7
)

// Bits of an OBU's header (AV1 section 5.3.2).
const (
	obuForbidden = 0x80
	obuExtended  = 0x04
	obuSized     = 0x02
)

// errBadOBU: an open bitstream unit that ends before its end, or whose header makes no sense.
var errBadOBU = errors.New("malformed OBU")

// obu is one open bitstream unit of AV1: its header without a size field, of size bytes, and what follows.
type obu struct {
	header  [2]byte
	size    int
	payload []byte
	// raw is the unit as it came.
	raw []byte
}

func (o obu) kind() byte { return o.header[0] >> 3 & 0xf }

func (o obu) len() int { return o.size + len(o.payload) }

// append adds the bytes from one offset to another of the unit.
func (o obu) append(buf []byte, from, to int) []byte {
	if from < o.size {
		buf = append(buf, o.header[from:min(o.size, to)]...)
	}
	return append(buf, o.payload[max(0, from-o.size):max(0, to-o.size)]...)
}

// splitOBUs reads the units in b, all of which but the last must have a size field (AV1 section 5.3). They share its memory.
func splitOBUs(list []obu, b []byte) ([]obu, error) {
	for len(b) > 0 {
		o := obu{header: [2]byte{b[0] &^ obuSized}, size: 1, raw: b}
		sized := b[0]&obuSized != 0
		if b[0]&obuForbidden != 0 {
			return nil, errBadOBU
		}
		if b[0]&obuExtended != 0 {
			if len(b) < 2 {
				return nil, errBadOBU
			}
			o.header[1], o.size = b[1], 2
		}
		b = b[o.size:]
		length := len(b)
		if sized {
			var n int
			if length, n = leb128(b); n == 0 || length > len(b)-n {
				return nil, errBadOBU
			}
			b = b[n:]
		}
		o.payload, b = b[:length], b[length:]
		o.raw = o.raw[:len(o.raw)-len(b)]
		list = append(list, o)
	}
	return list, nil
}

// splitAll reads the units of a temporal unit, which may come in any number of pieces.
func splitAll(units [][]byte) (list []obu, err error) {
	for _, unit := range units {
		if list, err = splitOBUs(list, unit); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// leb128 reads a number of little-endian groups of seven bits (AV1 section 4.10.5) and returns how many bytes it took; 0
// means that there is none.
func leb128(b []byte) (v, n int) {
	for n < min(len(b), 4) {
		v |= int(b[n]&0x7f) << (7 * n)
		n++
		if b[n-1]&0x80 == 0 {
			return v, n
		}
	}
	return 0, 0
}

// appendLEB128 writes a number of at most 14 bits.
func appendLEB128(buf []byte, v int) []byte {
	if v < 0x80 {
		return append(buf, byte(v))
	}
	return append(buf, byte(v)|0x80, byte(v>>7))
}

// sequenceAV1 is what a sequence header tells.
type sequenceAV1 struct {
	format Format
	// still says that all frames are key frames with a reduced header.
	still bool
}

// parseSequenceAV1 reads a sequence header OBU (AV1 section 5.5.1) up to the size of the pictures.
func parseSequenceAV1(payload []byte) (sequenceAV1, bool) {
	r := &bitReader{b: payload}
	s := sequenceAV1{format: Format{Codec: CodecAV1}}
	s.format.AV1.Profile = uint8(r.u(3))
	r.flag() // still_picture
	if s.still = r.flag(); s.still {
		s.format.AV1.Level = uint8(r.u(5))
	} else {
		s.readOperation(r)
	}
	width, height := int(r.u(4))+1, int(r.u(4))+1
	s.format.Width, s.format.Height = int(r.u(width))+1, int(r.u(height))+1
	return s, !r.short && s.format.AV1.Profile <= 2
}

// readOperation reads from timing_info_present_flag to the operating points, of which the first is the one that is sent.
func (s *sequenceAV1) readOperation(r *bitReader) {
	model, delay := false, 0
	if r.flag() {
		s.format.FPS = readTimingAV1(r)
		if model = r.flag(); model {
			delay = int(r.u(5)) + 1
			r.u(32) // num_units_in_decoding_tick
			r.u(10) // buffer_removal_time_length_minus_1, frame_presentation_time_length_minus_1
		}
	}
	display := r.flag()
	points := r.u(5) + 1
	for i := range points {
		r.u(12) // operating_point_idc
		level, high := uint8(r.u(5)), false
		if level > 7 {
			high = r.flag()
		}
		if i == 0 {
			s.format.AV1.Level, s.format.AV1.HighTier = level, high
		}
		if model && r.flag() {
			r.u(delay) // decoder_buffer_delay
			r.u(delay) // encoder_buffer_delay
			r.flag()   // low_delay_mode_flag
		}
		if display && r.flag() {
			r.u(4) // initial_display_delay_minus_1
		}
	}
}

// readTimingAV1 returns the frame rate of a timing_info (AV1 section 5.5.3), 0 if pictures have no equal distance.
func readTimingAV1(r *bitReader) float64 {
	tick, scale := r.u(32), r.u(32)
	if !r.flag() {
		return 0
	}
	fps := float64(scale) / (float64(tick) * float64(uint64(r.ue())+1))
	if math.IsInf(fps, 0) || math.IsNaN(fps) {
		return 0
	}
	return fps
}

// startsAV1 reports whether a frame header begins a key frame that is shown at once (AV1 section 5.9.2).
func startsAV1(payload []byte, still bool) bool {
	r := &bitReader{b: payload}
	if still {
		return len(payload) > 0
	}
	existing, kind, shown := r.flag(), r.u(2), r.flag()
	return !existing && kind == 0 && shown && !r.short
}

// isKeyAV1 reports whether a temporal unit has a sequence header and a key frame first.
func isKeyAV1(units [][]byte) bool {
	_, key, err := (&av1Coding{}).normalise(units, arrival{})
	return err == nil && key
}
