//go:build !linux

package reach

import (
	"net"
	"net/netip"
)

// newSegmentation knows of no other system that takes many packets as one message.
func newSegmentation(net.PacketConn) *segmentation { return &segmentation{} }

func (*segmentation) send([]byte, int, netip.AddrPort) error { return errUnsegmented }

func unable(error) bool { return false }

func refused(error) bool { return false }
