//go:build linux

package natlab

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// setting is a value of the kernel for one namespace.
type setting struct {
	path, value string
	// optional: not every kernel has it.
	optional bool
}

// atOnce are what every namespace needs before its first packet: bridged frames do not pass the NAT hooks a second time,
// which some kernels do by default and which sends a hairpinned frame back to its own port; IPv6 works at once instead
// of after a second or two of duplicate address detection; and who comes up says so, as what DHCP configures does.
func atOnce() []setting {
	return []setting{
		{path: "bridge/bridge-nf-call-iptables", value: "0", optional: true},
		{path: "bridge/bridge-nf-call-ip6tables", value: "0", optional: true},
		{path: "bridge/bridge-nf-call-arptables", value: "0", optional: true},
		{path: "ipv6/conf/all/accept_dad", value: "0"},
		{path: "ipv6/conf/default/accept_dad", value: "0"},
		{path: "ipv6/conf/default/dad_transmits", value: "0"},
		{path: "ipv4/conf/default/arp_notify", value: "1"},
		{path: "ipv6/conf/default/ndisc_notify", value: "1"},
	}
}

// forwarding are what a router needs besides. It tells nobody of a shorter way, as one that hairpins might.
func forwarding() []setting {
	return append(atOnce(), []setting{
		{path: "ipv4/ip_forward", value: "1"},
		{path: "ipv6/conf/all/forwarding", value: "1"},
		{path: "ipv4/conf/all/send_redirects", value: "0"},
		{path: "ipv4/conf/default/send_redirects", value: "0"},
	}...)
}

// forgetting are what makes a translator forget UDP that has been silent for some time, answered or not.
func forgetting(after time.Duration) []setting {
	if after == 0 {
		return nil
	}
	seconds := strconv.Itoa(int(after.Seconds()))
	return []setting{
		{path: "netfilter/nf_conntrack_udp_timeout", value: seconds},
		{path: "netfilter/nf_conntrack_udp_timeout_stream", value: seconds},
	}
}

// set gives values to the host's namespace.
func (h *Host) set(settings []setting) error {
	return h.inside(func() error {
		for _, s := range settings {
			err := os.WriteFile("/proc/sys/net/"+s.path, []byte(s.value), 0o644)
			if err != nil && (!s.optional || !errors.Is(err, os.ErrNotExist)) {
				return fmt.Errorf("set %s of %s: %w", s.path, h.Namespace, err)
			}
		}
		return nil
	})
}
