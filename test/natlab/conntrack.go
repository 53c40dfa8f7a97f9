//go:build linux

package natlab

import (
	"context"
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// forgetAll is the netlink request IPCTNL_MSG_CT_DELETE without a tuple, which deletes every entry.
var forgetAll = func() []byte {
	const (
		subsystem = 1 // NFNL_SUBSYS_CTNETLINK
		remove    = 2 // IPCTNL_MSG_CT_DELETE
	)
	b := binary.NativeEndian.AppendUint32(nil, unix.SizeofNlMsghdr+4)
	b = binary.NativeEndian.AppendUint16(b, subsystem<<8|remove)
	b = binary.NativeEndian.AppendUint16(b, unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	b = append(b, make([]byte, 8)...)         // sequence number and port
	return append(b, unix.AF_UNSPEC, 0, 0, 0) // nfgenmsg
}()

// Forget empties a router's connection tracking, as a power cut does: mappings of its translator and holes in its firewall
// are gone, and what was mapped comes by another port next, or by the same.
func (h *Host) Forget(ctx context.Context) error {
	err := h.inside(func() error {
		s, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
		if err != nil {
			return err
		}
		defer func() { _ = unix.Close(s) }()
		if err := unix.Sendto(s, forgetAll, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
			return err
		}
		answer := make([]byte, unix.Getpagesize())
		n, _, err := unix.Recvfrom(s, answer, 0)
		if err != nil {
			return err
		}
		if n < unix.SizeofNlMsghdr+4 {
			return unix.EBADMSG
		}
		if code := int32(binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:])); code != 0 {
			return unix.Errno(-code)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("flush connection tracking of %s: %w", h.Name, err)
	}
	if !h.cone {
		return nil
	}
	return h.Filter(ctx, "flush map ip nat owners\nflush set ip nat spoken")
}
