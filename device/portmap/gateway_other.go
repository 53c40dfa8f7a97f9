//go:build !linux

package portmap

import "net/netip"

// systemGateway knows none: where there is no table of routes to be read, nothing is mapped.
func systemGateway() (netip.Addr, bool) { return netip.Addr{}, false }
