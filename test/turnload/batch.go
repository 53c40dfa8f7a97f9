//go:build linux

package turnload

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// message is an mmsghdr of the kernel (recvmmsg(2)).
type message struct {
	header unix.Msghdr
	length uint32
}

// outbox is a burst that sendmmsg(2) sends: the same bytes, several times.
type outbox struct {
	payload []byte
	vector  unix.Iovec
	list    []message
}

func newOutbox(payload []byte, count int) *outbox {
	o := &outbox{payload: payload, list: make([]message, count)}
	o.vector = unix.Iovec{Base: &payload[0]}
	o.vector.SetLen(len(payload))
	for i := range o.list {
		o.list[i].header = unix.Msghdr{Iov: &o.vector}
		o.list[i].header.SetIovlen(1)
	}
	return o
}

// fullWait is how many milliseconds a full socket is waited for; then what is left of the burst stays unsent.
const fullWait = 10

// send sends the burst over a connected socket and returns how many packets have left. The packets leave one by one: a
// network does not deliver them in one piece either.
func (o *outbox) send(fd int) (int, error) {
	sent, waited := 0, false
	for sent < len(o.list) {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&o.list[sent])),
			uintptr(len(o.list)-sent), 0, 0, 0)
		switch {
		case errno == 0:
			sent += int(n) //nolint:gosec // no more than there are
		case errno == unix.EAGAIN && !waited:
			waited = true
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, fullWait) //nolint:gosec // a descriptor
		case isPassing(errno):
			return sent, nil
		default:
			return sent, errno
		}
	}
	return sent, nil
}

// isPassing reports whether an error tells of one packet, not of the socket: it was interrupted, found no room, or an
// earlier one was refused on its way.
func isPassing(err error) bool {
	for _, passing := range []error{unix.EINTR, unix.EAGAIN, unix.ENOBUFS, unix.ECONNREFUSED, unix.EPERM} {
		if errors.Is(err, passing) {
			return true
		}
	}
	return false
}

const (
	// inboxSize is how many packets one recvmmsg(2) takes: a burst, mostly.
	inboxSize = MaxBurst
	// packetSize is more than any packet here has.
	packetSize = 2048
)

// inbox takes what has come to a socket.
type inbox struct {
	list    [inboxSize]message
	vectors [inboxSize]unix.Iovec
	packets [inboxSize][packetSize]byte
	stamps  [inboxSize]arrival
}

// arrival is the control message in which the kernel says when a packet came (SO_TIMESTAMPNS, socket(7)).
type arrival struct {
	header unix.Cmsghdr
	at     unix.Timespec
}

func newInbox() *inbox {
	b := new(inbox)
	for i := range b.list {
		b.vectors[i] = unix.Iovec{Base: &b.packets[i][0]}
		b.vectors[i].SetLen(packetSize)
		b.list[i].header = unix.Msghdr{Iov: &b.vectors[i], Control: (*byte)(unsafe.Pointer(&b.stamps[i]))}
		b.list[i].header.SetIovlen(1)
	}
	return b
}

// receive hands over what waits in a socket, up to inboxSize packets, with the time of their arrival.
func (b *inbox) receive(fd int, handle func(packet []byte, at int64)) {
	for i := range b.list {
		b.list[i].header.SetControllen(int(unsafe.Sizeof(arrival{})))
	}
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.list[0])), inboxSize, unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return // nothing there, or an earlier packet was refused on its way
	}
	for i := range int(n) { //nolint:gosec // no more than inboxSize
		at := b.stamps[i].at.Nano()
		if b.stamps[i].header.Type != unix.SCM_TIMESTAMPNS {
			at = now()
		}
		if length := b.list[i].length; length > 0 {
			handle(b.packets[i][:length], at)
		}
	}
}
