//go:build linux

package turnload

import (
	"encoding/binary"
	"io"
)

// streamBuffer holds a burst of MaxBurst packets: what a server may have sent at once.
const streamBuffer = 128 << 10

// readFrames hands over the messages of a stream until it ends (RFC 8656 section 12.5: channel data is padded to a
// multiple of four bytes in a stream; STUN messages are one already).
func readFrames(stream io.Reader, handle func(message []byte, at int64)) {
	buffer, filled := make([]byte, streamBuffer), 0
	for {
		n, err := stream.Read(buffer[filled:])
		if err != nil {
			return
		}
		filled += n
		at, used := now(), 0
		for {
			length, padded, ok := frame(buffer[used:filled])
			if !ok {
				break
			}
			handle(buffer[used:used+length], at)
			used += padded
		}
		filled = copy(buffer, buffer[used:filled])
	}
}

// stunHeader is the size of a STUN message without attributes (RFC 8489 section 5).
const stunHeader = 20

// frame measures the first message of b, without and with its padding. It is not ok until all of it is there.
func frame(b []byte) (length, padded int, ok bool) {
	if len(b) < channelHeader {
		return 0, 0, false
	}
	length = int(binary.BigEndian.Uint16(b[2:])) + channelHeader
	if b[0]>>6 == 0 {
		length += stunHeader - channelHeader
	}
	padded = (length + 3) &^ 3
	return length, padded, padded <= len(b)
}
