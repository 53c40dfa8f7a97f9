package plane

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// name is a socket address as the kernel writes it: a sockaddr_in or a sockaddr_in6, the rest zeros.
type name [unix.SizeofSockaddrInet6]byte

// put writes an address and returns how many bytes it has. The address is IPv4 or IPv6, not one in the other.
func (n *name) put(to netip.AddrPort) uint32 {
	addr := to.Addr()
	binary.BigEndian.PutUint16(n[2:], to.Port())
	if addr.Is4() {
		binary.NativeEndian.PutUint16(n[:], unix.AF_INET)
		four := addr.As4()
		copy(n[4:8], four[:])
		return unix.SizeofSockaddrInet4
	}
	binary.NativeEndian.PutUint16(n[:], unix.AF_INET6)
	sixteen := addr.As16()
	clear(n[4:8])
	copy(n[8:24], sixteen[:])
	binary.NativeEndian.PutUint32(n[24:], scope(addr))
	return unix.SizeofSockaddrInet6
}

// get reads an address. The scope of a link-local one becomes a numeric zone.
func (n *name) get() netip.AddrPort {
	port := binary.BigEndian.Uint16(n[2:])
	if binary.NativeEndian.Uint16(n[:]) == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(n[4:8])), port)
	}
	addr := netip.AddrFrom16([16]byte(n[8:24]))
	if index := binary.NativeEndian.Uint32(n[24:]); index != 0 {
		addr = addr.WithZone(strconv.FormatUint(uint64(index), 10))
	}
	return netip.AddrPortFrom(addr, port)
}

// same compares two addresses. What is behind one of IPv4 is of an earlier packet.
func (n *name) same(other *name) bool {
	if [8]byte(n[:8]) != [8]byte(other[:8]) {
		return false
	}
	return binary.NativeEndian.Uint16(n[:]) == unix.AF_INET || [20]byte(n[8:]) == [20]byte(other[8:])
}

// scope returns the interface of a link-local address, whose zone is its number, as get makes it, or its name; 0 for none.
func scope(addr netip.Addr) uint32 {
	zone := addr.Zone()
	if zone == "" {
		return 0
	}
	if index, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(index)
	}
	if i, err := net.InterfaceByName(zone); err == nil {
		return uint32(i.Index)
	}
	return 0
}
