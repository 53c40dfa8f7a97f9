package turn

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
)

// hosts knows the host's addresses: those that the server is bound to, those that clients are told, and all those
// that no relay may send to.
type hosts struct {
	// bound is where the server listens, public what the configuration says that the world sees: at most one of each
	// family. Both are set before any goroutine starts.
	bound  []netip.Addr
	public []netip.Addr
	own    atomic.Pointer[map[netip.Addr]struct{}]
}

// isOwn reports whether an address is the host's: of an interface, a broadcast address of its networks, or public.
func (h *hosts) isOwn(addr netip.Addr) bool {
	own := h.own.Load()
	if own == nil {
		return false
	}
	_, ok := (*own)[addr]
	return ok
}

// refresh reads the interfaces' addresses: they change while the server runs.
func (h *hosts) refresh() error {
	networks, err := interfaceNetworks()
	if err != nil {
		return err
	}
	own := make(map[netip.Addr]struct{})
	for _, network := range networks {
		own[network.Addr()] = struct{}{}
		for _, addr := range broadcasts(network) {
			own[addr] = struct{}{}
		}
	}
	for _, addr := range slices.Concat(h.public, h.bound) {
		own[addr] = struct{}{}
	}
	h.own.Store(&own)
	return nil
}

// toldOf returns what clients are told of a local address.
func (h *hosts) toldOf(local netip.Addr) netip.Addr {
	for _, public := range h.public {
		if public.Is4() == local.Is4() {
			return public
		}
	}
	return local.WithZone("")
}

// has4 reports whether the server is bound to an IPv4 address.
func (h *hosts) has4() bool { return slices.ContainsFunc(h.bound, netip.Addr.Is4) }

// told returns the addresses at which clients find the server.
func (h *hosts) told() []netip.Addr {
	if len(h.public) > 0 {
		return h.public
	}
	return h.bound
}

// relay returns where a relay of the network (udp4 or udp6) is bound, for a client that came to the local address, and
// what that client is told. The same address answers where it can; else the first of the family does.
func (h *hosts) relay(network string, local netip.Addr) (bind, told netip.Addr, err error) {
	sameFamily := func(a netip.Addr) bool { return a.Is4() == (network == "udp4") }
	if !local.IsValid() || !sameFamily(local) {
		i := slices.IndexFunc(h.bound, sameFamily)
		if i < 0 {
			return netip.Addr{}, netip.Addr{}, errFamily
		}
		local = h.bound[i]
	}
	i := slices.IndexFunc(h.public, sameFamily)
	switch {
	case i < 0:
		return local, local, nil
	case slices.Contains(h.bound, h.public[i]):
		return h.public[i], h.public[i], nil
	default:
		return local, h.public[i], nil
	}
}

// listenAddrs returns the concrete addresses that a host of the configuration stands for. An unspecified one is all
// addresses of its family, "::" and "" those of both, but for loopback ones if there are others; optional says that
// some may turn out to be unusable.
func listenAddrs(host netip.Addr) (addrs []netip.Addr, optional bool, err error) {
	if host.IsValid() && !host.IsUnspecified() {
		return []netip.Addr{host}, false, nil
	}
	networks, err := interfaceNetworks()
	if err != nil {
		return nil, false, err
	}
	var loopback []netip.Addr
	for _, network := range networks {
		addr := network.Addr()
		switch {
		case host.Is4() && !addr.Is4():
		case addr.IsLoopback():
			loopback = append(loopback, addr)
		case addr.IsGlobalUnicast():
			addrs = append(addrs, addr)
		}
	}
	if len(addrs) == 0 {
		addrs = loopback
	}
	if len(addrs) == 0 {
		return nil, false, errors.New("this host has no address")
	}
	return addrs, true, nil
}

// interfaceNetworks returns the addresses of the interfaces that are up, each with its prefix length.
func interfaceNetworks() ([]netip.Prefix, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list network interfaces: %w", err)
	}
	var networks []netip.Prefix
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			return nil, fmt.Errorf("list addresses of %s: %w", i.Name, err)
		}
		for _, a := range addrs {
			ipnet, ok := a.(*net.IPNet)
			if !ok {
				continue
			}
			addr, ok := netip.AddrFromSlice(ipnet.IP)
			ones, _ := ipnet.Mask.Size()
			if ok {
				networks = append(networks, netip.PrefixFrom(addr.Unmap(), ones))
			}
		}
	}
	return networks, nil
}

// broadcasts returns the addresses that mean every host of an IPv4 network: all ones, and all zeros (RFC 1122
// section 3.3.6). IPv6 has none, and neither have networks of two addresses (RFC 3021).
func broadcasts(network netip.Prefix) []netip.Addr {
	if !network.Addr().Is4() || network.Bits() > 30 {
		return nil
	}
	first := network.Masked().Addr()
	last := first.As4()
	for bit := network.Bits(); bit < 32; bit++ {
		last[bit/8] |= 0x80 >> (bit % 8)
	}
	return []netip.Addr{first, netip.AddrFrom4(last)}
}
