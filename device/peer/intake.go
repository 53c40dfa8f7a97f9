package peer

import (
	"io"
	"sync/atomic"

	"github.com/pion/transport/v4/packetio"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// maxIncoming bounds the streams of RTP and RTCP that a viewer may bring about in a session: the library keeps
	// something for each SSRC that a packet is from or about. A browser has ten.
	maxIncoming = 64
	// rtpBuffer and rtcpBuffer bound what waits to be read of each, in bytes: two seconds of talk at 128 kbit/s, and some
	// hundred reports.
	rtpBuffer, rtcpBuffer = 32 << 10, 32 << 10
)

// intake makes the buffers of what comes in, and ends the session of a viewer that makes too many.
type intake struct {
	flood func()
	made  atomic.Int32
}

// buffer is webrtc.SettingEngine's BufferFactory.
func (i *intake) buffer(kind packetio.BufferPacketType, _ uint32) io.ReadWriteCloser {
	if i.made.Add(1) > maxIncoming {
		i.flood()
		return nowhere{}
	}
	b := packetio.NewBuffer()
	b.SetLimitSize(rtpBuffer)
	if kind == packetio.RTCPBufferPacket {
		b.SetLimitSize(rtcpBuffer)
	}
	return b
}

// nowhere is the buffer of a session that ends.
type nowhere struct{}

func (nowhere) Read([]byte) (int, error)    { return 0, io.EOF }
func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) Close() error                { return nil }

// flooded ends the session of a viewer that is too many at once.
func (p *Peer) flooded() {
	p.log.Warn("session ends: the viewer sends streams that nobody asked for")
	p.stop(protocol.ReasonDeviceLeft)
}
