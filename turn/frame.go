package turn

import (
	"encoding/binary"
	"errors"
)

const (
	// maxFrame bounds a frame of a stream, header and padding included: what pion reads at most of a datagram, so that a
	// TCP client can send nothing that a UDP client could not.
	maxFrame = 1600

	stunHeader    = 20         // RFC 8489 section 5
	channelHeader = 4          // RFC 8656 section 12.4
	magicCookie   = 0x2112A442 // RFC 8489 section 5
	// minPionFrame is the least that pion/turn takes out of a stream's buffer at once.
	minPionFrame = 9
)

var (
	errFrameKind   = errors.New("neither STUN nor ChannelData")
	errFrameLength = errors.New("frame of an impossible length")
)

// frameLen returns how many bytes the frame at the start of b has on a stream, or 0 while b is too short to tell.
// It fails as soon as the bytes can be no frame, however few they are. A frame that is all there has been checked
// in full.
//
// The first two bits tell STUN from ChannelData (RFC 5766 section 11), whose data a stream pads to four bytes (RFC 8656
// section 12.5). RFC 8656 keeps channels to 0x4000 to 0x4FFF, but clients of the older RFC, coturn's among them, choose
// any number up to 0x7FFF.
func frameLen(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	switch b[0] >> 6 {
	case 0b00:
		return stunLen(b)
	case 0b01:
		return channelLen(b)
	}
	return 0, errFrameKind
}

// isMisread reports whether pion/turn would take a frame for another: it looks for the magic cookie before it looks at the
// first two bits, so that ChannelData whose data begins with the cookie gets a STUN message's length. What follows would
// then be read from the middle of a frame, past all checks. No DTLS, SRTP or STUN packet begins like that.
func isMisread(frame []byte) bool {
	return frame[0]>>6 == 0b01 && len(frame) >= 8 && binary.BigEndian.Uint32(frame[4:]) == magicCookie
}

func stunLen(b []byte) (int, error) {
	if len(b) < 4 {
		return 0, nil
	}
	n := stunHeader + int(binary.BigEndian.Uint16(b[2:]))
	if n > maxFrame || n%4 != 0 {
		return 0, errFrameLength
	}
	if len(b) >= 8 && binary.BigEndian.Uint32(b[4:]) != magicCookie {
		return 0, errFrameKind
	}
	return n, nil
}

func channelLen(b []byte) (int, error) {
	if len(b) < channelHeader {
		return 0, nil
	}
	n := channelHeader + (int(binary.BigEndian.Uint16(b[2:]))+3)&^3
	if n > maxFrame {
		return 0, errFrameLength
	}
	return n, nil
}

// readChannel reads a datagram as ChannelData, behind which there may be padding (RFC 8656 section 12.4). The data may be
// empty.
func readChannel(datagram []byte) (number uint16, data []byte, ok bool) {
	if len(datagram) < channelHeader || datagram[0]>>6 != 0b01 {
		return 0, nil, false
	}
	end := channelHeader + int(binary.BigEndian.Uint16(datagram[2:]))
	if end > len(datagram) {
		return 0, nil, false
	}
	return binary.BigEndian.Uint16(datagram), datagram[channelHeader:end], true
}
