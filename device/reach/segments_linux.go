package reach

import (
	"errors"
	"net"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// newSegmentation asks whether the kernel knows UDP_SEGMENT (Linux 4.18).
func newSegmentation(socket net.PacketConn) *segmentation {
	s := &segmentation{}
	udp, ok := socket.(*net.UDPConn)
	if !ok {
		return s
	}
	raw, err := udp.SyscallConn()
	if err != nil {
		return s
	}
	known := false
	err = raw.Control(func(fd uintptr) {
		_, err := unix.GetsockoptInt(int(fd), unix.SOL_UDP, unix.UDP_SEGMENT) //nolint:gosec // a descriptor is an int
		known = err == nil
	})
	if err == nil && known {
		s.socket = udp
	}
	return s
}

// send hands the kernel all packets as one message, and says in it how long each is.
func (s *segmentation) send(b []byte, size int, to netip.AddrPort) error {
	control := make([]byte, unix.CmsgSpace(2))
	header := (*unix.Cmsghdr)(unsafe.Pointer(unsafe.SliceData(control))) //nolint:gosec // that is how the kernel takes it
	header.Level, header.Type = unix.SOL_UDP, unix.UDP_SEGMENT
	header.SetLen(unix.CmsgLen(2))
	*(*uint16)(unsafe.Pointer(&control[unix.CmsgLen(0)])) = uint16(size) //nolint:gosec // a packet has fewer than 65,535 bytes
	_, _, err := s.socket.WriteMsgUDPAddrPort(b, control, to)
	return err
}

// unable says that a device or a route cannot do it; it is never tried again.
func unable(err error) bool {
	return errors.Is(err, unix.EIO) || errors.Is(err, unix.ENOPROTOOPT)
}

// refused says that a message was not taken which single packets may be: EINVAL and EMSGSIZE are said where the path's MTU
// is too small for packets of that size, which then go in fragments.
func refused(err error) bool {
	return errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EMSGSIZE)
}
