package media

// The flags of the first and the last fragment of a NAL unit (RFC 6184 section 5.8, RFC 7798 section 4.4.3).
const (
	fuStart = 0x80
	fuEnd   = 0x40
)

// fragmentHeader is what a fragment begins with: of the last byte the flags are left open, and of three bytes H.264 has two.
type fragmentHeader [3]byte

// packetiseNALUs cuts NAL units, whose headers have the given size, into payloads: neighbours that fit are aggregated, what is
// too large is cut into fragments, whose headers have a byte more. It takes two allocations.
func packetiseNALUs(
	nalus [][]byte, header int, aggregate func(buf []byte, nalus [][]byte) []byte, fragment func(nalu []byte) fragmentHeader,
) [][]byte {
	size, count := 0, 0
	for _, nalu := range nalus {
		fragments := len(nalu)/(maxPayload-header-1) + 1
		size += len(nalu) + (header+1)*fragments + header + 2
		count += fragments
	}
	buf := make([]byte, 0, size)
	payloads := make([][]byte, 0, count)
	for len(nalus) > 0 {
		start := len(buf)
		n := fitting(nalus, header)
		switch {
		case n > 1:
			buf = aggregate(buf, nalus[:n])
		case len(nalus[0]) <= maxPayload:
			buf = append(buf, nalus[0]...)
		default:
			begin := fragment(nalus[0])
			buf, payloads = appendFragments(buf, payloads, begin[:header+1], nalus[0][header:])
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

// appendFragments writes the fragments of what a NAL unit has after its header, each of which begins with the given header.
func appendFragments(buf []byte, payloads [][]byte, header, rest []byte) ([]byte, [][]byte) {
	// All but the last are of one size, so that they can leave in one system call.
	each := fair(len(rest), maxPayload-len(header))
	last := len(header) - 1
	for flags := byte(fuStart); len(rest) > 0; flags = 0 {
		n := min(each, len(rest))
		if n == len(rest) {
			flags |= fuEnd
		}
		start := len(buf)
		buf = append(buf, header...)
		buf[start+last] |= flags
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
