package plane

import (
	"net"
	"net/netip"
	"os"
	"sync"
)

// inbox is what a port's reader has not read yet: bounded, and full rather than in anyone's way. Safe for concurrent use.
type inbox struct {
	packets chan packet
	// interrupted and closed end all reads.
	interrupted chan struct{}
	closed      chan struct{}
	interrupt   sync.Once
	close       sync.Once
}

type packet struct {
	from netip.AddrPort
	data []byte
	// buffer is where data lies, to be given back.
	buffer *[MaxPacket]byte
}

var buffers = sync.Pool{New: func() any { return new([MaxPacket]byte) }}

func newInbox(size int) *inbox {
	return &inbox{packets: make(chan packet, size), interrupted: make(chan struct{}), closed: make(chan struct{})}
}

// put copies a packet into the inbox. It reports false when there is no room.
func (i *inbox) put(data []byte, from netip.AddrPort) bool {
	if len(i.packets) == cap(i.packets) {
		return false
	}
	buffer, _ := buffers.Get().(*[MaxPacket]byte)
	p := packet{from: from, data: buffer[:copy(buffer[:], data)], buffer: buffer}
	select {
	case i.packets <- p:
		return true
	default:
		buffers.Put(buffer)
		return false
	}
}

// take waits for a packet and copies it out.
func (i *inbox) take(p []byte) (int, netip.AddrPort, error) {
	select {
	case <-i.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	case <-i.interrupted:
		return 0, netip.AddrPort{}, os.ErrDeadlineExceeded
	default:
	}
	select {
	case <-i.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	case <-i.interrupted:
		return 0, netip.AddrPort{}, os.ErrDeadlineExceeded
	case got := <-i.packets:
		n := copy(p, got.data)
		buffers.Put(got.buffer)
		return n, got.from, nil
	}
}
