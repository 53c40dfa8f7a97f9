package media

import (
	"encoding/binary"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/vp9"
)

// vp9Coding sends VP9 of one layer as it comes.
type vp9Coding struct {
	format  Format
	changed bool
}

func (c *vp9Coding) normalise(units [][]byte, _ arrival) (out [][]byte, key bool, err error) {
	switch {
	case len(units) != 1 || len(units[0]) == 0:
		return nil, false, errNoPicture
	case !fits(units):
		return nil, false, ErrTooLarge
	}
	var header vp9.Header
	if err := header.Unmarshal(units[0]); err != nil {
		return nil, false, errBadFrame
	}
	if !keyVP9(&header) {
		return units, false, nil
	}
	f := Format{Codec: CodecVP9, VP9: VP9Profile(header.Profile), Width: header.Width(), Height: header.Height()}
	if f.Width != c.format.Width || f.Height != c.format.Height || f.VP9 != c.format.VP9 {
		c.format, c.changed = f, true
	}
	return units, true, nil
}

func (c *vp9Coding) describe() (Format, bool) {
	changed := c.changed
	c.changed = false
	return c.format, changed
}

// isKeyVP9 reports whether a frame, or the first of a superframe, is a key frame (VP9 section 6.2).
func isKeyVP9(frame []byte) bool {
	var header vp9.Header
	return header.Unmarshal(frame) == nil && keyVP9(&header)
}

func keyVP9(h *vp9.Header) bool { return !h.ShowExistingFrame && !h.NonKeyFrame }

// Bits of the payload descriptor (RFC 9628 section 4.2), and the scalability structure of one layer whose size follows.
const (
	vp9Inter        = 0x40
	vp9Begin        = 0x08
	vp9End          = 0x04
	vp9Structure    = 0x02
	vp9NoUpperLayer = 0x01

	vp9OneLayerSized = 0x10
)

// packetise cuts a frame into payloads of equal size (RFC 9628, non-flexible mode). Like VP8's the descriptor has no picture
// ID. A key frame tells its size.
func (c *vp9Coding) packetise(units [][]byte, key bool) [][]byte {
	size := 1
	if key {
		size += 5
	}
	return fragment(units[0], size, func(buf []byte, first, last bool) []byte {
		descriptor := byte(vp9NoUpperLayer)
		if !key {
			descriptor |= vp9Inter
		}
		if first {
			descriptor |= vp9Begin
		}
		if last {
			descriptor |= vp9End
		}
		if !key || !first {
			return append(buf, descriptor)
		}
		buf = append(buf, descriptor|vp9Structure, vp9OneLayerSized)
		buf = binary.BigEndian.AppendUint16(buf, uint16(c.format.Width))
		return binary.BigEndian.AppendUint16(buf, uint16(c.format.Height))
	})
}
