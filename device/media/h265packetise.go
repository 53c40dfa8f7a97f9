package media

// Numbers of RFC 7798 sections 4.4.2 and 4.4.3.
const (
	typeAP = 48
	typeFU = 49
)

// packetiseH265 cuts an access unit into the payloads of RTP packets (RFC 7798, without decoding order numbers): neighbours
// that fit go into one aggregation packet, what is too large into fragments of equal size. It takes two allocations.
func packetiseH265(nalus [][]byte) [][]byte {
	return packetiseNALUs(nalus, header265, appendAP, func(nalu []byte) fragmentHeader {
		return fragmentHeader{nalu[0]&0x81 | typeFU<<1, nalu[1], nalu[0] >> 1 & 0x3f} // RFC 7798 section 4.4.3
	})
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
