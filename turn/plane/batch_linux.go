package plane

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// BatchSize is how many packets one Batch holds at most.
	BatchSize = 64
	// MaxPacket is the longest packet that is received whole: larger than what any path carries unfragmented.
	MaxPacket = 1600
	// Headroom is how many bytes a handler may put in front of a packet without copying it: a ChannelData header
	// (RFC 8656 section 12.4).
	Headroom = 4
	// stride is the distance of packets in a batch's memory: a multiple of a cache line.
	stride = 1664
)

// message is struct mmsghdr.
type message struct {
	header unix.Msghdr
	length uint32
	_      [4]byte
}

// Batch is what one system call has received from one socket. It belongs to its loop, and to the handler until that
// returns; so do the bytes that it hands out.
type Batch struct {
	loop     *loop
	port     *Port
	n        int
	messages [BatchSize]message
	iovs     [BatchSize]unix.Iovec
	names    [BatchSize]name
	memory   [BatchSize * stride]byte
	burst    Burst
}

func newBatch(l *loop) *Batch {
	b := &Batch{loop: l}
	b.burst.init(l)
	for i := range b.messages {
		b.iovs[i].Base = &b.memory[i*stride+Headroom]
		b.iovs[i].SetLen(MaxPacket)
		header := &b.messages[i].header
		header.Iov = &b.iovs[i]
		header.SetIovlen(1)
		header.Name = &b.names[i][0]
		header.Namelen = uint32(len(b.names[i]))
	}
	return b
}

// receive fills the batch with what the socket has and returns how many packets that are.
func (b *Batch) receive(fd int) int {
	for i := range b.n {
		b.messages[i].header.Namelen = uint32(len(b.names[i]))
	}
	b.n = 0
	n, _, err := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.messages)),
		BatchSize, unix.MSG_DONTWAIT, 0, 0)
	if err == 0 {
		b.n = int(n)
	}
	return b.n
}

// Len returns how many packets there are.
func (b *Batch) Len() int { return b.n }

// From returns who sent packet i.
func (b *Batch) From(i int) netip.AddrPort { return b.names[i].get() }

// SameFrom reports whether packets i and j come from the same address.
func (b *Batch) SameFrom(i, j int) bool {
	return b.names[i].same(&b.names[j])
}

// Data returns packet i, and whether it is whole: of one longer than MaxPacket the rest is lost.
func (b *Batch) Data(i int) (data []byte, whole bool) {
	at := i*stride + Headroom
	m := &b.messages[i]
	return b.memory[at : at+int(m.length)], m.header.Flags&unix.MSG_TRUNC == 0
}

// Frame returns packet i with Headroom bytes in front of it.
func (b *Batch) Frame(i int) []byte {
	at := i * stride
	return b.memory[at : at+Headroom+int(b.messages[i].length)]
}

// Pass gives packet i to who reads from the port. It reports false when that one is too far behind.
func (b *Batch) Pass(i int) bool {
	data, _ := b.Data(i)
	return b.port.inbox.put(data, b.From(i))
}

// Burst returns an empty burst. There is one: a burst must be sent before the next is asked for.
func (b *Batch) Burst() *Burst {
	b.burst.Clear()
	return &b.burst
}
