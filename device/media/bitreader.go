package media

// bitReader reads syntax elements from the front of b. After its end it gives zeros and is short.
type bitReader struct {
	b []byte
	// pos is in bits.
	pos   int
	short bool
}

// u reads an unsigned number of at most 32 bits.
func (r *bitReader) u(width int) uint32 {
	v := uint32(0)
	for range width {
		v = v<<1 | r.bit()
	}
	return v
}

func (r *bitReader) bit() uint32 {
	if r.pos >= 8*len(r.b) {
		r.short = true
		return 0
	}
	bit := r.b[r.pos/8] >> (7 - r.pos%8) & 1
	r.pos++
	return uint32(bit)
}

func (r *bitReader) flag() bool { return r.bit() == 1 }

// ue reads an unsigned Exp-Golomb code (H.264 section 9.1, uvlc of AV1 section 4.10.3).
func (r *bitReader) ue() uint32 {
	zeros := 0
	for r.bit() == 0 {
		if zeros++; zeros > 31 || r.short {
			r.short = true
			return 0
		}
	}
	return 1<<zeros - 1 + r.u(zeros)
}

// se reads a signed Exp-Golomb code (H.264 section 9.1.1).
func (r *bitReader) se() int32 {
	v := r.ue()
	if v%2 == 1 {
		return int32(v/2 + 1)
	}
	return -int32(v / 2)
}
