package app

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
)

// names are the hosts and ports under which a server is known. A device's token is good only for one of them, so that
// another server cannot pass it on. It is safe for concurrent use.
type names struct {
	hosts  map[string]bool
	listen netip.AddrPort
}

// newNames collects the configured URL, the public addresses, the listen address and the names of the host.
func newNames(configured string, listen netip.AddrPort, public []netip.Addr) *names {
	n := &names{hosts: map[string]bool{}, listen: listen}
	if u, err := url.Parse(configured); err == nil && u.Host != "" {
		n.hosts[hostPort(u)] = true
	}
	for _, ip := range public {
		n.add(ip.Unmap().String())
	}
	if !listen.Addr().IsUnspecified() {
		n.add(listen.Addr().Unmap().String())
	}
	if listen.Addr().IsUnspecified() || listen.Addr().Unmap().IsLoopback() {
		n.add("localhost")
	}
	if host, err := os.Hostname(); err == nil {
		n.add(host)
		short, _, _ := strings.Cut(host, ".")
		n.add(short)
		n.add(short + ".local") // multicast DNS (RFC 6762 section 3)
	}
	return n
}

func (n *names) add(host string) {
	n.hosts[net.JoinHostPort(strings.ToLower(host), strconv.Itoa(int(n.listen.Port())))] = true
}

// has reports whether the URL names this server. The scheme is not looked at: a proxy may speak TLS for us. A server
// on all addresses has those that the host has now, which may have changed since it started.
func (n *names) has(audience string) bool {
	u, err := url.Parse(audience)
	if err != nil {
		return false
	}
	at := hostPort(u)
	if n.hosts[at] {
		return true
	}
	address, err := netip.ParseAddrPort(at)
	return err == nil && n.listen.Addr().IsUnspecified() && address.Port() == n.listen.Port() &&
		slices.Contains(bound(n.listen.Addr()), address.Addr().Unmap())
}

// hostPort is a URL's host with its port spelt out.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// bound lists the addresses that a listener on this one answers on.
func bound(ip netip.Addr) []netip.Addr {
	ip = ip.Unmap()
	if !ip.IsUnspecified() {
		return []netip.Addr{ip}
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var list []netip.Addr
	for _, a := range addrs {
		if network, ok := a.(*net.IPNet); ok {
			if own, ok := netip.AddrFromSlice(network.IP); ok {
				list = append(list, own.Unmap())
			}
		}
	}
	return list
}

// urlOf is the URL of a listen address: for an unspecified one that of the address others are likeliest to reach.
func urlOf(listen netip.AddrPort, tls bool) string {
	best := netip.MustParseAddr("127.0.0.1")
	for _, ip := range bound(listen.Addr()) {
		if !ip.IsLoopback() && !ip.IsLinkLocalUnicast() || listen.Addr().Unmap() == ip {
			best = ip
			break
		}
	}
	scheme := "http"
	if tls {
		scheme = "https"
	}
	return (&url.URL{Scheme: scheme, Host: netip.AddrPortFrom(best, listen.Port()).String()}).String()
}

// clientAddress tells where a request comes from: the last address that no trusted proxy put there.
func clientAddress(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	address := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && isTrusted(address, trusted); i-- {
		hop, ok := parseHop(strings.TrimSpace(hops[i]))
		if !ok {
			return address
		}
		address = hop
	}
	return address
}

// parseHop reads an address of X-Forwarded-For, to which some proxies add the port.
func parseHop(text string) (netip.Addr, bool) {
	if hop, err := netip.ParseAddrPort(text); err == nil {
		return hop.Addr().Unmap(), true
	}
	hop, err := netip.ParseAddr(text)
	return hop.Unmap(), err == nil
}

func isTrusted(address netip.Addr, trusted []netip.Prefix) bool {
	for _, prefix := range trusted {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}
