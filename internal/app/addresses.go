package app

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// names are the hosts and ports under which a server is known. A device's token is good only for one of them, so that
// another server cannot pass it on.
type names struct{ hosts map[string]bool }

// newNames collects the configured URL, the listen address and, if that is unspecified, the host's own addresses.
func newNames(configured string, listen netip.AddrPort, public []netip.Addr) *names {
	n := &names{hosts: map[string]bool{}}
	if u, err := url.Parse(configured); err == nil && u.Host != "" {
		n.hosts[hostPort(u)] = true
	}
	add := func(host string) {
		n.hosts[net.JoinHostPort(strings.ToLower(host), strconv.Itoa(int(listen.Port())))] = true
	}
	for _, ip := range public {
		add(ip.String())
	}
	for _, ip := range bound(listen.Addr()) {
		add(ip.String())
		if ip.IsLoopback() {
			add("localhost")
		}
	}
	if host, err := os.Hostname(); err == nil {
		add(host)
	}
	return n
}

// has reports whether the URL names this server. The scheme is not looked at: a proxy may speak TLS for us.
func (n *names) has(audience string) bool {
	u, err := url.Parse(audience)
	return err == nil && n.hosts[hostPort(u)]
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
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return address
		}
		address = hop.Unmap()
	}
	return address
}

func isTrusted(address netip.Addr, trusted []netip.Prefix) bool {
	for _, prefix := range trusted {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}
