package media

import "errors"

// errBadFrame: the header of a frame makes no sense.
var errBadFrame = errors.New("malformed frame")

// vp8Coding sends VP8 as it comes.
type vp8Coding struct {
	format  Format
	changed bool
}

func (c *vp8Coding) normalise(units [][]byte, _ arrival) (out [][]byte, key bool, err error) {
	switch {
	case len(units) != 1 || len(units[0]) == 0:
		return nil, false, errNoPicture
	case !fits(units):
		return nil, false, ErrTooLarge
	case !isKeyVP8(units[0]):
		return units, false, nil
	}
	f, ok := formatVP8(units[0])
	if !ok {
		return nil, false, errBadFrame
	}
	if f.Width != c.format.Width || f.Height != c.format.Height {
		c.format, c.changed = f, true
	}
	return units, true, nil
}

func (c *vp8Coding) describe() (Format, bool) {
	changed := c.changed
	c.changed = false
	return c.format, changed
}

// isKeyVP8 reports whether a frame is a key frame (RFC 6386 section 9.1).
func isKeyVP8(frame []byte) bool { return len(frame) > 0 && frame[0]&1 == 0 }

// formatVP8 reads the size that a key frame begins with (RFC 6386 section 9.1): the tag, a start code, and two numbers of 14
// bits, each with a scale that viewers ignore.
func formatVP8(frame []byte) (Format, bool) {
	if len(frame) < 10 || frame[3] != 0x9d || frame[4] != 0x01 || frame[5] != 0x2a {
		return Format{}, false
	}
	f := Format{
		Codec: CodecVP8,
		Width: int(frame[7]&0x3f)<<8 | int(frame[6]), Height: int(frame[9]&0x3f)<<8 | int(frame[8]),
	}
	return f, f.Width > 0 && f.Height > 0
}

// vp8Start begins the payload descriptor of a frame's first packet (RFC 7741 section 4.2): its first partition begins here.
const vp8Start = 0x10

// packetise cuts a frame into payloads of equal size (RFC 7741). The descriptor has one byte, without a picture ID: a viewer
// that gets the cached group again, or another rendition, would take repeated or jumping numbers for old frames, and puts
// frames in order by the packets' numbers as well.
func (c *vp8Coding) packetise(units [][]byte, _ bool) [][]byte {
	return fragment(units[0], 1, func(buf []byte, first, _ bool) []byte {
		if first {
			return append(buf, vp8Start)
		}
		return append(buf, 0)
	})
}

// fragment cuts a frame into payloads of one size but for the last, each after a descriptor that begin writes: of at most the given
// size. It takes two allocations.
func fragment(frame []byte, descriptor int, begin func(buf []byte, first, last bool) []byte) [][]byte {
	room := maxPayload - descriptor
	count := (len(frame) + room - 1) / room
	each := fair(len(frame), room)
	buf := make([]byte, 0, len(frame)+count*descriptor)
	payloads := make([][]byte, 0, count)
	for first := true; len(frame) > 0; first = false {
		n := min(each, len(frame))
		start := len(buf)
		buf = begin(buf, first, n == len(frame))
		buf = append(buf, frame[:n]...)
		frame = frame[n:]
		payloads = append(payloads, buf[start:len(buf):len(buf)])
	}
	return payloads
}
