package plane

import (
	"encoding/binary"
	"net/netip"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// maxSegments is how many packets the kernel cuts one message into at most, on any version that can.
	maxSegments = 64
	// maxSegmented bounds their sum: an IP packet's 65,535 bytes less the headers.
	maxSegmented = 65000
	// maxRefusals is after how many refusals in a row, without a success, segmentation is given up.
	maxRefusals = 64
)

// segmentation knows whether the kernel takes many packets as one message (UDP_SEGMENT, Linux 4.18). Safe for concurrent
// use.
type segmentation struct {
	off      atomic.Bool
	refusals atomic.Int32
}

// probe asks a socket whether the kernel knows the option.
func (s *segmentation) probe(fd int) {
	if _, err := unix.GetsockoptInt(fd, unix.SOL_UDP, unix.UDP_SEGMENT); err != nil {
		s.off.Store(true)
	}
}

// refused notes why the kernel did not take a message of segments. A device or a route that cannot do it says EIO or
// ENOPROTOOPT, upon which it is never tried again. EINVAL and EMSGSIZE say that this path's MTU is too small for packets
// of that size, which go one by one and in fragments; a kernel that says nothing else is not asked any more.
func (s *segmentation) refused(err unix.Errno) {
	if err == unix.EIO || err == unix.ENOPROTOOPT || s.refusals.Add(1) >= maxRefusals {
		s.off.Store(true)
	}
}

func (s *segmentation) taken() {
	if s.refusals.Load() != 0 {
		s.refusals.Store(0)
	}
}

// Burst is packets for one destination, in order. It does not copy them: they must stay as they are until Send.
type Burst struct {
	loop    *loop
	n       int
	iovs    [BatchSize]unix.Iovec
	header  unix.Msghdr
	to      name
	control [unix.SizeofCmsghdr + 8]byte
}

func (b *Burst) init(l *loop) {
	b.loop = l
	b.header.Name = &b.to[0]
	cmsg := (*unix.Cmsghdr)(unsafe.Pointer(&b.control))
	cmsg.Level = unix.SOL_UDP
	cmsg.Type = unix.UDP_SEGMENT
	cmsg.SetLen(unix.CmsgLen(2))
}

// Clear drops the packets.
func (b *Burst) Clear() { b.n = 0 }

// Len returns how many packets were added.
func (b *Burst) Len() int { return b.n }

// Bytes returns how long the packets are together.
func (b *Burst) Bytes() int { return b.size(0, b.n) }

// Add appends a packet. A burst takes as many as a Batch has; what is added after that is lost.
func (b *Burst) Add(packet []byte) {
	if b.n == len(b.iovs) {
		return
	}
	b.iovs[b.n].Base = unsafe.SliceData(packet)
	b.iovs[b.n].SetLen(len(packet))
	b.n++
}

// Send sends the packets from a port, empties the burst, and returns how many packets and bytes the kernel took. What it did
// not take, because its buffer is full, is lost.
func (b *Burst) Send(from *Port, to netip.AddrPort) (packets, bytes int) {
	s := from.socketOf(b.loop)
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.fd < 0 {
		b.n = 0
		return 0, 0
	}
	b.header.Namelen = b.to.put(to)
	for start := 0; start < b.n; {
		end := b.run(start)
		if end-start > 1 {
			p, n := b.segmented(s.fd, start, end)
			packets += p
			bytes += n
		} else if b.send(s.fd, start, end, false) == 0 {
			packets++
			bytes += b.size(start, end)
		}
		start = end
	}
	b.n = 0
	return packets, bytes
}

// run returns the end of the packets from start on that may go as one message: all as long as the first, but the last,
// which may be shorter.
func (b *Burst) run(start int) (end int) {
	first := int(b.iovs[start].Len)
	end = start + 1
	if first == 0 || b.loop.plane.segments.off.Load() {
		return end
	}
	size := first
	for end < b.n && end-start < maxSegments {
		next := int(b.iovs[end].Len)
		if next > first || next == 0 || size+next > maxSegmented {
			break
		}
		size += next
		end++
		if next < first {
			break
		}
	}
	return end
}

// segmented sends packets as one message, or one by one where that is refused.
func (b *Burst) segmented(fd, start, end int) (packets, bytes int) {
	err := b.send(fd, start, end, true)
	switch err {
	case 0:
		b.loop.plane.segments.taken()
		return end - start, b.size(start, end)
	case unix.EINVAL, unix.EMSGSIZE, unix.EIO, unix.ENOPROTOOPT:
		b.loop.plane.segments.refused(err)
	default:
		return 0, 0
	}
	for ; start < end; start++ {
		if b.send(fd, start, start+1, false) == 0 {
			packets++
			bytes += b.size(start, start+1)
		}
	}
	return packets, bytes
}

func (b *Burst) size(start, end int) int {
	size := 0
	for i := start; i < end; i++ {
		size += int(b.iovs[i].Len)
	}
	return size
}

// send hands the kernel one message, cut into segments as long as the first packet if so asked.
func (b *Burst) send(fd, start, end int, segments bool) unix.Errno {
	b.header.Iov = &b.iovs[start]
	b.header.SetIovlen(end - start)
	b.header.Control = nil
	b.header.SetControllen(0)
	if segments {
		binary.NativeEndian.PutUint16(b.control[unix.CmsgLen(0):], uint16(b.iovs[start].Len))
		b.header.Control = &b.control[0]
		b.header.SetControllen(len(b.control))
	}
	_, _, err := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.header)), unix.MSG_DONTWAIT)
	return err
}
