package plane

import (
	"errors"
	"net/netip"
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// sharedInbox is how many packets wait for the reader of a port with a socket in each loop: what the clients of a
	// server ask while one request is answered.
	sharedInbox = 1024
	// ownInbox is the same for a port of one socket.
	ownInbox = 64
)

// Listen binds an address, for port 0 on a port that is free, with a socket in each loop. buffer is asked of the kernel
// for each direction of each socket, in bytes; it may give less. The errors of bind are as unix has them.
func (p *Plane) Listen(at netip.AddrPort, buffer int) (*Port, error) {
	port := &Port{inbox: newInbox(sharedInbox)}
	for _, l := range p.loops {
		// The first is bound alone, so that an address in use is told; then it is shared.
		fd, err := open(at, buffer, len(port.sockets) > 0)
		if err == nil && len(port.sockets) == 0 {
			at, err = bound(fd)
			err = errors.Join(err, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
			p.segments.probe(fd)
		}
		if fd >= 0 {
			port.sockets = append(port.sockets, &socket{port: port, loop: l, fd: fd})
		}
		if err != nil {
			return nil, errors.Join(err, port.Close())
		}
	}
	port.local = at
	return port, nil
}

// Bind binds an address, for port 0 on a port that is free, with one socket in the loop that has the fewest.
func (p *Plane) Bind(at netip.AddrPort, buffer int) (*Port, error) {
	fd, err := open(at, buffer, false)
	if err != nil {
		return nil, err
	}
	port := &Port{inbox: newInbox(ownInbox)}
	port.sockets = []*socket{{port: port, loop: p.leastLoop(), fd: fd}}
	if port.local, err = bound(fd); err != nil {
		return nil, errors.Join(err, port.Close())
	}
	return port, nil
}

// open returns a bound socket, or -1 and an error.
func open(at netip.AddrPort, buffer int, shared bool) (int, error) {
	family := unix.AF_INET6
	if at.Addr().Is4() {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, buffer) // The kernel may give less.
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, buffer)
	if family == unix.AF_INET6 {
		err = os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1))
	}
	if err == nil && shared {
		err = os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
	}
	if err == nil {
		err = bindError(at, unix.Bind(fd, sockaddr(at)))
	}
	if err != nil {
		return -1, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

func bindError(at netip.AddrPort, err error) error {
	if err == nil {
		return nil
	}
	return &os.SyscallError{Syscall: "bind udp " + at.String(), Err: err}
}

// bound returns where a socket is bound.
func bound(fd int) (netip.AddrPort, error) {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}, os.NewSyscallError("getsockname", err)
	}
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)), nil
	case *unix.SockaddrInet6:
		addr := netip.AddrFrom16(sa.Addr)
		if sa.ZoneId != 0 {
			addr = addr.WithZone(strconv.FormatUint(uint64(sa.ZoneId), 10))
		}
		return netip.AddrPortFrom(addr, uint16(sa.Port)), nil
	}
	return netip.AddrPort{}, errors.New("socket of an unknown family")
}

func sockaddr(to netip.AddrPort) unix.Sockaddr {
	if to.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16(), ZoneId: scope(to.Addr())}
}

// kernelDrops returns how many packets a socket had no room for.
func kernelDrops(fd int) uint32 {
	var info [unix.SK_MEMINFO_VARS]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, err := unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if err != 0 {
		return 0
	}
	return info[unix.SK_MEMINFO_DROPS]
}
