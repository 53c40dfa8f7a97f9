package media

// Numbers of RFC 6184 section 5.4 and table 1.
const (
	typeSTAPA = 24
	typeFUA   = 28
)

// packetiseH264 cuts an access unit into the payloads of RTP packets (RFC 6184, packetization-mode 1): neighbours that
// fit go into one STAP-A, what is too large into FU-A fragments of equal size. The payloads are copies, in one
// allocation, so that every viewer can share them and the source can have its buffers back.
func packetiseH264(nalus [][]byte) [][]byte {
	return packetiseNALUs(nalus, 1, appendSTAPA, func(nalu []byte) fragmentHeader {
		return fragmentHeader{nalu[0]&0x60 | typeFUA, nalu[0] & 0x1f} // RFC 6184 section 5.8
	})
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
