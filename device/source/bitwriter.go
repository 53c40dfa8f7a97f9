package source

// bitWriter writes the syntax elements of H.264 (section 7.2) into an RBSP.
type bitWriter struct {
	out []byte
	// bits holds the last n bits that make no whole byte yet.
	bits byte
	n    uint
}

// u writes an unsigned number of the given width: u(n) in the standard.
func (w *bitWriter) u(width uint, v uint32) {
	for i := int(width) - 1; i >= 0; i-- {
		w.bits = w.bits<<1 | byte(v>>uint(i)&1)
		w.n++
		if w.n == 8 {
			w.out = append(w.out, w.bits)
			w.bits, w.n = 0, 0
		}
	}
}

// flags writes u(1) for each.
func (w *bitWriter) flags(values ...uint32) {
	for _, v := range values {
		w.u(1, v)
	}
}

// ue writes unsigned Exp-Golomb codes (section 9.1).
func (w *bitWriter) ue(values ...uint32) {
	for _, v := range values {
		v++
		zeros := uint(0)
		for t := v; t > 1; t >>= 1 {
			zeros++
		}
		w.u(zeros, 0)
		w.u(zeros+1, v)
	}
}

// se writes a signed Exp-Golomb code (section 9.1.1).
func (w *bitWriter) se(v int) {
	if v > 0 {
		w.ue(uint32(2*v - 1))
	} else {
		w.ue(uint32(-2 * v))
	}
}

// align writes zero bits up to the next byte.
func (w *bitWriter) align() {
	if w.n > 0 {
		w.u(8-w.n, 0)
	}
}

// nal ends the RBSP and returns it as a NAL unit: with its header and emulation prevention (section 7.4.1).
func (w *bitWriter) nal(header byte) []byte {
	w.u(1, 1)
	w.align()
	nalu := make([]byte, 1, len(w.out)+len(w.out)/64+8)
	nalu[0] = header
	zeros := 0
	for _, b := range w.out {
		if zeros == 2 && b <= 3 {
			nalu = append(nalu, 3)
			zeros = 0
		}
		nalu = append(nalu, b)
		if b == 0 {
			zeros++
		} else {
			zeros = 0
		}
	}
	return nalu
}
