package demux

import "errors"

// obuTemporalDelimiter is the type of the OBU that only separates pictures (AV1 section 6.2.2).
const obuTemporalDelimiter = 2

var errOBU = errors.New("it is damaged: a picture of AV1 has no whole OBUs")

// splitOBUs takes a temporal unit of AV1 in the low-overhead format apart (AV1 section 5.2), without its delimiter. The
// OBUs share the memory of b.
func splitOBUs(b []byte) ([][]byte, error) {
	var obus [][]byte
	for len(b) > 0 {
		kind, extended, sized := b[0]>>3&0xf, b[0]&4 != 0, b[0]&2 != 0
		head := 1
		if extended {
			head = 2
		}
		end := len(b)
		if sized {
			size, n := leb128(b[min(head, len(b)):])
			if n == 0 || size > uint64(len(b)-head-n) {
				return nil, errOBU
			}
			end = head + n + int(size)
		}
		if kind != obuTemporalDelimiter {
			obus = append(obus, b[:end:end])
		}
		b = b[end:]
	}
	return obus, nil
}

// leb128 reads a number (AV1 section 4.10.5) and returns of how many bytes it is, 0 when it does not end.
func leb128(b []byte) (v uint64, n int) {
	for i := range min(len(b), 8) {
		v |= uint64(b[i]&0x7f) << (7 * i)
		if b[i]&0x80 == 0 {
			return v, i + 1
		}
	}
	return 0, 0
}
