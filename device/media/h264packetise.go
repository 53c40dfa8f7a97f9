package media

// Numbers of RFC 6184 section 5.4 and table 1.
const (
	typeSTAPA = 24
	typeFUA   = 28
	fuStart   = 0x80
	fuEnd     = 0x40
)

// packetiseH264 cuts an access unit into the payloads of RTP packets (RFC 6184, packetization-mode 1): neighbours that
// fit go into one STAP-A, what is too large into FU-A fragments of equal size. The payloads are copies, in one
// allocation, so that every viewer can share them and the source can have its buffers back.
func packetiseH264(nalus [][]byte) [][]byte {
	size, count := 0, 0
	for _, nalu := range nalus {
		fragments := len(nalu)/(maxPayload-2) + 1
		size += len(nalu) + 2*fragments + 3
		count += fragments
	}
	buf := make([]byte, 0, size)
	payloads := make([][]byte, 0, count)
	for len(nalus) > 0 {
		start := len(buf)
		n := fitting(nalus, 1)
		switch {
		case n > 1:
			buf = appendSTAPA(buf, nalus[:n])
		case len(nalus[0]) <= maxPayload:
			buf = append(buf, nalus[0]...)
		default:
			buf, payloads = appendFUA(buf, payloads, nalus[0])
			nalus = nalus[1:]
			continue
		}
		payloads = append(payloads, buf[start:len(buf):len(buf)])
		nalus = nalus[n:]
	}
	return payloads
}

// fitting returns how many NAL units go into one packet that aggregates them after a header of the given size; at least 1.
func fitting(nalus [][]byte, header int) int {
	size := header
	for n, nalu := range nalus {
		if size += 2 + len(nalu); size > maxPayload {
			return max(n, 1)
		}
	}
	return len(nalus)
}

// appendSTAPA writes a single-time aggregation packet (RFC 6184 section 5.7.1).
func appendSTAPA(buf []byte, nalus [][]byte) []byte {
	head := len(buf)
	buf = append(buf, typeSTAPA)
	for _, nalu := range nalus {
		buf[head] = max(buf[head], nalu[0]&0x60|typeSTAPA)
		buf = append(buf, byte(len(nalu)>>8), byte(len(nalu)))
		buf = append(buf, nalu...)
	}
	return buf
}

// appendFUA writes the fragments of one NAL unit (RFC 6184 section 5.8).
func appendFUA(buf []byte, payloads [][]byte, nalu []byte) ([]byte, [][]byte) {
	indicator, header, rest := nalu[0]&0x60|typeFUA, nalu[0]&0x1f, nalu[1:]
	const room = maxPayload - 2
	// All but the last are of one size, so that they can leave in one system call.
	each := fair(len(rest), room)
	for flags := byte(fuStart); len(rest) > 0; flags = 0 {
		n := min(each, len(rest))
		if n == len(rest) {
			flags |= fuEnd
		}
		start := len(buf)
		buf = append(buf, indicator, flags|header)
		buf = append(buf, rest[:n]...)
		rest = rest[n:]
		payloads = append(payloads, buf[start:len(buf):len(buf)])
	}
	return buf, payloads
}

// fair returns the size of the parts of which as few as room allows make up n bytes.
func fair(n, room int) int {
	count := (n + room - 1) / room
	return (n + count - 1) / count
}
