package media

// Numbers of RFC 7798 sections 4.4.2 and 4.4.3. The flags of fragments are those of H.264.
const (
	typeAP = 48
	typeFU = 49
)

// packetiseH265 cuts an access unit into the payloads of RTP packets (RFC 7798, without decoding order numbers): neighbours
// that fit go into one aggregation packet, what is too large into fragments of equal size. It takes two allocations.
func packetiseH265(nalus [][]byte) [][]byte {
	size, count := 0, 0
	for _, nalu := range nalus {
		fragments := len(nalu)/(maxPayload-3) + 1
		size += len(nalu) + 3*fragments + 4
		count += fragments
	}
	buf := make([]byte, 0, size)
	payloads := make([][]byte, 0, count)
	for len(nalus) > 0 {
		start := len(buf)
		n := fitting(nalus, header265)
		switch {
		case n > 1:
			buf = appendAP(buf, nalus[:n])
		case len(nalus[0]) <= maxPayload:
			buf = append(buf, nalus[0]...)
		default:
			buf, payloads = appendFU(buf, payloads, nalus[0])
			nalus = nalus[1:]
			continue
		}
		payloads = append(payloads, buf[start:len(buf):len(buf)])
		nalus = nalus[n:]
	}
	return payloads
}

// appendAP writes an aggregation packet (RFC 7798 section 4.4.2): of the base layer, with the lowest TID of its units.
func appendAP(buf []byte, nalus [][]byte) []byte {
	head := len(buf)
	buf = append(buf, typeAP<<1, 7)
	for _, nalu := range nalus {
		buf[head+1] = min(buf[head+1], nalu[1])
		buf = append(buf, byte(len(nalu)>>8), byte(len(nalu)))
		buf = append(buf, nalu...)
	}
	return buf
}

// appendFU writes the fragments of one NAL unit (RFC 7798 section 4.4.3).
func appendFU(buf []byte, payloads [][]byte, nalu []byte) ([]byte, [][]byte) {
	indicator, layer, header, rest := nalu[0]&0x81|typeFU<<1, nalu[1], nalu[0]>>1&0x3f, nalu[header265:]
	const room = maxPayload - 3
	// All but the last are of one size, so that they can leave in one system call.
	each := fair(len(rest), room)
	for flags := byte(fuStart); len(rest) > 0; flags = 0 {
		n := min(each, len(rest))
		if n == len(rest) {
			flags |= fuEnd
		}
		start := len(buf)
		buf = append(buf, indicator, layer, flags|header)
		buf = append(buf, rest[:n]...)
		rest = rest[n:]
		payloads = append(payloads, buf[start:len(buf):len(buf)])
	}
	return buf, payloads
}
