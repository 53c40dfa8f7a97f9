package reach

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// routeChanges signals whenever the kernel says that a link, an address or a route has changed (netlink(7)), until stop.
func routeChanges() (changes <-chan struct{}, stop func(), err error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, nil, fmt.Errorf("watch the network: %w", err)
	}
	file := os.NewFile(uintptr(fd), "netlink")
	groups := uint32(unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR |
		unix.RTMGRP_IPV4_ROUTE | unix.RTMGRP_IPV6_ROUTE)
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		_ = file.Close() // nothing was said on it
		return nil, nil, fmt.Errorf("watch the network: %w", err)
	}
	heard := make(chan struct{}, 1)
	var reading sync.WaitGroup
	reading.Go(func() {
		// What the messages say is not looked at, so that one that is cut short, or lost for want of room, is no matter.
		for b := make([]byte, 1<<13); ; {
			if _, err := file.Read(b); err != nil && !errors.Is(err, unix.ENOBUFS) {
				return
			}
			signal(heard)
		}
	})
	return heard, func() {
		_ = file.Close() // nothing was said on it
		reading.Wait()
	}, nil
}
