package media

import "math/bits"

// bitWriter writes syntax elements of H.264 (section 7.2).
type bitWriter struct {
	b []byte
	// free is how many bits of the last byte are not used yet.
	free int
}

// u writes an unsigned number of the given width.
func (w *bitWriter) u(width int, v uint32) {
	for i := width - 1; i >= 0; i-- {
		if w.free == 0 {
			w.b, w.free = append(w.b, 0), 8
		}
		w.free--
		w.b[len(w.b)-1] |= byte(v>>i&1) << w.free
	}
}

// ue writes an unsigned Exp-Golomb code (section 9.1).
func (w *bitWriter) ue(v uint32) {
	width := bits.Len32(v + 1)
	w.u(width-1, 0)
	w.u(width, v+1)
}

// se writes a signed Exp-Golomb code (section 9.1.1).
func (w *bitWriter) se(v int32) {
	if v > 0 {
		w.ue(uint32(2*v - 1))
	} else {
		w.ue(uint32(-2 * v))
	}
}

// copy writes the bits of b from one position to another.
func (w *bitWriter) copy(b []byte, from, to int) {
	if w.free == 0 && from%8 == 0 {
		whole := (to - from) / 8
		w.b = append(w.b, b[from/8:from/8+whole]...)
		from += 8 * whole
	}
	for ; from < to; from++ {
		w.u(1, uint32(b[from/8]>>(7-from%8)&1))
	}
}

// align fills the last byte with a bit.
func (w *bitWriter) align(bit uint32) {
	for w.free > 0 {
		w.u(1, bit)
	}
}

// escape returns a NAL unit of a header and a payload: with emulation prevention (section 7.4.1).
func escape(header byte, rbsp []byte) []byte {
	nalu := make([]byte, 1, len(rbsp)+len(rbsp)/128+4)
	nalu[0] = header
	zeros := 0
	for _, b := range rbsp {
		if zeros == 2 && b <= 3 {
			nalu, zeros = append(nalu, 3), 0
		}
		nalu = append(nalu, b)
		if zeros++; b != 0 {
			zeros = 0
		}
	}
	return nalu
}
